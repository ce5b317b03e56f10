"""What a process is: nodes of closed kinds, and connections. Values only; nothing here runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Literal

import attrs

from ...supervision import DEFAULT_GROUP, Group, Hedge, Retry
from ._binding import Binding
from ._expressions import Expression

Runs = Literal["async", "thread", "process"]
Rest = Literal["absorb", "cancel"]
JoinMode = Literal["all", "count", "each"]
Choice = Literal["first", "every"]
Durability = Literal["step", "lazy", "off"]
EndName = Literal["completed", "failed", "cancelled", "timed_out"]
InputType = Literal["string", "int", "double", "bool", "list", "map", "any"]

OUT, ERROR, TIMEOUT, REJECTED = "out", "error", "timeout", "rejected"


class Required(Enum):
    """Stands in the place of a default where there is none."""

    REQUIRED = "required"

    def __repr__(self) -> str:
        return self.value


REQUIRED = Required.REQUIRED


@attrs.frozen
class Input:
    """A variable that an execution starts with; one with a default may be left out.

    A value of type `map` is a mapping or an object with fields. A default of None makes the
    variable optional: None is then accepted whatever its type.
    """

    name: str
    type: InputType = "any"
    default: object = REQUIRED
    description: str = ""

    @property
    def is_required(self) -> bool:
        """Whether an execution cannot start without it."""
        return self.default is REQUIRED


@attrs.frozen
class Join:
    """How a node with several incoming connections waits for them.

    `all`: once every connection has a token or can no longer get one. `count`: on the `count`-th
    token of a round, `rest` saying what becomes of the others. `each`: for every token. Source: the
    synchronising merge (YAWL's OR-join), discriminators and multi-merge of van der Aalst et al.,
    "Workflow Patterns" (2003).
    """

    mode: JoinMode = "all"
    count: int = 1
    rest: Rest = "absorb"

    def __str__(self) -> str:
        if self.mode != "count":
            return self.mode
        name = "any" if self.count == 1 else str(self.count)
        return name if self.rest == "absorb" else f"{name}, rest {self.rest}"


ALL = Join()
ANY = Join("count", 1)
EACH = Join("each")


@attrs.frozen
class Function:
    """Calls a user's function: on trio, in a worker thread, or in a worker process.

    `extra_ports` are those it may choose with `Out`; a plain return value leaves by `out`. By
    `rejected` leaves a token that its group refuses.
    """

    call: Callable[..., Any]
    binding: Binding = attrs.field(repr=False)
    runs: Runs
    type: str
    extra_ports: tuple[str, ...] = ()

    @property
    def ports(self) -> tuple[str, ...]:
        return (OUT, ERROR, REJECTED, *self.extra_ports)


@attrs.frozen
class Case:
    """One way out of a switch: the port, and the condition that opens it."""

    port: str
    when: Expression


@attrs.frozen
class Switch:
    """Chooses ports by conditions: the first that holds, or every one; `default` if none does."""

    cases: tuple[Case, ...]
    default: str | None = None
    choose: Choice = "first"

    @property
    def ports(self) -> tuple[str, ...]:
        default = () if self.default is None else (self.default,)
        return tuple(dict.fromkeys((*(case.port for case in self.cases), *default, ERROR)))


@attrs.frozen
class Delay:
    """Waits for a number of seconds, in a timer and not in a task."""

    seconds: Expression

    @property
    def ports(self) -> tuple[str, ...]:
        return (OUT, ERROR)


@attrs.frozen
class Wait:
    """Waits for a signal by name; leaves by `timeout` after so many seconds, if given."""

    signal: str
    timeout: Expression | None = None

    @property
    def ports(self) -> tuple[str, ...]:
        return (OUT, TIMEOUT, ERROR)


@attrs.frozen
class Each:
    """Runs a function for every item of a list, at most `concurrency` at once (None: no bound).

    The function gets the item under the name `item`; the result is the list of results, in item
    order. The first item that fails for good fails the node and cancels the others.
    """

    body: Function
    items: Expression
    item: str
    concurrency: int | None = None

    @property
    def ports(self) -> tuple[str, ...]:
        return (OUT, ERROR, REJECTED)


@attrs.frozen
class Process:
    """Runs another definition as a child execution; its memory is the result.

    `inputs` are the child's first variables. `definition` is resolved when the document is loaded.
    """

    definition: ProcessDefinition

    @property
    def ports(self) -> tuple[str, ...]:
        return (OUT, ERROR)


@attrs.frozen
class End:
    """Takes tokens and lets none out; `terminate` ends the whole execution, completed, at once."""

    terminate: bool = False

    @property
    def ports(self) -> tuple[str, ...]:
        return ()


Kind = Function | Switch | Delay | Wait | Each | Process | End


@attrs.frozen(kw_only=True)
class Node:
    """One step of a process.

    `inputs` maps parameter names to expressions that take precedence over the memory; `output` is
    the variable that the result is written to; `timeout` is in seconds for one attempt; a `retry`
    or `timeout` of None stands for the group's, else the runtime's default. `idempotent` says that
    the node may run twice, even at once, to the same effect: only then may it have a `hedge`.
    """

    name: str
    kind: Kind
    join: Join = ALL
    inputs: Mapping[str, Expression] = attrs.field(factory=dict[str, Expression])
    output: str
    retry: Retry | None = None
    timeout: float | None = None
    group: str = DEFAULT_GROUP
    idempotent: bool = False
    hedge: Hedge | None = None
    description: str = ""


@attrs.frozen
class Connection:
    """An arrow from a port of one node to another node."""

    source: str
    port: str
    target: str

    def __str__(self) -> str:
        return f"{self.source}.{self.port} -> {self.target}"


@attrs.frozen
class Finding:
    """Something that is allowed but cannot work as drawn: its place, and why."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@attrs.frozen(kw_only=True, eq=False)
class ProcessDefinition:
    """A validated, immutable process; comes from `ProcessBuilder.build`, a document or an importer.

    `start` names the nodes that get a token when an execution begins. `timeout` is in seconds for a
    whole execution (None: the runtime's default). Two definitions are equal if their `hash` is: the
    SHA-256 of the content, in which a function counts by its qualified name, not by its code.
    Without `inputs` an execution may start with any variables.

    `on_error` names the node that handles the failures of all others: `implied` are the connections
    it stands for, which come last in `connections`, and `drawn` are those before them.

    `durability` says how executions are stored, `retention` for how many seconds once they have
    ended in a state: what is not said is as the runtime's options have it. Both are no content.
    """

    id: str
    version: int
    nodes: tuple[Node, ...] = attrs.field(repr=lambda nodes: f"<{len(nodes)} nodes>")
    connections: tuple[Connection, ...] = attrs.field(repr=False)
    start: tuple[str, ...] = attrs.field(repr=False)
    inputs: tuple[Input, ...] = attrs.field(default=(), repr=False)
    groups: tuple[Group, ...] = attrs.field(default=(), repr=False)
    on_error: str | None = attrs.field(default=None, repr=False)
    implied: tuple[Connection, ...] = attrs.field(default=(), repr=False)
    timeout: float | None = None
    durability: Durability | None = None
    retention: Mapping[EndName, float] | None = attrs.field(default=None, repr=False)
    description: str = attrs.field(default="", repr=False)
    hash: str
    warnings: tuple[Finding, ...] = attrs.field(default=(), repr=False)

    @property
    def drawn(self) -> tuple[Connection, ...]:
        """The connections that somebody drew."""
        return self.connections[: len(self.connections) - len(self.implied)]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ProcessDefinition):
            return NotImplemented
        return self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __str__(self) -> str:
        return f"{self.id} v{self.version}"
