"""One answer to one message, for whoever asked: a trio task, an asyncio task or a plain thread."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar, cast

import trio

T = TypeVar("T")

_UNSET = object()


class Reply(Generic[T]):
    """The answer that is yet to come; `await` it, or `wait()` for it in a plain thread.

    The message it answers was sent when this object was made: whoever does not care for the answer
    drops it. Any number of tasks and threads may wait. Awaiting is a checkpoint only if the answer
    is not there yet; a cancelled waiter leaves the message and the other waiters untouched.
    """

    __slots__ = ("_error", "_value", "_wakers")

    def __init__(self) -> None:
        self._value: object = _UNSET
        self._error: BaseException | None = None
        self._wakers: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        if self._value is not _UNSET:
            return f"<Reply {self._value!r}>"
        return f"<Reply failed: {self._error!r}>" if self._error else "<Reply pending>"

    def is_done(self) -> bool:
        """Whether the answer, or the error in its place, has arrived."""
        return self._value is not _UNSET or self._error is not None

    def has_failed(self) -> bool:
        """Whether an error has arrived in place of the answer."""
        return self._error is not None

    def answer(self, value: T) -> None:
        """Give the answer; a second one is ignored."""
        if not self.is_done():
            self._value = value
            self._wake()

    def fail(self, error: BaseException) -> None:
        """Give an error in place of the answer; waiters raise it."""
        if not self.is_done():
            self._error = error
            self._wake()

    def __await__(self) -> Generator[Any, Any, T]:
        if not self.is_done():
            yield from self._suspend().__await__()
        return self._unwrap()

    def wait(self, timeout: float | None = None) -> T:
        """Block a plain thread for the answer; raises `TimeoutError` after `timeout` seconds.

        Raises `RuntimeError` in a trio or asyncio task, which must `await` instead.
        """
        if not self.is_done():
            _refuse_in_event_loop()
            arrived = threading.Event()
            self.when_done(arrived.set)
            if not arrived.wait(timeout):
                self._wakers.remove(arrived.set)  # else a waiter that polls would pile them up
                raise TimeoutError(f"no answer within {timeout} s")
        return self._unwrap()

    async def _suspend(self) -> None:
        if trio.lowlevel.in_trio_task():
            await self._suspend_trio()
        else:
            await self._suspend_asyncio()

    async def _suspend_trio(self) -> None:
        token = trio.lowlevel.current_trio_token()
        waiter = _Waiter(trio.lowlevel.current_task())

        def wake() -> None:
            if trio.lowlevel.in_trio_run() and trio.lowlevel.current_trio_token() is token:
                waiter.wake()
            else:
                _call_soon(token, waiter.wake)

        self.when_done(wake)
        try:
            await waiter.wait()
        finally:
            self._wakers.remove(wake)

    async def _suspend_asyncio(self) -> None:
        import asyncio  # it is there already, as its loop runs; a program on trio never needs it

        loop = asyncio.get_running_loop()
        arrived = asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the waiter went with its event loop
                loop.call_soon_threadsafe(arrived.set)

        self.when_done(wake)
        try:
            await arrived.wait()
        finally:
            self._wakers.remove(wake)

    def when_done(self, wake: Callable[[], None]) -> None:
        """Have `wake` called when the answer is there; it may be called twice, from any thread."""
        # Register first, look again after: an answer given in between by another thread is not
        # missed.
        self._wakers.append(wake)
        if self.is_done():
            wake()

    def _wake(self) -> None:
        for wake in tuple(self._wakers):
            wake()

    def _unwrap(self) -> T:
        if self._error is not None:
            raise self._error
        return cast(T, self._value)


class _Waiter:
    """A trio task that waits to be woken; an event would cost twice as much."""

    __slots__ = ("_is_asleep", "_is_called", "_task")

    def __init__(self, task: trio.lowlevel.Task) -> None:
        self._task = task
        self._is_asleep = False
        self._is_called = False

    def wake(self) -> None:
        """Wake it, or have it not fall asleep; may be called again."""
        self._is_called = True
        if self._is_asleep:
            self._is_asleep = False
            trio.lowlevel.reschedule(self._task)

    async def wait(self) -> None:
        """Wait until woken; a checkpoint."""
        if self._is_called:
            await trio.lowlevel.checkpoint()
            return
        self._is_asleep = True
        await trio.lowlevel.wait_task_rescheduled(self._abort)

    def _abort(self, _: object) -> trio.lowlevel.Abort:
        self._is_asleep = False
        return trio.lowlevel.Abort.SUCCEEDED


def _call_soon(token: trio.lowlevel.TrioToken, call: Callable[[], None]) -> None:
    with contextlib.suppress(trio.RunFinishedError):  # the waiter went with its event loop
        token.run_sync_soon(call)


def _refuse_in_event_loop() -> None:
    if trio.lowlevel.in_trio_task():
        raise RuntimeError("a trio task must `await` a reply; `wait()` is for plain threads")
    if "asyncio" not in sys.modules:
        return
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("an asyncio task must `await` a reply; `wait()` is for plain threads")
