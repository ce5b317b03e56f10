"""A definition compiled for running: nodes as small integers, ports as ready-made exits.

The specification's "Pre-build routing map". Looking up where a token goes is one dictionary look-up
in the node it leaves, whatever the size of the graph.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...supervision import DEFAULT_GROUP, Group, Retry
from ._graph import numbered, on_cycle, reversed_graph
from ._model import Connection, Join, Node, ProcessDefinition


class Exit:
    """Where a token goes that leaves a node by one port.

    `next` is the target where there is exactly one and it needs no join; `targets` are all of them
    with the slot (number of the incoming connection) each arrives at, and `starts_some` tells that
    a token starts at one of them whatever else there is; `leaves_untaken` tells that
    some other port is connected, so that tokens which might have come now cannot.
    """

    __slots__ = ("leaves_untaken", "next", "starts_some", "targets")

    def __init__(self, targets: tuple[tuple[RoutedNode, int], ...], leaves_untaken: bool) -> None:
        self.targets: tuple[tuple[RoutedNode, int], ...] = targets
        self.leaves_untaken: bool = leaves_untaken
        self.starts_some: bool = any(node.starts_at_once for node, _ in targets)
        lone = len(targets) == 1 and targets[0][0].starts_at_once
        self.next: RoutedNode | None = targets[0][0] if lone else None


class RoutedNode:
    """A node with its number and its exits. `slots` counts incoming connections, a start as one.

    `starts_at_once`: every token that arrives starts the node, nothing is waited for. `retry` and
    `timeout` (seconds, one attempt) are the node's own, else its group's, else None.
    """

    __slots__ = (
        "exits", "group", "in_cycle", "index", "join", "name", "output", "retry", "slots", "spec",
        "starts_at_once", "timeout", "untaken",
    )  # fmt: skip

    def __init__(self, index: int, spec: Node, group: Group, slots: int, in_cycle: bool) -> None:
        self.index: int = index
        self.spec: Node = spec
        self.name: str = spec.name
        self.output: str = spec.output
        self.join: Join = spec.join
        self.group: str = spec.group
        self.retry: Retry | None = group.retry if spec.retry is None else spec.retry
        self.timeout: float | None = group.timeout if spec.timeout is None else spec.timeout
        self.slots: int = slots
        self.in_cycle: bool = in_cycle
        self.starts_at_once: bool = slots == 1 or spec.join.mode == "each"
        self.exits: dict[str, Exit] = {}
        self.untaken: Exit = Exit((), False)

    def __repr__(self) -> str:
        return f"<RoutedNode {self.index} {self.name!r}>"

    def exit(self, port: str) -> Exit:
        """Where a token goes that leaves by `port`: nowhere, if that is not connected."""
        return self.exits.get(port, self.untaken)


class RoutingMap:
    """All nodes of one definition, linked; immutable.

    `start` is where an execution's first tokens go. `predecessors` are node numbers by node;
    `sources` are those behind each slot, -1 for a start.
    `joins_may_starve` tells that joins have to be watched from the start: the graph has a cycle, or
    a join that lets several tokens follow one another or swallows some. Where it is false, a join
    can only be left waiting once a token has left some connection untaken.
    """

    def __init__(self, definition: ProcessDefinition) -> None:
        specs, connections = definition.nodes, definition.connections
        self.definition = definition
        numbers, successors = numbered(
            (node.name for node in specs), ((c.source, c.target) for c in connections)
        )
        self.predecessors: list[list[int]] = reversed_graph(successors)
        cycles = on_cycle(successors)
        slots = _slot_counts(numbers, connections, definition.start)
        groups = {DEFAULT_GROUP: Group(DEFAULT_GROUP)}
        groups |= {group.name: group for group in definition.groups}
        self.nodes: tuple[RoutedNode, ...] = tuple(
            RoutedNode(i, spec, groups[spec.group], slots[i], bool(cycles[i]))
            for i, spec in enumerate(specs)
        )
        self.sources: list[list[int]] = self._link(numbers, connections)
        entries = [self.nodes[numbers[name]] for name in definition.start]
        self.start: Exit = Exit(
            tuple((node, node.slots - 1) for node in entries), leaves_untaken=False
        )
        self.joins_may_starve: bool = any(cycles) or any(
            node.slots > 1 and node.join.mode != "all" for node in self.nodes
        )

    def source_name(self, join: RoutedNode, slot: int) -> str:
        """The node behind a slot, for messages; a start token has none."""
        source = self.sources[join.index][slot]
        return "start" if source < 0 else self.nodes[source].name

    def _link(self, numbers: dict[str, int], connections: Sequence[Connection]) -> list[list[int]]:
        sources: list[list[int]] = [[] for _ in self.nodes]
        ways: list[dict[str, list[tuple[RoutedNode, int]]]] = [{} for _ in self.nodes]
        for connection in connections:
            source, target = numbers[connection.source], numbers[connection.target]
            slot = len(sources[target])
            sources[target].append(source)
            ways[source].setdefault(connection.port, []).append((self.nodes[target], slot))
        for node, ports in zip(self.nodes, ways, strict=True):
            node.exits = {p: Exit(tuple(t), len(ports) > 1) for p, t in ports.items()}
            node.untaken = Exit((), bool(ports))
            sources[node.index] += [-1] * (node.slots - len(sources[node.index]))
        return sources


def _slot_counts(
    numbers: dict[str, int], connections: Sequence[Connection], start: Sequence[str]
) -> list[int]:
    counts = [0] * len(numbers)
    for connection in connections:
        counts[numbers[connection.target]] += 1
    for name in start:
        counts[numbers[name]] += 1
    return counts
