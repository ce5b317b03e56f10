"""The height of each vertex in its layer: level with its neighbours, clear of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from ._grid import Grid

ROUNDS = 30
ROUND_WORK = 150_000
STILL = 0.5
FREE = 0.01  # how much a vertex wants to the middle of its layer, compared to one link

Neighbours = Callable[[int], Sequence[int]]


def placed(grid: Grid, room: Sequence[float]) -> list[float]:
    """The middle of each vertex; `room` is what it takes up, with the space around it.

    Sweeps over the layers, each time giving a layer the heights that are best for it (least
    squares, stiff links counting more) with those of its neighbours fixed.
    """
    heights = [0.0] * len(grid.left)
    for row in grid.rows:
        _put(row, spread([0.0] * len(row), [1.0] * len(row), _gaps(row, room)), heights)

    def sweep(rows: Iterable[list[int]], neighbours: Neighbours) -> None:
        for row in rows:
            _settle(row, grid, neighbours, room, heights)

    def there_and_back() -> None:
        sweep(grid.rows[1:], grid.left.__getitem__)
        sweep(grid.rows[-2::-1], grid.right.__getitem__)

    def both_ways() -> None:
        sweep(grid.rows, both.__getitem__)
        sweep(reversed(grid.rows), both.__getitem__)

    both = [(*before, *after) for before, after in zip(grid.left, grid.right, strict=True)]
    _until_still(there_and_back, heights)
    _until_still(both_ways, heights)
    return heights


def _until_still(sweep: Callable[[], None], heights: Sequence[float]) -> None:
    for _ in range(max(2, min(ROUNDS, ROUND_WORK // (len(heights) + 1)))):
        before = list(heights)
        sweep()
        if all(abs(one - other) < STILL for one, other in zip(before, heights, strict=True)):
            return


def spread(wanted: Sequence[float], weights: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Places in the given order, at least `gaps` apart, as close to the `wanted` ones as can be.

    Close is the weighted sum of squares. Once the gaps are taken off this is isotonic regression,
    solved in linear time by pooling adjacent violators (Ayer et al., 1955).
    """
    offsets = [0.0]
    for gap in gaps:
        offsets.append(offsets[-1] + gap)
    pools: list[tuple[float, float, int]] = []
    for place, weight, offset in zip(wanted, weights, offsets, strict=False):
        pool = ((place - offset) * weight, weight, 1)
        while pools and pools[-1][0] * pool[1] > pool[0] * pools[-1][1]:
            before = pools.pop()
            pool = (before[0] + pool[0], before[1] + pool[1], before[2] + pool[2])
        pools.append(pool)
    flat = [total / weight for total, weight, count in pools for _ in range(count)]
    return [place + offset for place, offset in zip(flat, offsets, strict=False)]


def _settle(
    row: Sequence[int],
    grid: Grid,
    neighbours: Neighbours,
    room: Sequence[float],
    heights: list[float],
) -> None:
    middle = sum(heights[vertex] for vertex in row) / len(row)
    wanted: list[float] = []
    weights: list[float] = []
    for vertex in row:
        pull, weight = FREE * middle, FREE
        for other in neighbours(vertex):
            stiffness = grid.stiffness(vertex, other)
            pull += stiffness * heights[other]
            weight += stiffness
        wanted.append(pull / weight)
        weights.append(weight)
    _put(row, spread(wanted, weights, _gaps(row, room)), heights)


def _gaps(row: Sequence[int], room: Sequence[float]) -> list[float]:
    return [(room[one] + room[other]) / 2 for one, other in pairwise(row)]


def _put(row: Sequence[int], places: Sequence[float], heights: list[float]) -> None:
    for vertex, place in zip(row, places, strict=True):
        heights[vertex] = place
