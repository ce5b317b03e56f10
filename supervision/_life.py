"""One life of a child: the task that runs it, and how it is asked to end."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import trio

from ._child import Child, Runnable, Service


class _Started:
    """The `task_status` of a child."""

    def __init__(self, report: Callable[[], None]) -> None:
        self._report = report

    def started(self, value: object = None) -> None:
        """Say that the start is done; whatever `value` is, nobody waits for it."""
        self._report()


class Life:
    """From the first step of a child's task to its last. Shielded: only `ask` ends it early."""

    def __init__(self, child: Child, number: int) -> None:
        self.child: Child = child
        self.number: int = number
        self._parameters = _parameters(child.start)
        self._scope = trio.CancelScope(shield=True)
        self._stopping = trio.Event()

    def __repr__(self) -> str:
        asked = " asked to end" if self._stopping.is_set() else ""
        return f"<Life {self.number} of {self.child.name}{asked}>"

    @property
    def is_killed(self) -> bool:
        """Whether it was cancelled although it could have ended by itself."""
        return self._scope.cancel_called and "stopping" in self._parameters

    def ask(self) -> None:
        """Ask the child to end, and have it cancelled when its time is over."""
        self._stopping.set()
        start = self.child.start
        if isinstance(start, Runnable):
            start.shut_down()
        elif "stopping" in self._parameters:
            self._scope.deadline = trio.current_time() + self.child.shutdown
        else:
            self._scope.cancel()

    async def run(self, report_start: Callable[[], None]) -> Exception | None:
        """Run the child to its end; returns what it raised. Other than an `Exception` escapes."""
        try:
            with self._scope:
                if not self._stopping.is_set():
                    await self._call(report_start)
        except Exception as error:  # noqa: BLE001 - a supervision boundary
            return error
        return None

    async def _call(self, report_start: Callable[[], None]) -> None:
        start = self.child.start
        if isinstance(start, Runnable):
            await start.run(task_status=_Started(report_start))
            return
        offered = {"task_status": _Started(report_start), "stopping": self._stopping}
        if "task_status" not in self._parameters:
            report_start()
        await start(**{name: offered[name] for name in self._parameters})


def _parameters(start: Service | Runnable) -> tuple[str, ...]:
    """Which of the parameters that we offer a service takes."""
    if isinstance(start, Runnable):
        return ()
    known = inspect.signature(start).parameters
    return tuple(name for name in ("task_status", "stopping") if name in known)
