"""Process definitions as plain data: small enough to print, to shrink and to compare."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Literal

import attrs

from ...supervision import Retry
from ..definition import (
    ERROR,
    OUT,
    REJECTED,
    TIMEOUT,
    NodeContext,
    NodeRef,
    ProcessBuilder,
    ProcessDefinition,
)
from ..execution import current

NodeKind = Literal["task", "switch", "fan", "delay", "wait", "each", "child", "end", "terminate"]
JoinSketch = Literal["all", "any", "each"] | int
Link = tuple[int, str, int]
"""An arrow: the number of the node it leaves, the port, the number of the node it leads to."""

PORTS: dict[NodeKind, tuple[str, ...]] = {
    "task": (OUT, "other", ERROR, REJECTED),
    "switch": ("left", "right", ERROR),
    "fan": ("left", "right", ERROR),
    "delay": (OUT, ERROR),
    "wait": (OUT, TIMEOUT, ERROR),
    "each": (OUT, ERROR),
    "child": (OUT, ERROR),
    "end": (),
    "terminate": (),
}


@attrs.frozen(repr=False)
class NodeSketch:
    """One node. A `switch` takes its first open port, a `fan` all of them.

    `attempts` and `backoff` (seconds, doubled with every failure) are its retry policy, `timeout`
    (seconds) is that of one attempt. `limit` is how many items of an `each` run at once, `within`
    how long a `wait` waits for `signal`. A `task` that `is_bare` takes no parameters, so that the
    engine may walk a line of them in place.
    """

    kind: NodeKind = "task"
    join: JoinSketch = "all"
    rest: Literal["absorb", "cancel"] = "absorb"
    attempts: int = 1
    backoff: float = 0.0
    timeout: float | None = None
    limit: int | None = None
    signal: str = "go"
    within: float | None = None
    is_bare: bool = False

    def __repr__(self) -> str:
        given = {
            field.name: getattr(self, field.name)
            for field in attrs.fields(NodeSketch)
            if getattr(self, field.name) != field.default
        }
        return f"NodeSketch({', '.join(f'{name}={value!r}' for name, value in given.items())})"

    @property
    def ports(self) -> tuple[str, ...]:
        """The ports a token may leave by."""
        return PORTS[self.kind]


class Bodies:
    """What the nodes of a sketch do: here little. Derive from it to give them a behaviour."""

    async def run(self, context: NodeContext) -> object:
        """Do the work of a `task`, or of an item of an `each`."""
        return context.node

    def chooses(self, node: str, port: str) -> bool:
        """Whether a `switch` or `fan` opens a port."""
        return True

    def seconds(self, node: str) -> float:
        """How long a `delay` takes."""
        return 1.0

    def items(self, node: str) -> list[int]:
        """The items of an `each`."""
        return [0, 1, 2]

    def given(self, node: str) -> object:
        """The variable `given` of the execution that a `child` node calls."""
        return None


@attrs.frozen
class Sketch:
    """A process. `start` numbers the start nodes; `child` is what its `child` nodes run."""

    nodes: tuple[NodeSketch, ...]
    links: tuple[Link, ...] = ()
    start: tuple[int, ...] = (0,)
    timeout: float | None = None
    child: Sketch | None = None

    @staticmethod
    def name(number: int) -> str:
        """The name of a node: `a` to `z`, then by number."""
        return chr(ord("a") + number) if number < 26 else f"n{number}"

    def definition(self, bodies: Bodies | None = None, id: str = "sketch") -> ProcessDefinition:
        """Build the process, its nodes doing what `bodies` say."""
        bodies = bodies or Bodies()
        builder = ProcessBuilder(id, timeout=self.timeout)
        child = None if self.child is None else self.child.definition(bodies, f"{id}-child")
        refs = [
            _add(builder, self.name(number), node, bodies, child)
            for number, node in enumerate(self.nodes)
        ]
        for source, port, target in self.links:
            refs[source].on(port).then(refs[target])
        builder.start(*(refs[number] for number in self.start))
        return builder.build()


def _add(
    builder: ProcessBuilder,
    name: str,
    node: NodeSketch,
    bodies: Bodies,
    child: ProcessDefinition | None,
) -> NodeRef:
    options: dict[str, Any] = {"join": node.join, "rest": node.rest}
    if node.attempts > 1:
        options["retry"] = retry_of(node)
    if node.timeout is not None:
        options["timeout"] = node.timeout
    if node.kind == "child":
        assert child is not None, "a sketch with child nodes needs a child"
        options["inputs"] = {"given": lambda: bodies.given(name)}
        return builder.process(name, child, **options)
    return _ADD[node.kind](builder, name, node, bodies, options)


def retry_of(node: NodeSketch) -> Retry:
    """The retry policy of a node; without jitter, so that a model can tell the back-off."""
    return Retry(attempts=node.attempts, initial=node.backoff, jitter="none")


Add = Callable[[ProcessBuilder, str, NodeSketch, Bodies, dict[str, Any]], NodeRef]


def _run(bodies: Bodies) -> Callable[[NodeContext], Coroutine[Any, Any, object]]:
    async def run(context: NodeContext) -> object:
        return await bodies.run(context)

    return run


def _run_bare(bodies: Bodies) -> Callable[[], Coroutine[Any, Any, object]]:
    async def run() -> object:
        return await bodies.run(current())

    return run


def _add_task(
    builder: ProcessBuilder, name: str, node: NodeSketch, bodies: Bodies, options: dict[str, Any]
) -> NodeRef:
    run = _run_bare(bodies) if node.is_bare else _run(bodies)
    return builder.node(name, run, ports=["other"], **options)


def _add_switch(
    builder: ProcessBuilder, name: str, node: NodeSketch, bodies: Bodies, options: dict[str, Any]
) -> NodeRef:
    def opens(port: str) -> Callable[[], bool]:
        return lambda: bodies.chooses(name, port)

    choose: Literal["first", "every"] = "first" if node.kind == "switch" else "every"
    cases = {port: opens(port) for port in ("left", "right")}
    return builder.switch(name, cases, choose=choose, **options)


def _add_delay(
    builder: ProcessBuilder, name: str, node: NodeSketch, bodies: Bodies, options: dict[str, Any]
) -> NodeRef:
    return builder.delay(name, lambda: bodies.seconds(name), **options)


def _add_wait(
    builder: ProcessBuilder, name: str, node: NodeSketch, bodies: Bodies, options: dict[str, Any]
) -> NodeRef:
    return builder.wait(name, node.signal, within=node.within, **options)


def _add_each(
    builder: ProcessBuilder, name: str, node: NodeSketch, bodies: Bodies, options: dict[str, Any]
) -> NodeRef:
    async def run(context: NodeContext, item: int) -> object:
        return await bodies.run(context)

    return builder.each(
        name, run, over=lambda: bodies.items(name), concurrency=node.limit, **options
    )


def _add_end(
    builder: ProcessBuilder, name: str, node: NodeSketch, bodies: Bodies, options: dict[str, Any]
) -> NodeRef:
    return builder.end(name, terminate=node.kind == "terminate", **options)


_ADD: dict[NodeKind, Add] = {
    "task": _add_task,
    "switch": _add_switch,
    "fan": _add_switch,
    "delay": _add_delay,
    "wait": _add_wait,
    "each": _add_each,
    "end": _add_end,
    "terminate": _add_end,
}
