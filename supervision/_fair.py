"""A queue that is fair between keys: who has much waiting does not hold up who has little. Pure.

Source: round-robin fair queueing (John Nagle, RFC 970), with values of equal weight.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class FairQueue(Generic[K, V]):
    """At most `limit` values: first in, first out within a key, the keys taking turns.

    Between two values of one key, every other key that waits all that time has one. A key whose
    first value comes takes its turn after those that wait already. Everything is O(1).
    """

    __slots__ = ("_lines", "_size", "limit")

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}")
        self.limit: int = limit
        # The keys that have values, whose turn it is first. Not a dict: finding the first key of
        # one costs a step for every key deleted before it.
        self._lines: OrderedDict[K, deque[V]] = OrderedDict()
        self._size: int = 0

    def __repr__(self) -> str:
        return f"<FairQueue {self._size} of {self.limit}, keys={len(self._lines)}>"

    def __len__(self) -> int:
        return self._size

    def push(self, key: K, value: V) -> bool:
        """Add a value behind the others of its key; False, and nothing is added, if it is full."""
        if self._size >= self.limit:
            return False
        line = self._lines.get(key)
        if line is None:
            self._lines[key] = deque((value,))
        else:
            line.append(value)
        self._size += 1
        return True

    def pop(self) -> V:
        """Take the first value of the key whose turn it is. Raises IndexError if it is empty."""
        if not self._size:
            raise IndexError("pop from an empty FairQueue")
        key, line = next(iter(self._lines.items()))
        value = line.popleft()
        if line:
            self._lines.move_to_end(key)
        else:
            del self._lines[key]
        self._size -= 1
        return value

    def discard(self, key: K) -> Sequence[V]:
        """Drop all values of a key and return them, first in first; none if there are none."""
        line = self._lines.pop(key, None)
        if line is None:
            return ()
        self._size -= len(line)
        return line
