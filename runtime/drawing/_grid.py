"""A layered graph whose every edge joins neighbouring layers: long ones pass through way points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import attrs

from ._layers import Edge, Layering

WAY_POINTS_PER_EDGE = 4
WAY_POINTS_AT_LEAST = 2_000


@attrs.frozen
class Grid:
    """Vertices from `real` on are way points.

    `rows` are the vertices of each layer, in order; `left` and `right` are neighbours by vertex.
    `chains` maps an edge to its way points, in its direction; an edge that has none, although it is
    long, is left to cross what lies between.
    """

    real: int
    rows: list[list[int]]
    left: list[list[int]]
    right: list[list[int]]
    chains: dict[int, list[int]]

    def is_way_point(self, vertex: int) -> bool:
        """Whether an edge merely passes here."""
        return vertex >= self.real

    def stiffness(self, one: int, other: int) -> int:
        """How much a link wants to be level: long edges most, as in dot (Gansner et al., 1993)."""
        return (1, 2, 8)[self.is_way_point(one) + self.is_way_point(other)]


def grid_of(layering: Layering, edges: Sequence[Edge]) -> Grid:
    """Fill long edges with way points, short ones first, until there are too many to be quick."""
    layer = layering.layer
    grid = Grid(len(layer), _rows(layer), [[] for _ in layer], [[] for _ in layer], {})
    forward = [number for number in range(len(edges)) if number not in layering.backward]
    spans = {n: layer[edges[n][1]] - layer[edges[n][0]] for n in forward}
    budget = max(WAY_POINTS_AT_LEAST, WAY_POINTS_PER_EDGE * (len(layer) + len(edges)))
    for number in sorted(forward, key=spans.__getitem__):
        budget -= spans[number] - 1
        if budget < 0:
            break
        source, target = edges[number]
        points = _add_way_points(grid, range(layer[source] + 1, layer[target]))
        if points:
            grid.chains[number] = points
        _link(grid, [source, *points, target])
    return grid


def _rows(layer: Sequence[int]) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for vertex, number in enumerate(layer):
        rows[number].append(vertex)
    return rows


def _add_way_points(grid: Grid, layers: range) -> list[int]:
    points: list[int] = []
    for number in layers:
        points.append(len(grid.left))
        grid.rows[number].append(len(grid.left))
        grid.left.append([])
        grid.right.append([])
    return points


def _link(grid: Grid, path: Sequence[int]) -> None:
    for one, other in pairwise(path):
        grid.right[one].append(other)
        grid.left[other].append(one)
