"""All timers of a runtime in one heap; a timer that is not waited for any more costs one entry."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable

import trio

from ..actors import Message, deadline_after
from .execution import Sleeper

SLICE_SECONDS = 0.001


Ordered = tuple[float, Sleeper, Message | None]
Heaped = tuple[float, int, Sleeper, Message | None]


class Timers:
    """Wakes executions and others with messages when they are due.

    Single writer: the trio thread. Entries are never searched for: whoever gets a message that has
    lost its meaning ignores it, and entries of ended executions are swept once they are the
    majority.

    A timer that is due no earlier than the latest one in `_ordered` is appended there; others go to
    the heap, numbered so that those due at one time keep their order. Timeouts of executions come
    in that order, and appending costs a third of a push.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._heap: list[Heaped] = []
        self._ordered: deque[Ordered] = deque()
        self._last = -math.inf
        self._number = 0
        self._scope: trio.CancelScope | None = None
        self._awake_at = math.inf
        self._sweep_at = 1024

    def __len__(self) -> int:
        return len(self._heap) + len(self._ordered)

    def add(self, due: float, sleeper: Sleeper, message: Message | None) -> None:
        """Have `sleeper` woken with `message` at `due` (seconds, the runtime's clock).

        With None, which is 40 bytes less, it is woken with `due`.
        """
        self._number = number = self._number + 1
        if due >= self._last:
            self._last = due
            self._ordered.append((due, sleeper, message))
        else:
            heapq.heappush(self._heap, (due, number, sleeper, message))
        if due < self._awake_at:
            self._wake_at(due)
        if not number & 1023 and len(self) >= self._sweep_at:
            self.sweep()

    def _wake_at(self, due: float) -> None:
        self._awake_at = due
        if self._scope is not None:
            self._scope.deadline = deadline_after(due - self._clock())

    def sweep(self) -> None:
        """Drop the entries of those who have ended, which would keep them in memory."""
        self._heap = [entry for entry in self._heap if entry[2].ended_at is None]
        heapq.heapify(self._heap)
        self._ordered = deque(entry for entry in self._ordered if entry[1].ended_at is None)
        self._last = self._ordered[-1][0] if self._ordered else -math.inf
        self._sweep_at = max(1024, 2 * len(self))

    def clear(self) -> None:
        """Drop all entries."""
        self._heap.clear()
        self._ordered.clear()
        self._last = -math.inf

    def _first(self) -> float:
        """When the earliest timer is due."""
        heads = (entries[0][0] for entries in (self._heap, self._ordered) if entries)
        return min(heads, default=math.inf)

    def _pop(self) -> Ordered:
        if self._ordered and (not self._heap or self._ordered[0][0] <= self._heap[0][0]):
            entry = self._ordered.popleft()
            if not self._ordered:
                self._last = -math.inf
            return entry
        due, _, sleeper, message = heapq.heappop(self._heap)
        return due, sleeper, message

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Wake executions as time goes by, until cancelled."""
        while True:
            with trio.CancelScope() as self._scope:
                self._wake_at(self._first())
                await trio.sleep_forever()
            self._scope = None
            self._awake_at = -math.inf
            await self._wake_all_due()

    async def _wake_all_due(self) -> None:
        now = self._clock()
        slice_end = now + SLICE_SECONDS
        while self._first() <= now:
            due, sleeper, message = self._pop()
            if sleeper.ended_at is None:
                sleeper.wake(due if message is None else message)
            if self._clock() > slice_end:
                await trio.lowlevel.checkpoint()
                slice_end = self._clock() + SLICE_SECONDS
