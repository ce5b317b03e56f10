"""Actors of the host: objects that own their state, under supervision like everything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal, Protocol

import trio

from ..actors import ActorGone, Lane, MailboxFull, Message, Reply, TurnLoop
from ..supervision import TreeNode


class Behaviour(Protocol):
    """What a host's actor does with a message."""

    def receive(self, message: Any, /) -> object:
        """Take one message, to its end and without awaiting; what it returns is the answer.

        To raise is to crash: the sender gets the error, and the actor begins anew, or not, as its
        supervisor decides.
        """


class Letter(Message, frozen=True, tag="letter"):
    """A message to an actor of the host."""

    lane: ClassVar[Lane] = "user"
    content: Any


class HostHouse(Protocol):
    """What an actor of the host needs of the runtime."""

    host_turns: TurnLoop[HostActor]

    def do(self, action: Callable[[], None]) -> None:
        """Run an action in the runtime's thread."""

    def undelivered(self, name: str, message: Message, why: str) -> None:
        """Count a message that nobody has taken."""


class HostActor:
    """An actor of the host, and its address: safe to use from any thread.

    Messages are taken one at a time, those of one sender in their order. While it is down, and
    after its end, they fail with `ActorGone`; `MailboxFull` if too many wait.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Behaviour],
        house: HostHouse,
    ) -> None:
        self.name: str = name
        self._make = make
        self._house = house
        self._behaviour: Behaviour | None = None
        self._over: trio.Event = trio.Event()
        self._fault: Exception | None = None

    def __repr__(self) -> str:
        return f"<HostActor {self.name!r} {'down' if self._behaviour is None else 'up'}>"

    def tell(self, message: object) -> None:
        """Send a message without waiting for an answer."""
        self._send(message, None)

    def ask(self, message: object) -> Reply[Any]:
        """Send a message; the reply is what the actor returns, or fails with what it raises."""
        reply: Reply[Any] = Reply()
        self._send(message, reply)
        return reply

    def _send(self, message: object, reply: Reply[Any] | None) -> None:
        self._house.do(lambda: self._post(Letter(message), reply))

    def _post(self, letter: Letter, reply: Reply[Any] | None) -> None:
        turns = self._house.host_turns
        if not turns.post(self, letter, reply):
            self._refuse(letter, reply, "mailbox full", MailboxFull(self.name, turns.capacity))

    def _refuse(
        self, message: Message, reply: Reply[Any] | None, why: str, error: Exception
    ) -> None:
        self._house.undelivered(self.name, message, why)
        if reply is not None:
            reply.fail(error)

    # The turn loop's side

    def receive(self, message: Message, reply: Reply[Any] | None) -> None:
        """Take one turn."""
        assert isinstance(message, Letter)
        if self._behaviour is None:
            self._refuse(message, reply, "actor is down", ActorGone(self.name, "it is down"))
            return
        answer = self._behaviour.receive(message.content)
        if reply is not None:
            reply.answer(answer)

    def crash(self, error: Exception) -> None:
        """A turn raised: this life is over."""
        self._fault = error
        self._behaviour = None
        self._over.set()

    # The supervisor's side

    @property
    def kind(self) -> Literal["actor"]:
        """What it is, for the tree."""
        return "actor"

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Live once."""
        self._over, self._fault = trio.Event(), None
        self._behaviour = self._make()
        task_status.started()
        try:
            await self._over.wait()
        finally:
            self._behaviour = None
        if self._fault is not None:
            raise self._fault

    def shut_down(self) -> None:
        """Come to an end after the turns that are under way."""
        self._over.set()

    def tree(self) -> TreeNode:
        """How it is now."""
        return TreeNode(self.name, self.kind, "idle" if self._behaviour is None else "running")
