"""Sliding windows over call outcomes: how many of the latest calls failed or were slow, in O(1).

Source: the count-based and time-based sliding windows of resilience4j.
"""

from __future__ import annotations

from typing import Protocol

import attrs


@attrs.frozen
class Tally:
    """Calls in a window: all of them, those that failed, those that were slow."""

    calls: int = 0
    failures: int = 0
    slow: int = 0

    @property
    def failure_rate(self) -> float:
        """The share of calls that failed; 0 if there were none."""
        return self.failures / self.calls if self.calls else 0.0

    @property
    def slow_rate(self) -> float:
        """The share of calls that were slow; 0 if there were none."""
        return self.slow / self.calls if self.calls else 0.0


class Window(Protocol):
    """What a breaker measures with."""

    def record(self, now: float, *, failed: bool, slow: bool) -> None:
        """Count a call that has ended now."""
        ...

    def passed(self, now: float, count: int) -> None:
        """Count so many calls that have ended well."""
        ...

    def tally(self, now: float) -> Tally:
        """What is in the window now."""
        ...

    def clear(self) -> None:
        """Forget all calls."""
        ...


class CountWindow:
    """The latest `size` calls, in a ring."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.clear()

    def clear(self) -> None:
        """Forget all calls."""
        self._ring: list[tuple[bool, bool] | None] = [None] * self._size
        self._next = 0
        self._calls = self._failures = self._slow = 0

    def record(self, now: float, *, failed: bool, slow: bool) -> None:
        """Count a call; it takes the place of the oldest."""
        oldest = self._ring[self._next]
        if oldest is None:
            self._calls += 1
        else:
            self._failures -= oldest[0]
            self._slow -= oldest[1]
        self._ring[self._next] = (failed, slow)
        self._failures += failed
        self._slow += slow
        self._next = (self._next + 1) % self._size

    def passed(self, now: float, count: int) -> None:
        """Count calls that have ended well; more than the ring holds fill it once."""
        for _ in range(min(count, self._size)):
            self.record(now, failed=False, slow=False)

    def tally(self, now: float) -> Tally:
        """What is in the window; time does not matter here."""
        return Tally(self._calls, self._failures, self._slow)


class TimeWindow:
    """The calls of the latest `seconds`, in `slices` slices that age together.

    A slice is dropped as a whole: what is counted reaches back `seconds` at most, and at least
    `seconds - seconds / slices`.
    """

    def __init__(self, seconds: float, slices: int = 10) -> None:
        self._length = seconds / slices
        self._slices = slices
        self.clear()

    def clear(self) -> None:
        """Forget all calls."""
        self._counts = [[0, 0, 0] for _ in range(self._slices)]
        self._totals = [0, 0, 0]
        self._current: int | None = None

    def record(self, now: float, *, failed: bool, slow: bool) -> None:
        """Count a call that has ended now."""
        self._advance(now)
        assert self._current is not None
        for counts in (self._counts[self._current % self._slices], self._totals):
            counts[0] += 1
            counts[1] += failed
            counts[2] += slow

    def passed(self, now: float, count: int) -> None:
        """Count calls that have ended well."""
        self._advance(now)
        assert self._current is not None
        self._counts[self._current % self._slices][0] += count
        self._totals[0] += count

    def tally(self, now: float) -> Tally:
        """What is in the window now."""
        self._advance(now)
        return Tally(*self._totals)

    def _advance(self, now: float) -> None:
        slice_now = int(now // self._length)
        if self._current is None or slice_now < self._current:
            self._current = slice_now if self._current is None else self._current
            return
        for number in range(self._current + 1, min(slice_now, self._current + self._slices) + 1):
            old = self._counts[number % self._slices]
            self._totals = [total - gone for total, gone in zip(self._totals, old, strict=True)]
            self._counts[number % self._slices] = [0, 0, 0]
        self._current = slice_now
