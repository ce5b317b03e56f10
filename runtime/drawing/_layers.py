"""Layers: which column of a drawing each vertex stands in, so that arrows point to the right.

The first step of Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical
System Structures" (1981): loops are cut open, then every vertex goes one layer beyond its last
predecessor.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Sequence

import attrs

Edge = tuple[int, int]


@attrs.frozen
class Layering:
    """`layer` by vertex, from 0 without gaps; `backward` are the edges that close loops."""

    layer: list[int]
    backward: frozenset[int]


def layered(count: int, edges: Sequence[Edge], roots: Iterable[int]) -> Layering:
    """Put vertices 0 to `count` - 1 into layers; `roots` stand left where there is a choice."""
    backward = _closing_edges(count, edges, roots)
    forward = [edge for number, edge in enumerate(edges) if number not in backward]
    after: list[list[int]] = [[] for _ in range(count)]
    before: list[list[int]] = [[] for _ in range(count)]
    for source, target in forward:
        after[source].append(target)
        before[target].append(source)
    order = _topological(after, before)
    layer = _longest_paths(order, after)
    _shorten_edges(order, layer, after, before)
    return Layering(_without_gaps(layer), frozenset(backward))


def _closing_edges(count: int, edges: Sequence[Edge], roots: Iterable[int]) -> set[int]:
    """The edges that lead back onto the path of a depth-first walk from `roots`."""
    ways: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for number, (source, target) in enumerate(edges):
        ways[source].append((number, target))
    closing: set[int] = set()
    seen, on_path = bytearray(count), bytearray(count)
    for root in itertools.chain(roots, range(count)):
        path = [] if seen[root] else [(root, iter(ways[root]))]
        seen[root] = on_path[root] = 1
        while path:
            vertex, rest = path[-1]
            for number, target in rest:
                if on_path[target]:
                    closing.add(number)
                elif not seen[target]:
                    seen[target] = on_path[target] = 1
                    path.append((target, iter(ways[target])))
                    break
            else:
                on_path[vertex] = 0
                path.pop()
        on_path[root] = 0
    return closing


def _topological(after: Sequence[Sequence[int]], before: Sequence[Sequence[int]]) -> list[int]:
    missing = [len(sources) for sources in before]
    ready = deque(vertex for vertex, count in enumerate(missing) if not count)
    order: list[int] = []
    while ready:
        vertex = ready.popleft()
        order.append(vertex)
        for target in after[vertex]:
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    return order


def _longest_paths(order: Sequence[int], after: Sequence[Sequence[int]]) -> list[int]:
    layer = [0] * len(order)
    for vertex in order:
        for target in after[vertex]:
            layer[target] = max(layer[target], layer[vertex] + 1)
    return layer


def _shorten_edges(
    order: Sequence[int],
    layer: list[int],
    after: Sequence[Sequence[int]],
    before: Sequence[Sequence[int]],
) -> None:
    """Move vertices with more ways out than in to the right, so that the edges get shorter."""
    for vertex in reversed(order):
        if len(after[vertex]) > len(before[vertex]):
            layer[vertex] = min(layer[target] for target in after[vertex]) - 1


def _without_gaps(layer: Sequence[int]) -> list[int]:
    rank = {used: number for number, used in enumerate(sorted(set(layer)))}
    return [rank[used] for used in layer]
