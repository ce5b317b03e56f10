"""Durations in buckets of even relative width: constant memory, constant time, errors below 1.2%.

The idea is that of HdrHistogram (Gil Tene). Here the bounds of the buckets fall on 1, 2 and 5 times
the powers of ten, so that a Prometheus histogram with such bounds can be read off exactly.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping

import attrs

LOWEST, DECADES = -6, 13
"""From a microsecond to 115 days; what is beyond counts for the first or the last bucket."""

_STEPS = ((1.0, 2.0, 30), (2.0, 5.0, 40), (5.0, 10.0, 30))


def _bounds() -> tuple[float, ...]:
    bounds = [10.0**LOWEST]
    for power in range(LOWEST, LOWEST + DECADES):
        scale = 10.0**power
        for low, high, steps in _STEPS:
            inner = (low * (high / low) ** (step / steps) * scale for step in range(1, steps))
            bounds += [*inner, float(f"{high:g}e{power}")]
    return tuple(bounds)


BOUNDS = _bounds()
"""Bucket n holds what is above `BOUNDS[n - 1]` and not above `BOUNDS[n]`, in seconds."""


@attrs.frozen(kw_only=True)
class Histogram:
    """Durations as they were distributed, in seconds.

    `counts` are those of the buckets that are not empty, by number. `total` is the sum of all that
    was recorded and `maximum` the largest, both exact. Quantiles are off by 1.2% at most, between
    a microsecond and 115 days.
    """

    counts: Mapping[int, int] = attrs.field(factory=dict[int, int], repr=False)
    count: int = 0
    total: float = 0.0
    maximum: float = 0.0

    @property
    def mean(self) -> float:
        """The average; 0 if nothing was recorded."""
        return self.total / self.count if self.count else 0.0

    def quantile(self, share: float) -> float:
        """The duration that this share (0 to 1) of all did not exceed; 0 if there were none."""
        if not self.count:
            return 0.0
        wanted, seen = share * self.count, 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= wanted:
                return min(_middle(bucket), self.maximum)
        return self.maximum

    def at_most(self, *bounds: float) -> list[int]:
        """How many took no longer than each of `bounds` (ascending).

        Exact for bounds that are 1, 2 or 5 times a power of ten.
        """
        buckets = sorted(self.counts)
        seen = [0, *itertools.accumulate(self.counts[bucket] for bucket in buckets)]
        return [seen[bisect_right(buckets, bisect_left(BOUNDS, bound))] for bound in bounds]

    def since(self, earlier: Histogram) -> Histogram:
        """What was recorded after an earlier look at the same; its maximum is that of a bucket."""
        counts = {
            bucket: more
            for bucket, count in self.counts.items()
            if (more := count - earlier.counts.get(bucket, 0)) > 0
        }
        highest = min(_upper(max(counts)), self.maximum) if counts else 0.0
        return Histogram(
            counts=counts,
            count=sum(counts.values()),
            total=max(0.0, self.total - earlier.total),
            maximum=highest,
        )

    def __add__(self, other: Histogram) -> Histogram:
        counts = dict(self.counts)
        for bucket, count in other.counts.items():
            counts[bucket] = counts.get(bucket, 0) + count
        return Histogram(
            counts=counts,
            count=self.count + other.count,
            total=self.total + other.total,
            maximum=max(self.maximum, other.maximum),
        )


EMPTY = Histogram()


def _upper(bucket: int) -> float:
    return BOUNDS[min(bucket, len(BOUNDS) - 1)]


def _middle(bucket: int) -> float:
    """The geometric mean of a bucket's bounds."""
    if bucket == 0:
        return BOUNDS[0]
    return float((BOUNDS[bucket - 1] * _upper(bucket)) ** 0.5)


class Recorder:
    """Counts durations. One thread writes; any may take a `histogram` of it."""

    __slots__ = ("_counts", "_maximum", "_total")

    def __init__(self) -> None:
        self._counts: defaultdict[int, int] = defaultdict(int)
        self._total = 0.0
        self._maximum = 0.0

    def record(self, seconds: float) -> None:
        """Count one."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._total += seconds
        if seconds > self._maximum:
            self._maximum = seconds

    def histogram(self) -> Histogram:
        """All that was counted until now."""
        counts = dict(self._counts)
        return Histogram(
            counts=counts,
            count=sum(counts.values()),
            total=self._total,
            maximum=self._maximum,
        )
