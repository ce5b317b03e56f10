"""Everything an execution is, in one place. Its single writer is the transition function.

Phases are types: what a token or an execution is doing, with what that needs and nothing else.
"""

from __future__ import annotations

import functools
from collections import deque
from typing import Any, Literal

import msgspec

from ...actors import Message, PausedTimeouts
from ...supervision import Retry
from ..definition import ERROR, RoutedNode, RoutingMap
from ._records import EndState, ErrorContext, LimitParts

State = Literal[
    "queued", "running", "waiting", "pausing", "paused",
    "completed", "failed", "cancelled", "timed_out", "parked",
]  # fmt: skip
"""Public names of states; one that is `parked` is in the store, and cannot be run here."""

Lineage = dict[int, int]


class Running(msgspec.Struct, frozen=True, gc=False):
    """An attempt is in flight or waits for a worker."""


class Ready(msgspec.Struct, frozen=True, gc=False):
    """Would be running but for a pause; starts on resume."""


class Stopping(msgspec.Struct, frozen=True, gc=False):
    """The attempt in flight was told to stop; `then` says what follows when it has."""

    then: Literal["again", "timeout", "skip", "drop"]
    draw: float = 0.0


class BackingOff(msgspec.Struct, frozen=True, gc=False):
    """A failed attempt is tried again at `due`."""

    due: float


class Delayed(msgspec.Struct, frozen=True, gc=False):
    """A delay node lets the token go at `due`."""

    due: float


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """A wait node holds the token until its signal comes, or until `due`."""

    due: float | None


WAITING = Waiting(None)


class Expanded(msgspec.Struct):
    """An each node: its items have tokens of their own; `results` fills up in item order."""

    items: list[Any]
    results: list[Any]
    started: int = 0
    live: int = 0
    size: int = 0
    failure: ErrorContext | None = None
    port: str = ERROR
    skipped: bool = False


class Calling(msgspec.Struct):
    """A process node: a child execution works for it; `then` says what follows its end."""

    child: str
    inputs: dict[str, Any]
    paused: bool = False
    then: Literal["result", "skip", "drop"] = "result"


TokenPhase = Running | Ready | Stopping | BackingOff | Delayed | Waiting | Expanded | Calling

RUNNING = Running()
READY = Ready()


class Item(msgspec.Struct, frozen=True, gc=False):
    """Which item of an each node a token works on."""

    parent: int
    index: int
    value: Any


class Token(msgspec.Struct, eq=False, gc=False):
    """A unit of control at a node: one step of the execution, numbered uniquely within it.

    `attempt` numbers its tries, `failures` those that failed, the first of which began at `since`;
    `wait` is the latest back-off in seconds. `error` is what it brings from an error port.
    `lineage` maps counted joins on cycles to the latest round of theirs that this token comes from.
    `worker` is a note of the shell's: what runs its attempt, or the job that waits for a worker;
    the transition never looks at it.
    """

    step: int
    node: RoutedNode
    phase: TokenPhase = RUNNING
    attempt: int = 1
    failures: int = 0
    wait: float = 0.0
    error: ErrorContext | None = None
    lineage: Lineage | None = None
    item: Item | None = None
    since: float = 0.0
    worker: Any = None

    @property
    def is_in_flight(self) -> bool:
        """Whether an attempt runs, or waits for a worker, for this token."""
        return isinstance(self.phase, (Running, Stopping))

    @property
    def counts_for_joins(self) -> bool:
        """Whether joins may wait for it: not for an item of an each node, nor a dropped token."""
        phase = self.phase
        dropped = isinstance(phase, (Stopping, Calling)) and phase.then == "drop"
        return self.item is None and not dropped


KEPT_ERRORS = 100


class Queued(msgspec.Struct, frozen=True, gc=False):
    """Not admitted yet."""


class Active(msgspec.Struct, frozen=True, gc=False):
    """Going about its work."""


class Pausing(msgspec.Struct):
    """Starts nothing; attempts in flight are ending. `deferred` messages come after that."""

    timeouts: PausedTimeouts
    since: float
    replies: list[int]
    deferred: list[tuple[Message, int]]


class Paused(msgspec.Struct, frozen=True):
    """Nothing in flight, nothing starts."""

    timeouts: PausedTimeouts
    since: float


class Ending(msgspec.Struct):
    """The end is decided; attempts and children in flight are being stopped first.

    `abandoned` are the tokens whose attempts did not stop within the grace period.
    """

    state: EndState
    reason: str | None
    error: ErrorContext | None
    replies: list[int]
    abandoned: tuple[Token, ...] = ()


class Finished(msgspec.Struct, frozen=True):
    """Ended; nothing changes any more."""

    state: EndState
    reason: str | None
    error: ErrorContext | None


Control = Queued | Active | Pausing | Paused | Ending | Finished

QUEUED = Queued()
ACTIVE = Active()
COMPLETED = Finished("completed", None, None)


class Limits(msgspec.Struct, frozen=True):
    """What the runtime's options mean for an execution. Times in seconds, memory in bytes."""

    retry: Retry
    memory: int
    kept_signals: int = 1000

    @property
    def parts(self) -> LimitParts:
        """As an execution keeps them in its records."""
        retry = self.retry
        return retry.attempts, retry.initial, retry.maximum, self.memory, self.kept_signals


@functools.lru_cache(maxsize=64)
def limits_of(parts: LimitParts) -> Limits:
    """The limits that these are the parts of."""
    attempts, initial, maximum, memory, kept_signals = parts
    retry = Retry(attempts=attempts, initial=initial, maximum=maximum)
    return Limits(retry, memory, kept_signals)


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A token that reached a join: as which in order, and what it brought."""

    order: int
    error: ErrorContext | None
    lineage: Lineage | None


class AllJoin(msgspec.Struct):
    """Tokens waiting at a join of mode `all`, by slot, oldest first. Exists only while some wait.

    `witness` is the step of a live token that may still fill the empty slot `witness_slot` (0: not
    known): while that holds, the join need not be looked at.
    """

    node: RoutedNode
    arrivals: dict[int, list[Arrival]]
    witness: int = 0
    witness_slot: int = -1


class Round(msgspec.Struct):
    """One round of a counted join: the slots that have delivered, and whether it has fired."""

    number: int
    arrivals: dict[int, Arrival]
    fired: bool = False


class CountJoin(msgspec.Struct):
    """The open rounds of a counted join, oldest first; `next_round` numbers the one to come."""

    node: RoutedNode
    rounds: list[Round]
    next_round: int = 0


JoinState = AllJoin | CountJoin


class ExecutionState(msgspec.Struct, eq=False, gc=False):
    """The state of one execution.

    `tokens` are live, by step, in order of creation. `joins` hold what waits at joins, by node
    number (see `_joins`), `arrived` counts them. `in_flight` counts tokens with an attempt, `calls`
    those with a child. `memory_is_lent` while it is the inputs of a message, too. `memory_size`
    counts bytes of large values, `sizes` which. `starving`: some connection was left untaken, so
    joins have to be watched: `witnesses` maps a step to the joins that may wait because of it,
    `recheck` holds joins to look at again before the turn ends.
    `errors` are the latest failures of attempts, oldest first.
    """

    id: str
    routing: RoutingMap
    limits: Limits
    control: Control = QUEUED
    memory: dict[str, Any] = {}
    memory_is_lent: bool = False
    memory_size: int = 0
    sizes: dict[str, int] | None = None
    tokens: dict[int, Token] = {}
    steps: int = 0
    arrived: int = 0
    in_flight: int = 0
    calls: int = 0
    deadline: float | None = None
    signals: deque[tuple[str, Any, int]] | None = None
    joins: dict[int, JoinState] | None = None
    starving: bool = False
    witnesses: dict[int, set[int]] | None = None
    errors: deque[ErrorContext] | None = None
    recheck: set[int] | None = None

    def __post_init__(self) -> None:
        self.starving = self.routing.joins_may_starve

    @property
    def name(self) -> State:
        """The state's public name; `waiting` means running with only timers and signals left."""
        control = self.control
        if isinstance(control, (Ending, Active)):
            busy = self.in_flight or self.calls or control is not ACTIVE
            return "running" if busy or not self.tokens else "waiting"
        return _NAMES[type(control)] if not isinstance(control, Finished) else control.state


_NAMES: dict[type, State] = {Queued: "queued", Pausing: "pausing", Paused: "paused"}
