"""What an execution needs of the runtime it lives in, and of those who look at it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from ...actors import Message, Reply, TurnLoop
from ...supervision import Gate
from ..definition import RoutedNode, RoutingMap
from ..metrics import AttemptCounts
from ._effects import CallChild, Effects, TellChild
from ._records import Completed, Outcome, Record
from ._state import Limits, Token
from ._step import Following

if TYPE_CHECKING:
    from ._actor import Execution, Job
    from ._attempt import Act


class NodeGroup(Protocol):
    """Where attempts wait for a worker, and what guards them. `gate` is None if nothing does."""

    gate: Gate | None

    def submit(self, job: Job, /) -> None:
        """Have the attempt of a token made, as soon as may be."""

    def withdrawn(self, job: Job) -> None:
        """A job that waits or is parked here is not to be done any more."""

    def stop_all(self, execution: Execution) -> None:
        """Stop every attempt that is made here for an execution."""

    def has_come(self, job: Job) -> None:
        """A job has got to a worker."""

    def admit(self, job: Job, *, was_parked: bool) -> bool:
        """Ask the guards; if they refuse, the job is parked or has failed."""
        ...

    def report(self, job: Job, outcome: Outcome, now: float) -> Outcome:
        """Tell the guards how an attempt came out; what the execution is to be told."""
        ...


Groups = Callable[[RoutingMap], tuple[NodeGroup, tuple[NodeGroup | None, ...]]]
"""Finds the groups of a definition: the default one, and by node number that of each node.

None stands for nodes that call nothing (a switch, a delay): they run in whatever group they are.
"""


class Sleeper(Protocol):
    """Somebody to wake; once `ended_at` is set, there is no need to any more."""

    @property
    def ended_at(self) -> float | None: ...
    def wake(self, message: Any, /) -> None: ...


class Alarm(Protocol):
    """Sends messages at a time."""

    def add(self, due: float, sleeper: Sleeper, message: Message | None, /) -> None:
        """Have somebody woken with `message` at `due` (seconds, the runtime's clock)."""


class Ledger(Protocol):
    """Has the turns of one execution stored, and what they ask for done when it may be.

    `waits` if that is not before they are on disk.
    """

    @property
    def waits(self) -> bool: ...
    @property
    def is_settled(self) -> bool: ...
    @property
    def has_begun(self) -> bool: ...
    @property
    def is_closed(self) -> bool: ...
    @property
    def seq(self) -> int: ...

    def take(self, message: Message, now: float, reply: Reply[Any] | None) -> Message | None:
        """Write a message down before its turn; None if it cannot be stored, and was refused."""
        ...

    def add(self, message: Message, now: float, effects: Effects, reply: Reply[Any] | None) -> None:
        """A turn was taken: have it stored, and done what it asks for."""

    def written(self, message: Completed, now: float) -> bool:
        """Write an outcome down before a turn by the short path; false if it cannot be stored."""
        ...

    def step(self, now: float, following: Following) -> None:
        """A turn was taken by the short path: have it stored, and then go on as it says."""

    def then(self, effects: Effects) -> None:
        """Have something done after all that waits now."""

    def stored(self) -> Reply[None]:
        """Answered when all that was written so far is on disk, if anybody waits for that."""
        ...

    def trims(self, count: int) -> None:
        """So many entries at the front of the history are about to be dropped."""

    def flush(self) -> None:
        """Hand over what was held back."""

    def close(self) -> None:
        """Its life is over: nothing that waits is done any more."""


class Tracing(Protocol):
    """Is told what executions and attempts there are, to make spans of them."""

    def begins(self, execution: Execution, *, is_new: bool) -> None:
        """An execution is in memory: new, or back."""

    def ended(self, execution: Execution) -> None:
        """An execution has ended."""

    def left(self, execution: Execution) -> None:
        """An execution has left memory, without an end."""

    def traced(self, node: RoutedNode, act: Act) -> Act:
        """An act within a span of its own."""
        ...


class Time(Protocol):
    """`ticks() + epoch` is the time, in seconds: as `House.clock`, but by one call less."""

    @property
    def ticks(self) -> Callable[[], float]: ...
    @property
    def epoch(self) -> float: ...


class House(Protocol):
    """What an execution needs of the runtime it lives in."""

    turns: TurnLoop[Execution]
    limits: Limits
    history_limit: int
    cancel_grace: float
    random: random.Random
    attempts: AttemptCounts
    clock: Callable[[], float]
    """The runtime's time, in seconds."""

    @property
    def time(self) -> Time: ...
    @property
    def timers(self) -> Alarm: ...

    def call_child(self, parent: Execution, effect: CallChild) -> None:
        """Begin a child execution."""

    def tell_child(self, parent: Execution, effect: TellChild) -> None:
        """Pass a control message to a child execution."""

    def tell_child_again(self, parent: tuple[str, int]) -> None:
        """The child of a step of that execution has crashed: tell it again what it was told."""

    def load_changed(self, execution: Execution, busy: bool) -> None:
        """An execution has become busy, or has nothing but timers and signals left."""

    def ended(self, execution: Execution) -> None:
        """An execution has ended."""

    def suspended(self, execution: Execution) -> None:
        """A suspended execution has come to rest."""

    def crashed(self, execution: Execution, error: Exception) -> None:
        """A life of an execution has ended by a fault; decide whether there is another."""

    def too_late(self, ended: Execution, message: Message, reply: Reply[Any] | None) -> None:
        """A message waited for its turn until its execution had ended."""


Telling = Callable[[], None]


class Watcher(Protocol):
    """Is told of every record of an execution, and of every token whose attempt starts."""

    def note(self, execution: Execution, what: Record | Token) -> Telling:
        """Something happens now; what is returned is called when it may be told."""
        ...

    def end(self) -> None:
        """The execution has ended."""
