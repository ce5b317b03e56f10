"""What an execution needs of the runtime it lives in, and of those who look at it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from ...actors import Message, Reply, TurnLoop
from ...supervision import Gate
from ..definition import RoutingMap
from ._effects import CallChild, TellChild
from ._patience import Patience
from ._records import Outcome, Record
from ._state import Limits, Token

if TYPE_CHECKING:
    from ._actor import Execution, Job


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


class Alarm(Protocol):
    """Sends messages at a time."""

    def add(self, due: float, sleeper: Execution | Patience, message: Message | None, /) -> None:
        """Have somebody woken with `message` at `due` (seconds, the runtime's clock)."""


class House(Protocol):
    """What an execution needs of the runtime it lives in."""

    turns: TurnLoop[Execution]
    limits: Limits
    history_limit: int
    cancel_grace: float
    random: random.Random
    clock: Callable[[], float]
    """The runtime's time, in seconds."""

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

    def crashed(self, execution: Execution, error: Exception) -> None:
        """A life of an execution has ended by a fault; decide whether there is another."""

    def too_late(self, ended: Execution, message: Message, reply: Reply[Any] | None) -> None:
        """A message waited for its turn until its execution had ended."""


class Watcher(Protocol):
    """Is told of every record of an execution, and of every token whose attempt starts."""

    def tell(self, execution: Execution, what: Record | Token) -> None:
        """Something happened."""

    def end(self) -> None:
        """The execution has ended."""
