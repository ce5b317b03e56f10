"""Things to be done that take time, on behalf of whoever cannot wait in the runtime's own task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import trio

from ..actors import Reply, RuntimeClosed

T = TypeVar("T")
Errand = Callable[[], Awaitable[Any]]


class Errands:
    """Runs async functions, each in a task, and answers with what they return or raise.

    Single writer: the trio thread.
    """

    def __init__(self, runtime_id: str) -> None:
        self._runtime_id = runtime_id
        self._waiting: dict[Reply[Any], Errand] = {}
        self._news = trio.Event()
        self._is_over = False

    def send(self, errand: Callable[[], Awaitable[T]], reply: Reply[T]) -> None:
        """Have something done. The reply fails with `RuntimeClosed` if the runtime ends first."""
        if self._is_over:
            reply.fail(RuntimeClosed(self._runtime_id))
            return
        self._waiting[reply] = errand
        self._news.set()

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Do what is asked for, as a service."""
        task_status.started()
        async with trio.open_nursery() as nursery:
            while True:
                waiting, self._waiting = self._waiting, {}
                for reply, errand in waiting.items():
                    nursery.start_soon(self._do, errand, reply)
                self._news = trio.Event()
                if not self._waiting:
                    await self._news.wait()

    def give_up(self) -> None:
        """Refuse what was not begun: the runtime has ended."""
        self._is_over = True
        for reply in self._waiting:
            reply.fail(RuntimeClosed(self._runtime_id))
        self._waiting.clear()

    async def _do(self, errand: Errand, reply: Reply[Any]) -> None:
        try:
            reply.answer(await errand())
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            reply.fail(error)
        finally:
            reply.fail(RuntimeClosed(self._runtime_id))  # if it was cancelled
