"""The order within each layer, so that few edges cross: barycentres, swept there and back."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from itertools import pairwise

from ._grid import Grid

MOST_SWEEPS = 24
SWEEP_WORK = 400_000

Rows = list[list[int]]


def untangle(grid: Grid) -> None:
    """Reorder the rows of `grid`, by the method of barycentres of Sugiyama et al. (1981)."""
    rows = _walked(grid)
    best, fewest = rows, crossings(rows, grid.right)
    sweeps = max(2, min(MOST_SWEEPS, SWEEP_WORK // (len(grid.left) + 1)))
    without_gain = 0
    for number in range(sweeps):
        if not fewest or without_gain >= 4:
            break
        rows = _swept(rows, grid, to_the_right=number % 2 == 0)
        count = crossings(rows, grid.right)
        without_gain = 0 if count < fewest else without_gain + 1
        if count < fewest:
            best, fewest = rows, count
    grid.rows[:] = best


def crossings(rows: Rows, right: Sequence[Sequence[int]]) -> int:
    """How many pairs of edges cross."""
    count = 0
    for row, following in pairwise(rows):
        place = {vertex: number for number, vertex in enumerate(following)}
        seen: list[int] = []
        for vertex in row:
            ends = sorted(place[target] for target in right[vertex])
            count += sum(len(seen) - bisect.bisect_right(seen, end) for end in ends)
            _insert_all(seen, ends)
    return count


def _insert_all(into: list[int], values: Sequence[int]) -> None:
    if len(values) > 8:
        into += values
        into.sort()
        return
    for value in values:
        bisect.insort(into, value)


def _walked(grid: Grid) -> Rows:
    """Rows in the order of a walk along the edges, which puts branches side by side."""
    layer = {vertex: number for number, row in enumerate(grid.rows) for vertex in row}
    rows: Rows = [[] for _ in grid.rows]
    seen = bytearray(len(grid.left))
    for root in (vertex for row in grid.rows for vertex in row):
        stack = [root]
        while stack:
            vertex = stack.pop()
            if seen[vertex]:
                continue
            seen[vertex] = 1
            rows[layer[vertex]].append(vertex)
            stack.extend(reversed(grid.right[vertex]))
    return rows


def _swept(rows: Rows, grid: Grid, *, to_the_right: bool) -> Rows:
    numbers: Iterable[int] = range(1, len(rows))
    neighbours, step = grid.left, -1
    if not to_the_right:
        numbers, neighbours, step = range(len(rows) - 2, -1, -1), grid.right, 1
    swept = list(rows)
    for number in numbers:
        swept[number] = _by_barycentre(swept[number], swept[number + step], neighbours)
    return swept


def _by_barycentre(
    row: Sequence[int], fixed: Sequence[int], neighbours: Sequence[Sequence[int]]
) -> list[int]:
    place = {vertex: number for number, vertex in enumerate(fixed)}
    scale = len(fixed) / max(1, len(row))

    def centre(numbered: tuple[int, int]) -> float:
        number, vertex = numbered
        known = neighbours[vertex]
        if not known:
            return number * scale
        return sum(place[other] for other in known) / len(known)

    return [vertex for _, vertex in sorted(enumerate(row), key=centre)]
