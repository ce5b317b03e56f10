"""Whether a drawing of nodes and connections makes a process: all its faults at once, and findings.

A fault forbids the definition; a finding is a part that is allowed but cannot work as drawn.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from ._errors import DefinitionError, Fault
from ._graph import reachable
from ._hash import content_hash
from ._inputs import declaration_faults
from ._model import Connection, Finding, Function, Input, Node, ProcessDefinition, Switch
from ._suggestion import choice_of, did_you_mean, listed
from ._variables import supply_faults

A_NAME = "a name of letters, digits, '_', '-', '.', ':', '#'"

NAME = re.compile(r"\w[\w.:#-]*")

MOST_LOOKED_AT = 10_000_000  # vertices, about 3 s

PlaceOf = Callable[[int, str], str]


def _place_in_list(index: int, part: str) -> str:
    return f"connections[{index}]{part}"


def define(
    *,
    id: str,
    version: int,
    nodes: Iterable[Node],
    connections: Iterable[Connection],
    start: Iterable[str] = (),
    inputs: Iterable[Input] = (),
    timeout: float | None = None,
    description: str = "",
) -> ProcessDefinition:
    """Check and seal a definition; `start` empty means every node without an incoming connection.

    Raises `DefinitionError` with every fault found.
    """
    nodes, connections, start = tuple(nodes), tuple(connections), tuple(start)
    inputs = tuple(inputs)
    faults = faults_of(id, version, nodes, connections, start, inputs=inputs, timeout=timeout)
    if faults:
        raise DefinitionError(f"process {id!r}", tuple(faults))
    start = start or entry_points(nodes, connections)
    return ProcessDefinition(
        id=id,
        version=version,
        nodes=nodes,
        connections=connections,
        start=start,
        inputs=inputs,
        timeout=timeout,
        description=description,
        hash=content_hash((id, version), nodes, connections, start, inputs, timeout),
        warnings=tuple(findings_of(nodes, connections, start)),
    )


def faults_of(
    id: object,
    version: object,
    nodes: Sequence[Node],
    connections: Sequence[Connection],
    start: Sequence[str],
    *,
    inputs: Sequence[Input] = (),
    timeout: float | None = None,
) -> list[Fault]:
    """Everything that forbids the definition, in reading order.

    Whether nodes can be reached is only asked of a drawing without other faults.
    """
    faults = drawing_faults(id, version, nodes, connections, start, inputs=inputs, timeout=timeout)
    return faults or reachability_faults(nodes, connections, start)


def drawing_faults(
    id: object,
    version: object,
    nodes: Sequence[Node],
    connections: Sequence[Connection],
    start: Sequence[str],
    *,
    inputs: Sequence[Input] = (),
    timeout: float | None = None,
    place_of: PlaceOf = _place_in_list,
) -> list[Fault]:
    """What is wrong with the parts, each by itself and with those it refers to.

    `place_of(index, part)` names the place of a connection, `part` being `""`, `".from"`, `".port"`
    or `".to"`.
    """
    return [
        *_identity_faults(id, version, timeout),
        *_input_faults(inputs),
        *_node_faults(nodes),
        *supply_faults(nodes, inputs),
        *_connection_faults(nodes, connections, place_of),
        *_start_faults(nodes, start),
    ]


def entry_points(nodes: Sequence[Node], connections: Sequence[Connection]) -> tuple[str, ...]:
    """The nodes without an incoming connection, in order of declaration."""
    entered = {connection.target for connection in connections}
    return tuple(node.name for node in nodes if node.name not in entered)


def _identity_faults(id: object, version: object, timeout: float | None) -> Iterator[Fault]:
    if not isinstance(id, str) or not NAME.fullmatch(id):
        yield Fault("id", id, A_NAME)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        yield Fault("version", version, "an integer from 1")
    if timeout is not None and not timeout > 0:
        yield Fault("timeout", timeout, "a number of seconds above 0")


def _input_faults(inputs: Sequence[Input]) -> Iterator[Fault]:
    for each in inputs:
        if not NAME.fullmatch(each.name):
            yield Fault(f"inputs.{each.name}", each.name, A_NAME)
    yield from declaration_faults(inputs)


def _node_faults(nodes: Sequence[Node]) -> Iterator[Fault]:
    if not nodes:
        yield Fault("nodes", [], "at least one node")
    for name, count in Counter(node.name for node in nodes).items():
        if count > 1:
            yield Fault(f"nodes.{name}", name, f"a name used once, not {count} times")
    for node in nodes:
        yield from _one_node_faults(node)


def _one_node_faults(node: Node) -> Iterator[Fault]:
    place = f"nodes.{node.name}"
    if not NAME.fullmatch(node.name):
        yield Fault(place, node.name, A_NAME)
    if node.timeout is not None and not node.timeout > 0:
        yield Fault(f"{place}.timeout", node.timeout, "a number of seconds above 0")
    if node.join.mode == "count" and node.join.count < 1:
        yield Fault(f"{place}.join", node.join.count, "'all', 'any', 'each' or a number from 1")
    if isinstance(node.kind, Function) and len(set(node.kind.ports)) < len(node.kind.ports):
        yield Fault(
            f"{place}.ports", node.kind.extra_ports, "each port once, 'out' and 'error' aside"
        )
    if isinstance(node.kind, Switch) and not node.kind.cases:
        yield Fault(f"{place}.cases", [], "at least one case")


def _connection_faults(
    nodes: Sequence[Node], connections: Sequence[Connection], place_of: PlaceOf
) -> Iterator[Fault]:
    ports = {node.name: node.kind.ports for node in nodes}
    seen: set[Connection] = set()
    for index, connection in enumerate(connections):
        source, port, target = connection.source, connection.port, connection.target
        if source not in ports:
            yield Fault(place_of(index, ".from"), source, _a_node(source, ports, connection))
        elif port not in ports[source]:
            yield Fault(place_of(index, ".port"), port, _offer(connection, ports[source]))
        if target not in ports:
            yield Fault(place_of(index, ".to"), target, _a_node(target, ports, connection))
        if connection in seen:
            yield Fault(place_of(index, ""), str(connection), "a connection drawn once")
        seen.add(connection)


def _a_node(name: str, names: Collection[str], connection: Connection) -> str:
    return f"a node of this process ({connection}{did_you_mean(name, names)})"


def _offer(connection: Connection, ports: tuple[str, ...]) -> str:
    if not ports:
        return f"no connection from {connection.source!r}: an end node lets no token out"
    return f"a port of {connection.source!r}: {', '.join(map(repr, ports))}"


def _start_faults(nodes: Sequence[Node], start: Sequence[str]) -> Iterator[Fault]:
    names = dict.fromkeys(node.name for node in nodes)
    for index, name in enumerate(start):
        if name not in names:
            expected = f"a node of this process ({choice_of(names, name)})"
            yield Fault(f"start[{index}]", name, expected)
    for name, count in Counter(start).items():
        if count > 1:
            yield Fault("start", name, "each start node once")


def reachability_faults(
    nodes: Sequence[Node], connections: Sequence[Connection], start: Sequence[str]
) -> list[Fault]:
    """The nodes no token can get to, in a drawing that is otherwise without fault."""
    start = start or entry_points(nodes, connections)
    if not start:
        expected = "a start node, as every node here has an incoming connection"
        return [Fault("start", [], expected)]
    index, successors = _indexed(nodes, connections)
    marks = reachable(successors, (index[name] for name in start))
    expected = f"a node that can be reached from the start ({listed(start)})"
    return [
        Fault(f"nodes.{node.name}", node.name, expected)
        for node in nodes
        if not marks[index[node.name]]
    ]


def _indexed(
    nodes: Sequence[Node], connections: Sequence[Connection]
) -> tuple[dict[str, int], list[list[int]]]:
    index = {node.name: position for position, node in enumerate(nodes)}
    successors: list[list[int]] = [[] for _ in nodes]
    for connection in connections:
        successors[index[connection.source]].append(index[connection.target])
    return index, successors


def findings_of(
    nodes: Sequence[Node], connections: Sequence[Connection], start: Sequence[str]
) -> Iterator[Finding]:
    """What is allowed but cannot work: counted joins out of reach, and the nodes only they lead to.

    Looks for a few seconds at most; in a graph of very many counted joins and switches it may leave
    the rare ones unfound.
    """
    drawing = _Drawing(nodes, connections, start)
    starved: dict[str, Finding] = {}
    for node in nodes:
        if node.join.mode != "count" or node.join.count < 2:
            continue
        most = drawing.most_tokens(node)
        if most < node.join.count:
            message = f"needs {node.join.count} tokens a round, but at most {most} can come"
            yield Finding(f"nodes.{node.name}.join", message)
            for finding in drawing.starved_by(node):
                starved.setdefault(finding.place, finding)
    yield from starved.values()


class _Drawing:
    """Answers what tokens can reach in a drawing; `_left` bounds the vertices it looks at."""

    def __init__(
        self, nodes: Sequence[Node], connections: Sequence[Connection], start: Sequence[str]
    ) -> None:
        self._nodes = nodes
        self._index, self._successors = _indexed(nodes, connections)
        self._start = start
        self._incoming: dict[str, list[Connection]] = {}
        self._outgoing: dict[str, list[Connection]] = {}
        for connection in connections:
            self._incoming.setdefault(connection.target, []).append(connection)
            self._outgoing.setdefault(connection.source, []).append(connection)
        self._switches = [
            node for node in nodes if isinstance(node.kind, Switch) and node.kind.choose == "first"
        ]
        self._left = MOST_LOOKED_AT

    def most_tokens(self, join: Node) -> int:
        """An upper bound of the connections that can deliver in one round.

        Exact for the common mistake: all lie behind different ports of one exclusive switch.
        """
        slots = self._incoming.get(join.name, [])
        if join.name in self._start:
            return len(slots) + 1
        most = len(slots)
        for switch in self._switches:
            if self._left < 0:
                return most
            if switch is not join and self._is_gate(switch, slots):
                most = min(most, self._most_behind(switch, slots))
        return most

    def starved_by(self, join: Node) -> Iterator[Finding]:
        """The nodes that only a token of this join can get to."""
        marks = self._reach(self._start, without=join)
        for node in self._nodes:
            if node is not join and not marks[self._index[node.name]]:
                yield Finding(f"nodes.{node.name}", f"can never run: it lies behind {join.name!r}")

    def _is_gate(self, switch: Node, slots: Sequence[Connection]) -> bool:
        """Whether no token gets to any of the slots but through the switch."""
        bypass = self._reach(self._start, without=switch)
        return not any(bypass[self._index[slot.source]] for slot in slots)

    def _most_behind(self, switch: Node, slots: Sequence[Connection]) -> int:
        """How many of the slots lie behind the one port that the most lie behind."""
        ways: dict[str, list[Connection]] = {}
        for way in self._outgoing.get(switch.name, []):
            ways.setdefault(way.port, []).append(way)
        return max((self._behind(switch, taken, slots) for taken in ways.values()), default=0)

    def _behind(self, switch: Node, ways: Sequence[Connection], slots: Sequence[Connection]) -> int:
        marks = self._reach([way.target for way in ways])
        return sum(
            slot in ways or (slot.source != switch.name and bool(marks[self._index[slot.source]]))
            for slot in slots
        )

    def _reach(self, start: Sequence[str], without: Node | None = None) -> bytearray:
        self._left -= len(self._nodes)
        barred = -1 if without is None else self._index[without.name]
        return reachable(self._successors, (self._index[name] for name in start), without=barred)
