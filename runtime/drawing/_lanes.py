"""Spans of time in as few lanes as can be, and how many of them there are at each moment."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

Span = tuple[float, float]


def lanes_of(spans: Sequence[Span]) -> list[int]:
    """A lane for each span, from 0: the lowest that is free when it begins.

    There are as many lanes as spans overlap at most; a lane is free the moment its span ends.
    """
    lanes = [0] * len(spans)
    busy: list[tuple[float, int]] = []
    free: list[int] = []
    for number in sorted(range(len(spans)), key=spans.__getitem__):
        begin, end = spans[number]
        while busy and busy[0][0] <= begin:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lanes[number] = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (end, lanes[number]))
    return lanes


def levels_of(spans: Sequence[Span]) -> Iterator[tuple[float, int]]:
    """When the number of spans changes, and to what; at one moment ends count before beginnings."""
    changes = sorted(
        [(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans],
    )
    level = 0
    for position, (at, change) in enumerate(changes):
        level += change
        if position + 1 == len(changes) or changes[position + 1][0] > at:
            yield at, level
