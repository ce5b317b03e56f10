"""Who may begin: a limit on busy executions, and a bounded queue before it."""

from __future__ import annotations

from .execution import Begin, Execution


class Admission:
    """Counts busy executions and holds back new ones beyond `limit`, in order of arrival.

    Busy means that an attempt is in flight. An execution with only timers or signals left, or
    paused, gives its place back and needs none to go on: the limit holds back beginnings only, so
    it cannot deadlock. `queued` is how many wait to begin, `refused` counts who found no room.
    """

    def __init__(self, limit: int, queue_limit: int) -> None:
        self.limit = limit
        self.queue_limit = queue_limit
        self.busy = 0
        self.queued = 0
        self.refused = 0
        self._queue: dict[Execution, Begin] = {}

    @property
    def is_full(self) -> bool:
        """Whether the next one would be refused."""
        return self.busy >= self.limit and self.queued >= self.queue_limit

    @property
    def room(self) -> int:
        """How many may begin at once or be queued now."""
        at_once = 0 if self.queued else max(0, self.limit - self.busy)
        return at_once + max(0, self.queue_limit - self.queued)

    def enter(self, execution: Execution, begin: Begin) -> None:
        """Queue a new execution."""
        self._queue[execution] = begin
        self.queued += 1

    def begin_of(self, execution: Execution) -> Begin | None:
        """With what a queued execution will begin; None if it is not queued."""
        return self._queue.get(execution)

    def forget(self, execution: Execution) -> None:
        """Take an execution out of the queue, as it has ended before it began."""
        if self._queue.pop(execution, None) is not None:
            self.queued -= 1

    def next(self) -> tuple[Execution, Begin] | None:
        """The next execution that may begin now, its place taken; None if none may."""
        if self.busy >= self.limit or not self._queue:
            return None
        execution = next(iter(self._queue))
        self.busy += 1
        execution.busy = True
        self.queued -= 1
        return execution, self._queue.pop(execution)
