"""Turns: an actor takes one message at a time, to its end, and nothing else happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

import trio

from ._mailbox import Mailbox
from ._messages import Message
from ._reply import Reply

AnyReply = Reply[object] | None


class Actor(Protocol):
    """Owns state that only its own turns touch."""

    def receive(self, message: Message, reply: AnyReply) -> None:
        """Take one turn. Never awaits; answers `reply` now or in a later turn."""

    def crash(self, error: Exception) -> None:
        """A turn raised: that is a fault of the actor, not of the sender."""


A = TypeVar("A", bound=Actor)
W = TypeVar("W")


Letter = tuple[A, Message, AnyReply]


class TurnLoop(Generic[A]):
    """Gives every actor with mail its turns until no mail is left.

    A message that comes while no turn is running is taken at once. One that comes in the middle of
    a turn (from an actor to another, or to itself) waits in a mailbox until that turn is over, so
    turns never nest and nothing recurses. Ctrl-C does not interrupt one. Outside a turn every
    mailbox is empty: an idle actor has none. Belongs to one thread.
    """

    def __init__(self, capacity: int = 10_000) -> None:
        self.capacity: int = capacity
        self._mail: dict[A, Mailbox[tuple[Message, AnyReply]]] = {}
        self._turning = False
        self.accepted: int = 0
        self.handled: int = 0

    @property
    def pending(self) -> int:
        """How many messages wait for their turn; 0 unless asked from inside one."""
        return sum(len(mailbox) for mailbox in list(self._mail.values()))

    @trio.lowlevel.enable_ki_protection
    def post(self, actor: A, message: Message, reply: AnyReply = None) -> bool:
        """Have an actor take a message; false, and nothing done, if its user lane is full."""
        if self._turning:
            return self._put(actor, message, reply)
        self._turning = True
        self.accepted += 1
        try:
            self._turn(actor, message, reply)
            if self._mail:
                self._drain()
        finally:
            self._turning = False
        return True

    @trio.lowlevel.enable_ki_protection
    def post_all(self, letters: Iterable[Letter[A]]) -> list[Letter[A]]:
        """Deliver many messages, all of them before the first turn, so that lanes take effect.

        Gives back those that were refused because a user lane is full.
        """
        turning, self._turning = self._turning, True
        try:
            refused = [letter for letter in letters if not self._put(*letter)]
            if not turning:
                self._drain()
        finally:
            self._turning = turning
        return refused

    @trio.lowlevel.enable_ki_protection
    def run(self, actor: A, work: Callable[[W], None], argument: W) -> None:
        """Call `work` as part of a turn of `actor`: messages that it sends are taken after it."""
        turning, self._turning = self._turning, True
        try:
            work(argument)
        except Exception as error:  # noqa: BLE001 - a supervision boundary
            actor.crash(error)
        try:
            if self._mail and not turning:
                self._drain()
        finally:
            self._turning = turning

    def _put(self, actor: A, message: Message, reply: AnyReply) -> bool:
        mailbox = self._mail.get(actor)
        if mailbox is None:
            mailbox = self._mail[actor] = Mailbox(self.capacity)
        accepted = mailbox.offer((message, reply), message.lane)
        self.accepted += accepted
        return accepted

    def _drain(self) -> None:
        while self._mail:
            actor, mailbox = next(iter(self._mail.items()))
            letter = mailbox.take()
            if letter is None:
                del self._mail[actor]
            else:
                self._turn(actor, *letter)

    def _turn(self, actor: A, message: Message, reply: AnyReply) -> None:
        self.handled += 1
        try:
            actor.receive(message, reply)
        except Exception as error:  # noqa: BLE001 - a supervision boundary
            if reply is not None:
                reply.fail(error)
            actor.crash(error)
