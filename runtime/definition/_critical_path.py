"""The longest way through a process: its shortest duration, however many workers there are."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import cast

from ._errors import DefinitionError, Fault
from ._model import ProcessDefinition


def critical_path(
    definition: ProcessDefinition, durations: Mapping[str, float]
) -> tuple[float, tuple[str, ...]]:
    """The length in seconds of the longest way through the graph, and the nodes on it in order.

    Takes every connection as taken, whatever its port, and a node without a duration as instant.
    Raises `DefinitionError` where there is a cycle. Linear in the size of the graph.
    """
    before: dict[str, list[str]] = {node.name: [] for node in definition.nodes}
    for connection in definition.connections:
        before[connection.target].append(connection.source)
    ends: dict[str, float] = {}
    previous: dict[str, str | None] = {}
    for name in _in_order(definition, before):
        latest = max(before[name], key=ends.__getitem__, default=None)
        previous[name] = latest
        ends[name] = (0.0 if latest is None else ends[latest]) + durations.get(name, 0.0)
    last = max(reversed(ends), key=ends.__getitem__)
    return ends[last], _path_to(last, previous)


def _in_order(definition: ProcessDefinition, before: Mapping[str, list[str]]) -> list[str]:
    try:
        return list(TopologicalSorter(before).static_order())
    except CycleError as error:
        cycle = " -> ".join(cast(list[str], error.args[1])[:10])
        fault = Fault("connections", cycle, "no cycle, as a way through one has no end")
        raise DefinitionError(str(definition), (fault,)) from None


def _path_to(last: str, previous: Mapping[str, str | None]) -> tuple[str, ...]:
    path: list[str] = []
    name: str | None = last
    while name is not None:
        path.append(name)
        name = previous[name]
    return tuple(reversed(path))
