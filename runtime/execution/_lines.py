"""Lines: chains of nodes that are nothing but async functions without parameters.

A worker walks one in a tight loop, the token moving along in place. Measured on 1000 x 10 no-op
nodes: 0.5 µs a node where `step` alone takes 0.85.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction

from ..definition import OUT, Function, RoutedNode, RoutingMap

Call = Callable[[], Awaitable[object]]


class Line:
    """A bare node; in `next` the one that alone follows it, if bare too and of the same group.

    `is_last` if nothing follows it at all.
    """

    __slots__ = ("call", "is_last", "next", "node", "output")

    def __init__(self, node: RoutedNode, call: Call) -> None:
        self.node: RoutedNode = node
        self.call: Call = call
        self.output: str = node.output
        self.next: Line | None = None
        self.is_last: bool = False

    def __repr__(self) -> str:
        return f"<Line {self.node.name!r} next={self.next and self.next.node.name!r}>"


def compile_lines(routing: RoutingMap) -> tuple[Line | None, ...]:
    """A line for every bare node, by node number."""
    lines = tuple(_line(node) for node in routing.nodes)
    for line in lines:
        if line is None:
            continue
        exit = line.node.exits.get(OUT, line.node.untaken)
        if exit.leaves_untaken:
            continue
        line.is_last = not exit.targets
        if exit.next is not None and exit.next.group == line.node.group:
            line.next = lines[exit.next.index]
    return lines


def _line(node: RoutedNode) -> Line | None:
    call = _bare_function(node)
    return None if call is None else Line(node, call)


def _bare_function(node: RoutedNode) -> Call | None:
    kind, inputs = node.spec.kind, node.spec.inputs
    if not isinstance(kind, Function) or kind.runs != "async" or inputs or node.timeout:
        return None
    if node.spec.hedge is not None:
        return None
    takes_nothing = not kind.binding.positional and not kind.binding.keyword
    return kind.call if takes_nothing and iscoroutinefunction(kind.call) else None
