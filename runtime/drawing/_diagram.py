"""What there is to draw of a definition: boxes and arrows with their words, but no places yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import attrs

from ...supervision import DEFAULT_GROUP
from ..definition import (
    ERROR,
    OUT,
    REJECTED,
    TIMEOUT,
    Constant,
    Delay,
    Each,
    End,
    Expression,
    Function,
    Kind,
    Node,
    Process,
    ProcessDefinition,
    Switch,
    Wait,
)

Shape = Literal["function", "switch", "delay", "wait", "each", "process", "end", "terminate"]
Flow = Literal["normal", "error", "timeout"]

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))
_FLOWS: Mapping[str, Flow] = {ERROR: "error", REJECTED: "error", TIMEOUT: "timeout"}


@attrs.frozen
class Box:
    """A node. `caption` is a second line, `join` the mark of a join that is not `all`.

    `details` are lines for a reader who points at the box.
    """

    name: str
    shape: Shape
    caption: str = ""
    join: str = ""
    details: tuple[str, ...] = ()


@attrs.frozen
class Arrow:
    """A connection between two boxes, by number; `label` names the port unless that is `out`."""

    source: int
    target: int
    label: str = ""
    flow: Flow = "normal"
    details: str = ""


@attrs.frozen
class Diagram:
    """All boxes and arrows; `start` numbers the boxes where an execution begins."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    start: tuple[int, ...]


def diagram_of(definition: ProcessDefinition) -> Diagram:
    """What there is to draw of a definition, in its own order.

    The connections that `on_error` stands for are no arrows; the box of its node says what it is.
    """
    numbers = {node.name: number for number, node in enumerate(definition.nodes)}
    arrows = tuple(
        Arrow(
            numbers[connection.source],
            numbers[connection.target],
            "" if connection.port == OUT else connection.port,
            _FLOWS.get(connection.port, "normal"),
            _condition(definition.nodes[numbers[connection.source]].kind, connection.port),
        )
        for connection in definition.drawn
    )
    return Diagram(
        str(definition),
        tuple(_box(node, node.name == definition.on_error) for node in definition.nodes),
        arrows,
        tuple(numbers[name] for name in definition.start),
    )


def _box(node: Node, is_handler: bool) -> Box:
    shape, caption = _KINDS[type(node.kind)]
    join = "" if node.join.mode == "all" else str(node.join)
    if isinstance(node.kind, End) and node.kind.terminate:
        shape = "terminate"
    words = [caption(node), "on error" if is_handler else ""]
    details = (*_details(node, shape), *(["handles failures"] if is_handler else []))
    return Box(node.name, shape, ", ".join(filter(None, words)), join, details)


def _function_caption(node: Node) -> str:
    assert isinstance(node.kind, Function)
    called = node.kind.binding.function_name
    return node.description or (called if called != node.name else "")


def _each_caption(node: Node) -> str:
    assert isinstance(node.kind, Each)
    most = "" if node.kind.concurrency is None else f", {node.kind.concurrency} at once"
    return f"for each of {node.kind.items.source}{most}"


def _delay_caption(node: Node) -> str:
    assert isinstance(node.kind, Delay)
    return f"for {_time(node.kind.seconds)}"


def _wait_caption(node: Node) -> str:
    assert isinstance(node.kind, Wait)
    limit = node.kind.timeout
    within = "" if limit is None else f", {_time(limit)} at most"
    return f"for signal {node.kind.signal}{within}"


def _time(seconds: Expression) -> str:
    """A length of time in the largest unit that it is a whole number of."""
    value = seconds.value if isinstance(seconds, Constant) else None
    if not isinstance(value, (int, float)):
        return f"{seconds.source} s"
    whole = (f"{value / size:g} {unit}" for unit, size in _UNITS if value and value % size == 0)
    return next(whole, f"{value:g} s")


def _process_caption(node: Node) -> str:
    assert isinstance(node.kind, Process)
    return str(node.kind.definition)


def _plain_caption(node: Node) -> str:
    return node.description


_KINDS: Mapping[type[Any], tuple[Shape, Callable[[Node], str]]] = {
    Function: ("function", _function_caption),
    Switch: ("switch", _plain_caption),
    Delay: ("delay", _delay_caption),
    Wait: ("wait", _wait_caption),
    Each: ("each", _each_caption),
    Process: ("process", _process_caption),
    End: ("end", _plain_caption),
}


def _details(node: Node, shape: Shape) -> Iterator[str]:
    yield f"{node.name} ({shape})"
    if node.description:
        yield node.description
    if isinstance(node.kind, (Function, Each)):
        body = node.kind if isinstance(node.kind, Function) else node.kind.body
        yield f"calls {body.binding.function_name}"
    if node.join.mode != "all":
        yield f"join: {node.join}"
    if node.retry is not None:
        yield f"attempts: {node.retry.attempts}"
    if node.timeout is not None:
        yield f"timeout: {node.timeout:g} s an attempt"
    if node.group != DEFAULT_GROUP:
        yield f"group: {node.group}"


def _condition(kind: Kind, port: str) -> str:
    if not isinstance(kind, Switch):
        return ""
    conditions = [case.when.source for case in kind.cases if case.port == port]
    return " or ".join(conditions) or ("otherwise" if port == kind.default else "")
