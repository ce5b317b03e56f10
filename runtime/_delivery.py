"""Delivery: how a message gets to its execution, which may be in memory, in the store or gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from ..actors import (
    ActorGone,
    Cancel,
    DeadLetter,
    DeadLetters,
    MailboxFull,
    Message,
    Pause,
    ProcessEngineError,
    Reply,
    Resume,
    RuntimeClosed,
    StaleIncarnation,
    TurnLoop,
)
from ._errors import UnknownExecution
from ._host_actor import HostActor
from ._inbox import Inbox
from .execution import Ending, Execution, Finished

if TYPE_CHECKING:
    from ._store_side import StoreSide

Addressed = tuple[str, int, Message, Reply[Any] | None]
"""The execution that a message is for and in which of its lives, the message, who waits."""


class DeliveryHouse(Protocol):
    """What delivery needs of the rest of the runtime."""

    clock: Callable[[], float]
    turns: TurnLoop[Execution]
    host_turns: TurnLoop[HostActor]
    live: dict[str, Execution]
    past: dict[str, Execution]
    is_closing: bool

    @property
    def id(self) -> str: ...

    @property
    def store(self) -> StoreSide | None: ...


class Delivery:
    """Has executions take messages; what has no recipient becomes a dead letter.

    Single writer: the trio thread. Other threads only append to the `inbox`.
    """

    def __init__(self, house: DeliveryHouse) -> None:
        self.inbox: Inbox[Addressed] = Inbox(self._deliver_all)
        self.dead_letters: DeadLetters = DeadLetters()
        self._house = house
        self._turns = house.turns
        self._live = house.live

    @property
    def depth(self) -> int:
        """How many messages wait: for their turn, to get here, or for their recipient to wake."""
        house = self._house
        depth = self._turns.pending + house.host_turns.pending + len(self.inbox)
        return depth + (0 if house.store is None else house.store.sleepers.mail)

    def send(self, address: tuple[str, int], message: Message, reply: Reply[Any] | None) -> None:
        """Deliver a message, from any thread: at once in the runtime's own task, else soon."""
        if self.inbox.is_here():
            self.deliver((*address, message, reply))
        else:
            self.inbox.put((*address, message, reply))

    def deliver(self, letter: Addressed) -> None:
        """Have a message taken, in the runtime's own thread."""
        execution = self._recipient(letter)
        if execution is None:
            return
        id, _, message, reply = letter
        if not self._turns.post(execution, message, reply):
            self.dead(letter, "mailbox full", self._mailbox_full(id))

    def _deliver_all(self, letters: Iterator[Addressed]) -> None:
        """Have messages taken, all of them in their mailboxes before the first turn."""
        found = [
            (execution, letter[2], letter[3])
            for letter in letters
            if (execution := self._recipient(letter)) is not None
        ]
        for execution, message, reply in self._turns.post_all(found):
            refused = (execution.id, execution.incarnation, message, reply)
            self.dead(refused, "mailbox full", self._mailbox_full(execution.id))

    def post_own(self, id: str, message: Message, reply: Reply[Any] | None = None) -> None:
        """Have an execution take a message of the engine's own, in whichever life it is."""
        execution = self._live.get(id)
        if execution is not None:
            self._turns.post(execution, message, reply)
        elif self._house.store is not None:
            self._house.store.deliver_own(id, message, reply)

    def _mailbox_full(self, id: str) -> MailboxFull:
        return MailboxFull(id, self._turns.capacity)

    def _recipient(self, letter: Addressed) -> Execution | None:
        """Who takes a letter; if nobody, it is counted as dead and its sender is told."""
        id, incarnation, message, reply = letter
        execution = self._live.get(id)
        if execution is not None:
            if execution.incarnation == incarnation:
                return execution
            stale = StaleIncarnation(id, incarnation, execution.incarnation)
            self.dead(letter, "stale incarnation", stale)
            return None
        house = self._house
        ended = house.past.get(id)
        if ended is not None:
            self.too_late(ended, message, reply)
        elif house.is_closing:
            self.dead(letter, "unknown execution", RuntimeClosed(house.id))
        elif house.store is None or not house.store.deliver(letter):
            self.dead(letter, "unknown execution", UnknownExecution(id))
        return None

    def too_late(self, ended: Execution, message: Message, reply: Reply[Any] | None) -> None:
        """A message came after the end: it is counted as dead, a control message is answered."""
        control = ended.state.control
        assert isinstance(control, (Ending, Finished))
        letter, state = (ended.id, ended.incarnation, message, reply), control.state
        if not isinstance(message, (Pause, Resume, Cancel)):
            self.dead(letter, "already ended", ActorGone(ended.id, f"it has ended, {state}"))
            return
        self.dead(letter, "already ended", None)
        if reply is not None:
            reply.answer(state)

    def dead(self, letter: Addressed, why: str, error: ProcessEngineError | None) -> None:
        """Count a message that does not arrive, and tell its sender why if there is an error."""
        id, _, message, reply = letter
        self.undelivered(id, message, why)
        if reply is not None and error is not None:
            reply.fail(error)

    def undelivered(self, name: str, message: Message, why: str) -> None:
        """Count a message that nobody has taken."""
        self.dead_letters.add(DeadLetter(name, message, why, self._house.clock()))
