"""The longest way through the steps of an execution, worked out from its events as they come."""

from __future__ import annotations

import attrs

from .. import Event, NodeEvent
from ..definition import ERROR, OUT, Process, ProcessDefinition
from ._report import PathStep

_Exit = tuple[str, str]  # a node and a port

_ENDS = ("completed", "failed", "skipped", "interrupted")


@attrs.frozen
class _Way:
    """The longest way that leads up to and into a step, as a linked list; `length` in seconds."""

    length: float
    node: str
    step: int
    began: float
    ended: float
    before: _Way | None


class Paths:
    """Follows one execution.

    A step may come after any step that ended before it began and left by a port which leads to it.
    Where there are no loops that gives the longest way through the graph, otherwise through the
    graph unrolled. It is never longer than the execution.
    """

    def __init__(self, definition: ProcessDefinition) -> None:
        self._sources: dict[str, set[_Exit]] = {node.name: set() for node in definition.nodes}
        for connection in definition.connections:
            self._sources[connection.target].add((connection.source, connection.port))
        self._calls = {node.name for node in definition.nodes if isinstance(node.kind, Process)}
        self._open: dict[int, tuple[float, _Way | None]] = {}
        self._longest: dict[_Exit, _Way] = {}

    def take(self, event: Event) -> None:
        """Look at the next event."""
        if not isinstance(event, NodeEvent) or event.item is not None:
            return
        if event.kind == "started":
            self._open.setdefault(event.step, (event.at, self._into(event.node)))
        elif event.kind in _ENDS and event.step in self._open:
            self._end(event, *self._open.pop(event.step))

    def _into(self, node: str) -> _Way | None:
        known = (self._longest[exit] for exit in self._sources[node] if exit in self._longest)
        return max(known, key=_length, default=None)

    def _end(self, event: NodeEvent, began: float, before: _Way | None) -> None:
        length = event.at - began + (0.0 if before is None else before.length)
        way = _Way(length, event.node, event.step, began, event.at, before)
        for port in self._ports(event):
            longest = self._longest.get((event.node, port))
            if longest is None or length >= longest.length:
                self._longest[event.node, port] = way

    def _ports(self, event: NodeEvent) -> tuple[str, ...]:
        """By which ports a step was left; a switch may choose several."""
        if event.kind == "failed":
            return (ERROR,)
        if event.kind != "completed" or event.node in self._calls:
            return (OUT,)
        return (event.detail, *event.detail.split(", ")) if event.detail else (OUT,)

    def longest(self) -> tuple[PathStep, ...]:
        """The longest way so far, first step first."""
        steps: list[PathStep] = []
        way = max(self._longest.values(), key=_length, default=None)
        while way is not None:
            steps.append(PathStep(way.node, way.step, way.ended - way.began))
            way = way.before
        return tuple(reversed(steps))


def _length(way: _Way) -> float:
    return way.length
