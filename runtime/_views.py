"""What a host sees of an execution: values, taken at one moment, that never change again."""

from __future__ import annotations

import math
import re
from typing import Any, Protocol

import attrs

from ._errors import ExecutionNotCompleted
from .definition import ProcessDefinition
from .execution import (
    Ending,
    EndState,
    ErrorContext,
    Execution,
    Finished,
    Job,
    Record,
    Running,
    State,
    Token,
    whole,
)


@attrs.frozen
class NodeStatus:
    """A token: at which node, doing what. `due` is when its timer runs out (runtime clock).

    `phase` is one of `queued` (for a worker), `parked` (by its group), `running`, `ready` (held by
    a pause), `stopping`, `backing_off`, `delayed`, `waiting` (for a signal), `expanded` (into
    items), `calling` (a child execution).
    """

    node: str
    step: int
    phase: str
    attempt: int
    failures: int
    due: float | None = None
    item: int | None = None


@attrs.frozen(kw_only=True)
class Status:
    """An execution at one moment. `ending` is the end that is decided but not reached yet.

    `memory_size` counts bytes of large values; times are seconds on the runtime's clock, which with
    a store means since 1970. Of an execution that is `in_memory` no more, only its state is known:
    it shows no nodes, and `spawned_at` is no number. It is `parked` if it cannot be run here:
    `reason` says why.
    """

    id: str
    definition: str
    incarnation: int
    state: State
    ending: EndState | None
    nodes: tuple[NodeStatus, ...]
    memory_size: int
    spawned_at: float
    ended_at: float | None
    reason: str | None
    error: ErrorContext | None
    in_memory: bool = True


@attrs.frozen(kw_only=True)
class Outcome:
    """How an execution ended. `memory` holds its variables, `history` the records that were kept.

    `reason` says why it did not complete; `error` is the failure behind that, and `errors` are all
    failures of attempts on the way, retried and handled ones too (the latest 100, oldest first).
    Times are seconds on the runtime's clock.
    """

    id: str
    process: ProcessDefinition
    incarnation: int
    state: EndState
    memory: dict[str, Any] = attrs.field(repr=False)
    reason: str | None
    error: ErrorContext | None
    errors: tuple[ErrorContext, ...] = attrs.field(repr=False)
    spawned_at: float
    ended_at: float
    _notes: list[Any] = attrs.field(repr=False, eq=False, alias="notes")

    @property
    def history(self) -> tuple[Record, ...]:
        """The records that were kept, oldest first; made anew each time."""
        return records_of(self._notes)

    @property
    def definition(self) -> str:
        """The definition's id and version."""
        return str(self.process)

    @property
    def duration(self) -> float:
        """Seconds from spawn to end."""
        return self.ended_at - self.spawned_at

    def completed(self) -> Outcome:
        """Return itself; raises `ExecutionNotCompleted` if it ended in another way."""
        if self.state != "completed":
            raise ExecutionNotCompleted(self.id, self.state, self.reason, self.error)
        return self


def status_of(execution: Execution) -> Status:
    """Look at an execution; may be called from any thread."""
    state = execution.state
    control = state.control
    decided = control if isinstance(control, (Ending, Finished)) else None
    return Status(
        id=execution.id,
        definition=str(execution.program.definition),
        incarnation=execution.incarnation,
        state=execution.shown_state,
        ending=control.state if isinstance(control, Ending) else None,
        nodes=tuple(node_status(token) for token in list(state.tokens.values())),
        memory_size=state.memory_size,
        spawned_at=execution.spawned_at,
        ended_at=execution.ended_at,
        reason=decided.reason if decided else None,
        error=decided.error if decided else None,
    )


class Held(Protocol):
    """What is known of an execution that is only in the store."""

    @property
    def definition(self) -> str: ...
    @property
    def incarnation(self) -> int: ...
    @property
    def shown_state(self) -> State: ...
    @property
    def why(self) -> str | None: ...


def status_of_held(id: str, held: Held) -> Status:
    """What there is to tell of an execution that is only in the store."""
    return Status(
        id=id,
        definition=held.definition,
        incarnation=held.incarnation,
        state=held.shown_state,
        ending=None,
        nodes=(),
        memory_size=0,
        spawned_at=math.nan,
        ended_at=None,
        reason=held.why,
        error=None,
        in_memory=False,
    )


def node_status(token: Token) -> NodeStatus:
    """Look at a token."""
    phase = token.phase
    return NodeStatus(
        token.node.name,
        token.step,
        _phase_name(token),
        token.attempt,
        token.failures,
        getattr(phase, "due", None),
        None if token.item is None else token.item.index,
    )


def _phase_name(token: Token) -> str:
    job = token.worker
    if isinstance(job, Job) and isinstance(token.phase, Running):
        return "parked" if job.is_parked else "queued"
    return _snake_case(type(token.phase).__name__)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def outcome_of(execution: Execution) -> Outcome:
    """What is left of an execution that has ended."""
    control, ended_at = execution.state.control, execution.ended_at
    assert isinstance(control, Finished)
    assert ended_at is not None
    return Outcome(
        id=execution.id,
        process=execution.program.definition,
        incarnation=execution.incarnation,
        state=control.state,
        memory=dict(execution.state.memory),
        reason=control.reason,
        error=control.error,
        errors=tuple(execution.state.errors or ()),
        spawned_at=execution.spawned_at,
        ended_at=ended_at,
        notes=execution.notes,
    )


def records_of(notes: list[Any]) -> tuple[Record, ...]:
    """The history that was kept of an execution, of its notes."""
    history = whole(notes)
    return tuple(map(Record, history[::2], history[1::2]))
