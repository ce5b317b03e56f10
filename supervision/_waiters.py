"""Who waits for what from a supervisor: for a start, for an end, for the notice of a death."""

from __future__ import annotations

from typing import TypeVar

from ..actors import ActorGone, Reply
from ._errors import ChildNotStarted
from ._notices import ChildEnd

T = TypeVar("T")
_Queue = dict[str, list[Reply[T]]]


class Waiters:
    """Replies that are still to be given, by child. Each is given once, and then let go of."""

    def __init__(self, supervisor: str) -> None:
        self._supervisor = supervisor
        self._starts: _Queue[None] = {}
        self._ends: _Queue[None] = {}
        self._notices: _Queue[ChildEnd] = {}

    def expect_start(self, name: str) -> Reply[None]:
        """Answered at the next start; fails if there will be none."""
        return _expect(self._starts, name)

    def expect_end(self, name: str) -> Reply[None]:
        """Answered when the child has no life, or next has none."""
        return _expect(self._ends, name)

    def expect_notice(self, name: str) -> Reply[ChildEnd]:
        """Answered with the next end; fails if there will be none."""
        return _expect(self._notices, name)

    def started(self, name: str) -> None:
        """A child has started."""
        _answer(self._starts, name, None)

    def ended(self, end: ChildEnd) -> None:
        """A life has ended. Whoever waits for a start goes on waiting."""
        _answer(self._notices, end.name, end)
        _answer(self._ends, end.name, None)

    def rest(self, name: str, is_forgotten: bool, last: ChildEnd | None) -> None:
        """A child will not start of its own accord."""
        _answer(self._ends, name, None)
        cause = last.error if last else None
        _fail(self._starts, name, ChildNotStarted(self._supervisor, name, cause))
        if is_forgotten:
            _fail(self._notices, name, ActorGone(name, "it was removed before it started again"))

    def close(self) -> None:
        """The supervisor has ended."""
        gone = ActorGone(self._supervisor, "the supervisor has ended")
        for name in tuple(self._ends):
            _answer(self._ends, name, None)
        for name in tuple(self._starts):
            _fail(self._starts, name, gone)
        for name in tuple(self._notices):
            _fail(self._notices, name, gone)


def _expect(queue: _Queue[T], name: str) -> Reply[T]:
    reply: Reply[T] = Reply()
    queue.setdefault(name, []).append(reply)
    return reply


def _answer(queue: _Queue[T], name: str, value: T) -> None:
    for reply in queue.pop(name, ()):
        reply.answer(value)


def _fail(queue: _Queue[T], name: str, error: Exception) -> None:
    for reply in queue.pop(name, ()):
        reply.fail(error)
