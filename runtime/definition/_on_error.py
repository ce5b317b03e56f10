"""The node that handles the failures of all others, and the connections that this stands for.

A failure goes there from every node that has no connection of its own for it. The nodes that lie
behind the handler are left out: what fails there fails the execution, and no failure goes round in
a circle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from ._errors import Fault
from ._graph import numbered, reachable
from ._model import ALL, EACH, ERROR, Connection, End, Finding, Node
from ._parts import Parts
from ._suggestion import choice_of

PLACE = "on_error"


def handler_faults(parts: Parts) -> Iterator[Fault]:
    """Why the node named by `on_error` cannot handle failures."""
    if parts.on_error is not None:
        expected = _expected(parts.on_error, parts)
        if expected:
            yield Fault(PLACE, parts.on_error, expected)


def _expected(name: object, parts: Parts) -> str:
    """What should be there in place of a name; empty if that will do."""
    nodes = {node.name: node for node in parts.nodes}
    if not isinstance(name, str) or name not in nodes:
        return f"a node of this process ({choice_of(nodes, name)})"
    if isinstance(nodes[name].kind, End):
        return "a node that handles failures, not an end node"
    return "a node that handles failures, not a start node" if name in parts.start else ""


def implied_connections(parts: Parts) -> tuple[Connection, ...]:
    """The connections from ports `error` to the handler, in the order of the nodes."""
    name = parts.on_error
    if name is None:
        return ()
    arrows = ((each.source, each.target) for each in parts.connections)
    numbers, successors = numbered((node.name for node in parts.nodes), arrows)
    behind = reachable(successors, [numbers[name]])
    connected = {each.source for each in parts.connections if each.port == ERROR}
    return tuple(
        Connection(node.name, ERROR, name)
        for node in parts.nodes
        if _offers_error(node) and node.name not in connected and not behind[numbers[node.name]]
    )


def _offers_error(node: Node) -> bool:
    return ERROR in node.kind.ports


def with_handler(parts: Parts) -> tuple[Node, ...]:
    """The nodes; the handler runs for each failure if it does not say how it joins them."""
    if parts.on_error is None:
        return parts.nodes
    return tuple(
        attrs.evolve(node, join=EACH) if node.name == parts.on_error and node.join == ALL else node
        for node in parts.nodes
    )


def handler_findings(parts: Parts, implied: Sequence[Connection]) -> Iterator[Finding]:
    """That no failure goes to the handler but those that are connected by hand."""
    if parts.on_error is not None and not implied:
        message = f"no failure goes to {parts.on_error!r} that is not connected already"
        yield Finding(PLACE, message)
