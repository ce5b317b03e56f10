"""Whether its parts make a process: all faults at once. A fault forbids the definition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import cast, get_args

import attrs

from ...supervision import Group, Retry
from ._errors import DefinitionError, Fault
from ._findings import findings_of
from ._graph import numbered, reachable
from ._groups import group_faults, hedge_faults
from ._hash import content_hash
from ._inputs import declaration_faults
from ._model import (
    Connection,
    Durability,
    EndName,
    Function,
    Input,
    Node,
    ProcessDefinition,
    Switch,
)
from ._names import A_NAME, NAME
from ._on_error import handler_faults, handler_findings, implied_connections, with_handler
from ._parts import Parts
from ._suggestion import choice_of, did_you_mean, listed
from ._variables import supply_faults

_LARGEST_VERSION = 2**63 - 1  # in every store

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
    groups: Iterable[Group] = (),
    on_error: str | None = None,
    timeout: float | None = None,
    durability: Durability | None = None,
    retention: float | Mapping[EndName, float] | None = None,
    description: str = "",
) -> ProcessDefinition:
    """Check and seal a definition; `start` empty means every node without an incoming connection.

    `on_error` names the node that the failure of every other goes to which has no connection for it
    and does not lie behind that node. Raises `DefinitionError` with every fault found.
    """
    parts = Parts(
        id=id,
        version=version,
        nodes=tuple(nodes),
        connections=tuple(connections),
        start=tuple(start),
        inputs=tuple(inputs),
        groups=tuple(groups),
        on_error=on_error,
        timeout=timeout,
        durability=durability,
        retention=retention,
        description=description,
    )
    return checked(parts)


def checked(parts: Parts, place_of: PlaceOf = _place_in_list) -> ProcessDefinition:
    """As `define`; `place_of` as in `drawing_faults`."""
    # Whether nodes can be reached is only asked of a drawing without other faults.
    faults = drawing_faults(parts, place_of) or reachability_faults(parts)
    if faults:
        raise DefinitionError(f"process {parts.id!r}", tuple(faults))
    return seal(parts)


def seal(parts: Parts) -> ProcessDefinition:
    """The definition that parts without fault make."""
    implied = implied_connections(parts)
    connections = (*parts.connections, *implied)
    parts = attrs.evolve(parts, nodes=with_handler(parts), start=_start_of(parts, connections))
    findings = findings_of(parts.nodes, connections, parts.start)
    return ProcessDefinition(
        id=parts.id,
        version=parts.version,
        nodes=parts.nodes,
        connections=connections,
        start=parts.start,
        inputs=parts.inputs,
        groups=parts.groups,
        on_error=parts.on_error,
        implied=implied,
        timeout=parts.timeout,
        durability=parts.durability,
        retention=_retention_of(parts.retention),
        description=parts.description,
        hash=content_hash(parts),
        warnings=(*findings, *handler_findings(parts, implied)),
    )


def drawing_faults(parts: Parts, place_of: PlaceOf = _place_in_list) -> list[Fault]:
    """What is wrong with the parts, each by itself and with those it refers to, in reading order.

    `place_of(index, part)` names the place of a connection, `part` being `""`, `".from"`, `".port"`
    or `".to"`.
    """
    return [
        *_identity_faults(parts.id, parts.version, parts.timeout),
        *_keeping_faults(parts.durability, parts.retention),
        *_input_faults(parts.inputs),
        *group_faults(parts.groups, parts.nodes),
        *handler_faults(parts),
        *_node_faults(parts.nodes),
        *supply_faults(parts.nodes, parts.inputs),
        *_connection_faults(parts.nodes, parts.connections, place_of),
        *_start_faults(parts.nodes, parts.start),
    ]


def entry_points(nodes: Sequence[Node], connections: Sequence[Connection]) -> tuple[str, ...]:
    """The nodes without an incoming connection, in order of declaration."""
    entered = {connection.target for connection in connections}
    return tuple(node.name for node in nodes if node.name not in entered)


def _identity_faults(id: object, version: object, timeout: object) -> Iterator[Fault]:
    if not isinstance(id, str) or not NAME.fullmatch(id):
        yield Fault("id", id, A_NAME)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        yield Fault("version", version, "an integer from 1")
    elif version > _LARGEST_VERSION:
        yield Fault("version", version, f"an integer from 1 to {_LARGEST_VERSION}")
    yield from _timeout_faults("timeout", timeout)


def _keeping_faults(durability: object, retention: object) -> Iterator[Fault]:
    if durability is not None and durability not in get_args(Durability):
        yield Fault("durability", durability, f"one of {', '.join(get_args(Durability))}")
    if not isinstance(retention, Mapping):
        yield from _timeout_faults("retention", retention)
        return
    for state, seconds in cast("Mapping[object, object]", retention).items():
        if state not in get_args(EndName):
            yield Fault("retention", state, f"one of {', '.join(get_args(EndName))}")
        else:
            yield from _timeout_faults(f"retention.{state}", seconds)


def _retention_of(
    retention: float | Mapping[EndName, float] | None,
) -> Mapping[EndName, float] | None:
    if retention is None or isinstance(retention, Mapping):
        return retention
    return dict.fromkeys(get_args(EndName), retention)


def _timeout_faults(place: str, timeout: object) -> Iterator[Fault]:
    is_length = isinstance(timeout, (int, float)) and timeout > 0 and timeout is not True
    if timeout is not None and not is_length:
        yield Fault(place, timeout, "a number of seconds above 0")


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
    yield from _timeout_faults(f"{place}.timeout", node.timeout)
    yield from _retry_faults(f"{place}.retry", node.retry)
    if node.join.mode == "count" and node.join.count < 1:
        yield Fault(f"{place}.join", node.join.count, "'all', 'any', 'each' or a number from 1")
    if isinstance(node.kind, Function) and len(set(node.kind.ports)) < len(node.kind.ports):
        yield Fault(
            f"{place}.ports",
            node.kind.extra_ports,
            "each port once, 'out', 'error' and 'rejected' aside",
        )
    if isinstance(node.kind, Switch) and not node.kind.cases:
        yield Fault(f"{place}.cases", [], "at least one case")
    yield from hedge_faults(node)


def _retry_faults(place: str, retry: object) -> Iterator[Fault]:
    if retry is not None and not isinstance(retry, Retry):
        yield Fault(place, retry, "a Retry, such as Retry(attempts=3)")


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
    near = did_you_mean(connection.port, ports).removeprefix("; ")
    hint = f" ({near})" if near else ""
    return f"a port of {connection.source!r}: {', '.join(map(repr, ports))}{hint}"


def _start_faults(nodes: Sequence[Node], start: Sequence[str]) -> Iterator[Fault]:
    names = dict.fromkeys(node.name for node in nodes)
    for index, name in enumerate(start):
        if name not in names:
            expected = f"a node of this process ({choice_of(names, name)})"
            yield Fault(f"start[{index}]", name, expected)
    for name, count in Counter(start).items():
        if count > 1:
            yield Fault("start", name, "each start node once")


def reachability_faults(parts: Parts) -> list[Fault]:
    """The nodes no token can get to, in a drawing that is otherwise without fault."""
    connections = (*parts.connections, *implied_connections(parts))
    start = _start_of(parts, connections)
    if not start:
        handler = "" if parts.on_error is None else ", or handles failures"
        expected = f"a start node, as every node here has an incoming connection{handler}"
        return [Fault("start", [], expected)]
    index, successors = numbered(
        (node.name for node in parts.nodes), ((c.source, c.target) for c in connections)
    )
    marks = reachable(successors, (index[name] for name in start))
    expected = f"a node that can be reached from the start ({listed(start)})"
    return [
        Fault(f"nodes.{node.name}", node.name, expected)
        for node in parts.nodes
        if not marks[index[node.name]]
    ]


def _start_of(parts: Parts, connections: Sequence[Connection]) -> tuple[str, ...]:
    """The nodes that start; the one for failures does not, though nothing may lead to it."""
    entries = entry_points(parts.nodes, connections)
    return parts.start or tuple(name for name in entries if name != parts.on_error)
