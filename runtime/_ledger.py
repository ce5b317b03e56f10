"""What stands between the turns of one execution and the store: when its records go, what waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from ..actors import ActorGone, Message, Reply
from .execution import (
    AttemptOutcome,
    ChildEnded,
    Completed,
    Effects,
    Execution,
    Following,
    Interrupted,
    Record,
    Telling,
    Token,
    TooLate,
    failed,
    whole,
)
from .store import Append, Codec, ExecutionHead, UnstorableValue, WhenDurable, compress

SNAPSHOT_BYTES = 256 * 1024
"""Bytes of records after which a snapshot is worth it; also twice those of the last snapshot."""


NOTHING: list[Telling] = []


class Posted(Reply[Any]):
    """The reply to mail number `mail` in the store, which the turn that takes it drops.

    It `is_early` if it may be given before that turn is on disk.
    """

    __slots__ = ("is_early", "mail")

    def __init__(self, mail: int) -> None:
        super().__init__()
        self.mail: int = mail
        self.is_early: bool = False


class Books(Protocol):
    """What a ledger needs of the journal of its runtime."""

    codec: Codec

    def head(self, execution: Execution, seq: int, now: float) -> ExecutionHead:
        """An execution in a row, as it is now."""
        ...

    @property
    def append(self) -> Callable[[Append, WhenDurable], None]:
        """Has a turn stored, and tells when it is."""
        ...

    def flush(self, id: str) -> None:
        """Have everything handed over that an execution holds back."""

    def outgrown(self, id: str, seq: int) -> None:
        """A snapshot was stored: records far behind it may go."""

    @property
    def lost(self) -> Callable[[Execution, Exception], None]:
        """Told of an execution that cannot be stored here any more, and why."""
        ...


class Ledger:
    """What both modes share. `seq` numbers the latest record that was handed over.

    `is_closed` when this life of the execution is over: nothing that waits is done any more.
    """

    __slots__ = ("_body", "_books", "_execution", "_growth", "_limit", "is_closed", "seq")

    def __init__(self, execution: Execution, books: Books, seq: int = 0) -> None:
        self._execution = execution
        self._books = books
        self._body: bytes | None = None
        self._growth = 0
        self._limit = SNAPSHOT_BYTES
        self.seq: int = seq
        self.is_closed: bool = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._execution.id!r} seq={self.seq}>"

    def take(self, message: Message, now: float, reply: Reply[Any] | None) -> Message | None:
        """Write a message down before its turn; None if it cannot be stored, and was refused.

        An outcome that cannot be stored is replaced by the failure of its attempt.
        """
        self._body = None
        if not message.recorded:
            return message
        try:
            self._body = self._encoded(now, message)
        except UnstorableValue as error:
            replaced = _unstorable(self._execution, message, error, now)
            if replaced is not None:
                self._body = self._encoded(now, replaced)
            elif reply is not None:
                reply.fail(error)
            return replaced
        return message

    def close(self) -> None:
        """Its life is over."""
        self.is_closed = True

    def written(self, message: Completed, now: float) -> bool:
        """Write an outcome down before a turn that needs no other; false if it cannot be stored."""
        try:
            self._body = self._books.codec.write_record(now, message)
        except UnstorableValue:
            return False
        return True

    def _encoded(self, at: float, message: Message) -> bytes:
        return self._books.codec.write_record(at, message)

    def _hand_over(
        self,
        bodies: tuple[bytes, ...],
        now: float,
        mail: tuple[int, ...],
        when_durable: WhenDurable,
    ) -> ExecutionHead:
        """Have records stored that the state is after, with a snapshot of it now and then."""
        execution, books = self._execution, self._books
        if execution.parent is not None:
            books.flush(execution.parent[0])  # a child is not stored before the turn that called it
        self.seq += len(bodies)
        self._growth += sum(map(len, bodies))
        snapshot = self._snapshot() if self._growth >= self._limit else None
        head = books.head(execution, self.seq, now)
        books.append(Append(head, bodies, snapshot, mail), when_durable)
        if snapshot is not None:
            books.outgrown(execution.id, self.seq)
        return head

    def _snapshot(self) -> bytes:
        snapshot = compress(self._books.codec.encode_state(self._execution.state))
        self._growth, self._limit = 0, max(SNAPSHOT_BYTES, 2 * len(snapshot))
        return snapshot

    def _lose(self, error: Exception) -> None:
        if not self.is_closed:
            self.close()
            self._books.lost(self._execution, error)


class _Entry(msgspec.Struct, gc=False):
    """A turn on its way to the disk: what waits for it, and what watchers are told then."""

    effects: Effects
    told: list[Telling]
    stored: list[Reply[None]] = []


class StepLedger(Ledger):
    """Mode `step`: nothing follows from a turn before its record is on disk.

    The state goes on meanwhile: further turns may be taken, and what they ask for waits in line.
    `_running` is the latest head while the short path is taken, on which nothing of it changes.
    """

    __slots__ = ("_pending", "_running")

    waits = True

    def __init__(self, execution: Execution, books: Books, seq: int = 0) -> None:
        super().__init__(execution, books, seq)
        self._pending: deque[_Entry | Following] = deque()
        self._running: ExecutionHead | None = None

    @property
    def is_settled(self) -> bool:
        """Whether all that was written is on disk, and what waited for it done."""
        return not self._pending

    @property
    def has_begun(self) -> bool:
        """Whether its first turn is on disk: each that waits is one record."""
        return self.seq > len(self._pending)

    def add(
        self, message: Message, now: float, effects: Effects, reply: Reply[Any] | None = None
    ) -> None:
        """A turn was taken: have its record stored, and then done what it asks for."""
        body, self._body = self._body, None
        if body is None:
            self.then(effects)
            return
        execution = self._execution
        told = execution.noted(Record(now, message)) if execution.watchers else NOTHING
        self._pending.append(_Entry(effects, told))
        head = self._hand_over((body,), now, _mail_of(reply), self._durable)
        self._running = head if head.state == "running" and not execution.state.sizes else None

    def close(self) -> None:
        """Its life is over: what waits is not done, and who waits for that is told."""
        self.is_closed = True
        for entry in self._pending:
            for effect in entry.effects if isinstance(entry, _Entry) else ():
                if isinstance(effect, TooLate):
                    effect.reply.fail(ActorGone(self._execution.id, "this life of it is over"))

    def then(self, effects: Effects) -> None:
        """Have something done after all that waits now."""
        if self._pending:
            self._latest().effects.extend(effects)
        else:
            self._execution.perform(effects)

    def stored(self) -> Reply[None]:
        """Answered when all that was written so far is on disk; fails if it could not be."""
        reply: Reply[None] = Reply()
        if self._pending:
            self._latest().stored.append(reply)
        else:
            reply.answer(None)
        return reply

    def _latest(self) -> _Entry:
        """The latest turn on its way, with room for what waits for it too."""
        entry = self._pending[-1]
        if not isinstance(entry, _Entry):
            entry = self._pending[-1] = _Entry(self._execution.effects_of(entry), NOTHING)
        return entry

    def trims(self, count: int) -> None:
        """Entries at the front of the execution's history are dropped: nothing here needs them."""

    def flush(self) -> None:
        """Nothing is held back here."""

    def step(self, now: float, following: Following) -> None:
        """A turn was taken by the short path: have its record stored, and then go on as it says."""
        body, running = self._body, self._running
        assert body is not None
        self._body = None
        self._pending.append(following)
        self.seq = seq = self.seq + 1
        self._growth = growth = self._growth + len(body)
        if running is not None and not isinstance(following, str) and growth < self._limit:
            # What follows has to be made: it runs, as before.
            self._books.append(Append(running, (body,), None, (), seq), self._durable)
        else:
            self._step_whole(now, body, following)

    def _step_whole(self, now: float, body: bytes, following: Following) -> None:
        """Have a turn stored by which the head changes, or after which a snapshot is due."""
        execution = self._execution
        snapshot = self._snapshot() if self._growth >= self._limit else None
        head = self._books.head(execution, self.seq, now)
        self._running = None if isinstance(following, str) else head
        self._books.append(Append(head, (body,), snapshot), self._durable)
        if snapshot is not None:
            self._books.outgrown(execution.id, self.seq)

    def _durable(self, error: Exception | None) -> None:
        entry = self._pending.popleft()
        execution = self._execution
        if (
            type(entry) is Token
            and error is None
            and not (self.is_closed or execution.is_suspended)
        ):
            try:
                execution.start(entry)
            except Exception as fault:  # noqa: BLE001 - a supervision boundary
                execution.crash(fault)
            return
        if not isinstance(entry, _Entry):
            self._step_durable(entry, error)
            return
        for reply in entry.stored:
            _settle(reply, error)
        if self.is_closed:
            return
        if error is not None:
            self._lose(error)
            return
        for tell in entry.told:
            tell()
        execution.house.turns.run(execution, execution.perform, entry.effects)

    def _step_durable(self, following: Following, error: Exception | None) -> None:
        if self.is_closed:
            return
        execution = self._execution
        if error is not None:
            self._lose(error)
        else:
            execution.house.turns.run(execution, execution.follow_up, following)


class LazyLedger(Ledger):
    """Mode `lazy`: turns go on at once; records gather in the history and are stored by and by.

    `_handed` counts the entries of the history that were handed over.
    """

    __slots__ = ("_handed",)

    waits = False
    is_settled = True
    has_begun = True

    def __init__(self, execution: Execution, books: Books, seq: int = 0) -> None:
        super().__init__(execution, books, seq)
        self._handed = len(execution.notes)

    def add(
        self, message: Message, now: float, effects: Effects, reply: Reply[Any] | None = None
    ) -> None:
        """A turn was taken: do what it asks for. Mail is taken for good with its record."""
        if type(reply) is Posted:
            reply.is_early = True
            self._hand_over_all((reply.mail,))
        self._execution.perform(effects)

    def step(self, now: float, following: Following) -> None:
        """A turn was taken by the short path: go on as it says."""
        self._execution.follow_up(following)

    def then(self, effects: Effects) -> None:
        """Do something now."""
        self._execution.perform(effects)

    def stored(self) -> Reply[None]:
        """Answered at once: nobody waits for the disk."""
        reply: Reply[None] = Reply()
        reply.answer(None)
        return reply

    def trims(self, count: int) -> None:
        """So many entries at the front of the execution's history are about to be dropped."""
        if self._handed < count:
            self.flush()
        self._handed -= count

    def flush(self) -> None:
        """Hand over what has gathered."""
        if self._handed < len(self._execution.notes) and not self.is_closed:
            self._hand_over_all()

    def _hand_over_all(self, mail: tuple[int, ...] = ()) -> None:
        execution = self._execution
        execution.touch()  # in the middle of a walk the state is behind
        fresh = whole(execution.notes, self._handed)[self._handed :]
        self._handed = len(execution.notes)
        try:
            bodies = tuple(map(self._encoded, fresh[::2], fresh[1::2]))
            self._hand_over(bodies, execution.clock(), mail, self._told)
        except UnstorableValue as error:  # it was changed in place since it was looked at
            self._lose(error)

    def _told(self, error: Exception | None) -> None:
        if error is not None:
            self._lose(error)


def _mail_of(reply: Reply[Any] | None) -> tuple[int, ...]:
    return (reply.mail,) if type(reply) is Posted else ()


def _unstorable(
    execution: Execution, message: Message, error: UnstorableValue, now: float
) -> Message | None:
    """What is recorded in place of an outcome that cannot be stored; None for other messages."""
    if isinstance(message, ChildEnded):
        return msgspec.structs.replace(message, state="failed", memory={}, reason=str(error))
    if not isinstance(message, AttemptOutcome):
        return None
    token = execution.state.tokens.get(message.step)
    if token is None or token.attempt != message.attempt:
        return Interrupted(message.step, message.attempt)  # nobody waits for it any more
    return failed(token, error, now, 0.0)


def _settle(reply: Reply[None], error: Exception | None) -> None:
    if error is None:
        reply.answer(None)
    else:
        reply.fail(error)
