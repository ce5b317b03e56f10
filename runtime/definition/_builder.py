"""Describe a process in Python: nodes from plain functions, connections by `then` and `on`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, Unpack

import attrs

from ...supervision import Group
from ._binding import function_name
from ._check import checked
from ._errors import DefinitionError, Fault
from ._expressions import Expression, Variable, expression_of
from ._groups import GroupOptions, group_of
from ._kinds import function_kind, join_of
from ._model import (
    OUT,
    Case,
    Choice,
    Connection,
    Delay,
    Durability,
    Each,
    End,
    EndName,
    Function,
    Input,
    Kind,
    Node,
    Process,
    ProcessDefinition,
    Runs,
    Switch,
    Wait,
)
from ._node_options import NodeOptions, option_faults
from ._parts import Parts


@attrs.frozen
class PortRef:
    """A port of a node under construction; `then` draws a connection from it."""

    builder: ProcessBuilder = attrs.field(repr=False)
    node: str
    port: str

    def then(self, target: NodeRef) -> NodeRef:
        """Connect this port to `target` and return `target`, so that calls chain."""
        return self.builder.connect(self.node, self.port, target)


@attrs.frozen
class NodeRef:
    """A node under construction."""

    builder: ProcessBuilder = attrs.field(repr=False)
    name: str

    def then(self, target: NodeRef) -> NodeRef:
        """Connect port `out` to `target` and return `target`, so that calls chain."""
        return self.on(OUT).then(target)

    def on(self, port: str) -> PortRef:
        """The port of that name, to draw a connection from."""
        return PortRef(self.builder, self.name, port)


class ProcessBuilder:
    """Collects nodes and connections; `build` checks all of it and seals it.

    `inputs` declares the variables an execution starts with, by name or with type and default;
    without any, it may start with what it likes. `timeout` is in seconds for a whole execution.
    `durability` and `retention` (seconds after the end, for all end states or by state) override
    what the runtime's options say of how executions are stored.

    Options that the node methods share: `inputs` maps parameters to constants, functions of the
    memory or expressions; `output` names the variable for the result (default: the node's name);
    `join` is `"all"`, `"any"`, `"each"` or a count, and `rest` says what becomes of the tokens that
    a count did not wait for; `retry` and `timeout` (seconds, one attempt) override those of the
    group and the runtime; `group` is the name of a group, or the group; `idempotent` says that the
    node may run twice to the same effect, and then a function may have a `hedge`.
    """

    def __init__(
        self,
        id: str,
        version: int = 1,
        *,
        inputs: Iterable[str | Input] = (),
        timeout: float | None = None,
        durability: Durability | None = None,
        retention: float | Mapping[EndName, float] | None = None,
        description: str = "",
    ) -> None:
        self._id = id
        self._version = version
        self._inputs = tuple(Input(each) if isinstance(each, str) else each for each in inputs)
        self._timeout = timeout
        self._durability = durability
        self._retention = retention
        self._description = description
        self._nodes: list[Node] = []
        self._connections: list[Connection] = []
        self._start: list[str] = []
        self._groups: list[Group] = []
        self._on_error: str | None = None

    def node(
        self,
        name: str | Callable[..., Any],
        function: Callable[..., Any] | None = None,
        *,
        runs: Runs | None = None,
        ports: Sequence[str] = (),
        **options: Any,
    ) -> NodeRef:
        """Add a function, under its own name or the one given first.

        `async def` runs on trio; a plain `def` runs in a worker thread, which cannot be interrupted
        (it is waited for, or abandoned after the grace period); `runs="process"` puts a picklable
        function into a worker process. `ports` are those that `Out` may choose besides `out`.
        """
        if callable(name):
            return self.node(function_name(name), name, runs=runs, ports=ports, **options)
        name = self._name(name)
        expected = "a function: node(function) or node(name, function)"
        made = function_kind(self._callable(name, function, expected), runs, tuple(ports))
        return self._add(name, made, options)

    def switch(
        self,
        name: str,
        cases: Mapping[str, Any],
        *,
        default: str | None = None,
        choose: Choice = "first",
        **options: Any,
    ) -> NodeRef:
        """Add a choice: `cases` maps ports to conditions, tried in order.

        A token leaves by the first port whose condition holds (`choose="every"`: by all of them),
        else by `default`; with neither, the node fails.
        """
        made = tuple(Case(port, expression_of(when)) for port, when in cases.items())
        return self._add(name, Switch(made, default, choose), options)

    def delay(self, name: str, seconds: Any, **options: Any) -> NodeRef:
        """Add a wait of so many seconds: a number, or a function of the memory."""
        return self._add(name, Delay(expression_of(seconds)), options)

    def wait(
        self, name: str, signal: str | None = None, *, within: Any = None, **options: Any
    ) -> NodeRef:
        """Add a wait for a signal (default: of the node's name); its payload is the result.

        A token leaves by port `timeout` if the signal does not come `within` so many seconds.
        """
        limit = None if within is None else expression_of(within)
        return self._add(name, Wait(signal or name, limit), options)

    def each(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        over: Any,
        item: str = "item",
        concurrency: int | None = None,
        runs: Runs | None = None,
        **options: Any,
    ) -> NodeRef:
        """Add a function that runs once for every item of a list.

        `over` is a variable's name or a function of the memory; the function gets each item in the
        parameter `item`. At most `concurrency` items run at once; results come in item order.
        """
        items: Expression = Variable(over) if isinstance(over, str) else expression_of(over)
        if concurrency is not None and concurrency < 1:
            self._refuse(f"nodes.{name}.concurrency", concurrency, "a number from 1, or None")
        body = function_kind(self._callable(name, function, "a function"), runs)
        return self._add(name, Each(body, items, item, concurrency), options)

    def process(self, name: str, definition: ProcessDefinition, **options: Any) -> NodeRef:
        """Add a child execution of another definition; `inputs` are its first variables."""
        return self._add(name, Process(self._definition(name, definition)), options)

    def end(self, name: str, *, terminate: bool = False, **options: Any) -> NodeRef:
        """Add an end; with `terminate` the first token to get there completes the execution."""
        return self._add(name, End(terminate), options)

    def start(self, *nodes: NodeRef) -> None:
        """Name the start nodes, where they are not simply those without an incoming connection."""
        self._start += [self._node("start", node).name for node in nodes]

    def group(self, group: str | Group, **options: Unpack[GroupOptions]) -> Group:
        """Declare a group of nodes by name and options, as `Group`, or one that is made already.

        Returns the group: for the option `group` of nodes, and for other builders to declare.
        """
        made = group_of(group, options)
        if made not in self._groups:
            self._groups.append(made)
        return made

    def on_error(self, node: NodeRef) -> None:
        """Let a node handle the failure of every other that has no connection for it.

        It runs for each failure, unless it joins in another way than `all`. What fails behind it
        fails the execution.
        """
        self._on_error = self._own(node, "on_error").name

    def connect(self, source: str, port: str, target: NodeRef) -> NodeRef:
        """Draw a connection by name; `NodeRef.then` is the usual way."""
        self._connections.append(
            Connection(source, port, self._own(target, f"nodes.{source}").name)
        )
        return target

    def _own(self, node: NodeRef, place: str) -> NodeRef:
        if self._node(place, node).builder is not self:
            self._refuse(place, node.name, "a node made by this builder")
        return node

    def _node(self, place: str, node: object) -> NodeRef:
        if not isinstance(node, NodeRef):
            self._refuse(place, node, "a node made by this builder, as its method `node` returns")
        return node

    def build(self) -> ProcessDefinition:
        """Check and seal the definition; raises `DefinitionError` listing every fault."""
        parts = Parts(
            id=self._id,
            version=self._version,
            nodes=tuple(self._nodes),
            connections=tuple(self._connections),
            start=tuple(self._start),
            inputs=self._inputs,
            groups=tuple(self._groups),
            on_error=self._on_error,
            timeout=self._timeout,
            durability=self._durability,
            retention=self._retention,
            description=self._description,
        )
        return checked(parts, self._place_of)

    def _place_of(self, index: int, part: str) -> str:
        """The place of a connection: the node it was drawn from, and the port of that."""
        connection = self._connections[index]
        port = "" if part == ".from" else f".on.{connection.port}"
        return f"nodes.{connection.source}{port}"

    def _refuse(self, place: str, value: object, expected: str) -> NoReturn:
        raise self._error((Fault(place, value, expected),))

    def _error(self, faults: tuple[Fault, ...]) -> DefinitionError:
        return DefinitionError(f"process {self._id!r}", faults)

    def _name(self, name: object) -> str:
        if not isinstance(name, str):
            self._refuse("nodes", name, "a function, or a name and a function")
        return name

    def _definition(self, name: str, definition: object) -> ProcessDefinition:
        if not isinstance(definition, ProcessDefinition):
            expected = "a ProcessDefinition (of a builder: its `build()`)"
            self._refuse(f"nodes.{name}.definition", definition, expected)
        return definition

    def _callable(self, name: str, function: object, expected: str) -> Callable[..., Any]:
        if not callable(function):
            self._refuse(f"nodes.{name}", function, expected)
        return function

    def _add(self, name: str, kind: Kind, given: Mapping[str, Any]) -> NodeRef:
        faults = tuple(option_faults(name, given, _OWN.get(type(kind), ())))
        if faults:
            raise self._error(faults)
        options = NodeOptions(**given)
        group = options.group
        node = Node(
            name=name,
            kind=kind,
            join=join_of(options.join, options.rest),
            inputs={key: expression_of(value) for key, value in (options.inputs or {}).items()},
            output=options.output or name,
            retry=options.retry,
            timeout=options.timeout,
            group=self.group(group).name if isinstance(group, Group) else group,
            idempotent=options.idempotent,
            hedge=options.hedge,
            description=options.description,
        )
        self._nodes.append(node)
        return NodeRef(self, name)


_OWN: Mapping[type[Kind], tuple[str, ...]] = {
    Function: ("runs", "ports"),
    Switch: ("default", "choose"),
    Wait: ("within",),
    Each: ("over", "item", "concurrency", "runs"),
    End: ("terminate",),
}
