"""All timers of a runtime in one heap; a timer that is not waited for any more costs one entry."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

import trio

from ..actors import Message
from .execution import Execution

SLICE_SECONDS = 0.001


class Timers:
    """Sends messages to executions when they are due.

    Single writer: the trio thread. Entries are never searched for: whoever gets a message that has
    lost its meaning ignores it, and entries of ended executions are swept once they are the majority.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Execution, Message]] = []
        self._order = itertools.count()
        self._scope: trio.CancelScope | None = None
        self._sweep_at = 1024

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, due: float, execution: Execution, message: Message) -> None:
        """Have `execution` woken with `message` at `due` (seconds, the runtime's clock)."""
        heap = self._heap
        heapq.heappush(heap, (due, next(self._order), execution, message))
        if self._scope is not None and due < self._scope.deadline:
            self._scope.deadline = due
        if len(heap) >= self._sweep_at:
            self._sweep()

    def _sweep(self) -> None:
        self._heap = [entry for entry in self._heap if entry[2].ended_at is None]
        heapq.heapify(self._heap)
        self._sweep_at = max(1024, 2 * len(self._heap))

    async def run(self) -> None:
        """Wake executions as time goes by, until cancelled."""
        while True:
            with trio.CancelScope() as self._scope:
                self._scope.deadline = self._heap[0][0] if self._heap else float("inf")
                await trio.sleep_forever()
            self._scope = None
            await self._wake_all_due()

    async def _wake_all_due(self) -> None:
        now = self._clock()
        slice_end = now + SLICE_SECONDS
        while self._heap and self._heap[0][0] <= now:
            _, _, execution, message = heapq.heappop(self._heap)
            execution.wake(message)
            if self._clock() > slice_end:
                await trio.lowlevel.checkpoint()
                slice_end = self._clock() + SLICE_SECONDS
