"""Whether a node costs more in a large graph than in a small one."""

from __future__ import annotations

import time
from collections.abc import Callable

import processengine as pe
from processengine.runtime.definition import RoutingMap

from .._measure import Row, compare, on_trio, row
from ._processes import chain, fork_join, layers, run_all


def graphs(quick: bool) -> list[Row]:
    """Chains, a wide fork-join and a layered graph, to ones of 10 nodes with as many in all."""
    rounds = 1 if quick else 5
    line, fork, layered = chain(10), fork_join(8), layers(5, 2)
    shapes: list[tuple[str, pe.ProcessDefinition, pe.ProcessDefinition]] = (
        [
            ("chain of 100", chain(100), line),
            ("fork-join of 100", fork_join(98), fork),
            ("layers", layers(5, 20), layered),
        ]
        if quick
        else [
            ("chain of 1,000", chain(1000), line),
            ("chain of 10,000", chain(10_000), line),
            ("fork-join 10,000 wide", fork_join(10_000), fork),
            ("layered graph of 100,000", layers(100, 1000), layered),
        ]
    )
    return [each for name, shape, small in shapes for each in _rows(name, shape, small, rounds)]


def _rows(
    name: str, shape: pe.ProcessDefinition, small: pe.ProcessDefinition, rounds: int
) -> list[Row]:
    nodes = len(shape.nodes)
    times = compare(
        on_trio(run_all, shape, 1),
        on_trio(run_all, small, nodes // 10),
        rounds,
    )
    running = row(
        f"{name}: running",
        times,
        per=nodes,
        unit="µs a node",
        scale=1e6,
        yardstick_name="its like of 10 nodes, as many in all",
        bar=1.2,
        stretch=1.05,
    )
    return [
        running,
        Row(case=f"{name}: checking", ours=_took(_rebuilt, shape) / nodes * 1e6, unit="µs a node"),
        Row(
            case=f"{name}: compiling", ours=_took(RoutingMap, shape) / nodes * 1e6, unit="µs a node"
        ),
    ]


def _took(work: Callable[[pe.ProcessDefinition], object], shape: pe.ProcessDefinition) -> float:
    begin = time.perf_counter()
    work(shape)
    return time.perf_counter() - begin


def _rebuilt(shape: pe.ProcessDefinition) -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder(shape.id)
    nodes = {node.name: builder.node(node.name, node.kind.call) for node in shape.nodes}  # type: ignore[union-attr]  # all are functions
    for connection in shape.connections:
        nodes[connection.source].then(nodes[connection.target])
    return builder.build()
