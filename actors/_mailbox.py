"""The private mailbox of an actor: two lanes, first in first out within each."""

from collections import deque
from typing import Generic, TypeVar

from ._messages import Lane

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Messages that wait for their turn; the control lane is emptied first.

    Only user messages are bounded: a pause must get through to an actor that is flooded. The single
    writer is the turn loop of the runtime's thread.
    """

    __slots__ = ("_control", "_user", "capacity")

    def __init__(self, capacity: int) -> None:
        self.capacity: int = capacity
        self._control: deque[T] = deque()
        self._user: deque[T] = deque()

    def __len__(self) -> int:
        return len(self._control) + len(self._user)

    def __repr__(self) -> str:
        return f"<Mailbox control={len(self._control)} user={len(self._user)}/{self.capacity}>"

    def offer(self, message: T, lane: Lane) -> bool:
        """Put a message at the end of its lane; false, and nothing done, if that lane is full."""
        if lane == "control":
            self._control.append(message)
            return True
        if len(self._user) >= self.capacity:
            return False
        self._user.append(message)
        return True

    def take(self) -> T | None:
        """Remove the next message: the oldest control message, else the oldest user message."""
        if self._control:
            return self._control.popleft()
        return self._user.popleft() if self._user else None
