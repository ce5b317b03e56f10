"""What a store keeps for the engine, and what it promises. Bytes in, bytes out.

Of each execution a store keeps one head, a journal of records numbered from 1 without gaps, and at
most one snapshot: the latest. Beside them it keeps the mail that other processes post, and the
answers to it; and definitions that were published, as documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Protocol

import attrs
import msgspec
from msgspec import Meta
from msgspec.structs import replace

from .._errors import BadArgument
from ..execution import END_STATES

LARGEST = 2**63 - 1
"""The largest integer that a store has to keep."""

Count = Annotated[int, Meta(ge=0, le=LARGEST)]


class ExecutionHead(msgspec.Struct, frozen=True, gc=False):
    """One execution in a row: what can be listed and searched without reading its journal.

    `seq` numbers its last record, 0 if it has none; `incarnation` counts its lives and never falls.
    `created`, `updated` (when anything here but `seq` changed), `due` (of its next timer) and
    `expires` are seconds since 1970; without `expires` it is kept for ever. `parent` is the id and
    the step it was called by; `size` is in bytes, of its memory.
    """

    id: str
    definition: str
    version: Count
    hash: str
    state: str
    incarnation: Count
    seq: Count
    created: float
    updated: float
    due: float | None = None
    expires: float | None = None
    parent: tuple[str, Count] | None = None
    size: Count = 0

    @property
    def is_finished(self) -> bool:
        """Whether it has ended for good: nothing is left to recover."""
        return self.state in END_STATES

    @property
    def place(self) -> tuple[float, str]:
        """Where it stands in a list: `after` of the next page, if it is the last of this one."""
        return (self.created, self.id)


@attrs.frozen
class DamagedHead:
    """In place of a head that cannot be read; `id` is as much of it as could be."""

    id: str
    created: float
    why: str

    @property
    def place(self) -> tuple[float, str]:
        """Where it stands in a list."""
        return (self.created, self.id)


@attrs.frozen
class Record:
    """One entry of a journal."""

    seq: int
    body: bytes


@attrs.frozen
class Snapshot:
    """The state after the record `seq`."""

    seq: int
    body: bytes


@attrs.frozen
class Stored:
    """All that is needed to bring an execution back: `records` are those after the snapshot."""

    head: ExecutionHead
    snapshot: Snapshot | None
    records: tuple[Record, ...]


class Append(msgspec.Struct, frozen=True, gc=False):
    """One turn to be stored: the head as it is after it, its records, perhaps a snapshot of it.

    The records are the last ones that `seq` counts; there may be none. `mail` are the numbers of
    what the turn has taken: it is dropped as the turn is stored, so each has its effect once. Where
    nothing of the head is new but its `seq`, that may be given as `plain`, with the head as it was
    last stored: that saves the store, and whoever makes it, half the work.
    """

    head: ExecutionHead
    records: tuple[bytes, ...] = ()
    snapshot: bytes | None = None
    mail: tuple[int, ...] = ()
    plain: int | None = None

    @property
    def id(self) -> str:
        """Whose turn it was."""
        return self.head.id

    @property
    def seq(self) -> int:
        """The number of the last record."""
        return self.head.seq if self.plain is None else self.plain

    @property
    def whole_head(self) -> ExecutionHead:
        """The head as it is after the turn."""
        return self.head if self.plain is None else replace(self.head, seq=self.plain)

    @property
    def first_seq(self) -> int:
        """The number of the first record."""
        return self.seq - len(self.records) + 1

    def numbered(self) -> list[Record]:
        """The records with their numbers."""
        return [Record(seq, body) for seq, body in enumerate(self.records, self.first_seq)]


@attrs.frozen
class Mail:
    """A message from another process; numbers grow, and none is given twice."""

    number: int
    execution: str
    body: bytes


@attrs.frozen
class KeptDefinition:
    """A definition as a document; `hash` is that of its content, `version` from 1 to `LARGEST`."""

    id: str
    version: Annotated[int, Meta(ge=1, le=LARGEST)]
    hash: str
    body: bytes

    def check(self) -> None:
        """Raise `BadArgument` if it cannot be kept."""
        if not 1 <= self.version <= LARGEST:
            expected = f"an integer from 1 to {LARGEST}"
            raise BadArgument("put_definition", "version", self.version, expected)

    @property
    def place(self) -> tuple[str, int]:
        """Where it stands in a list: `after` of the next page, if it is the last of this one."""
        return (self.id, self.version)

    def is_run_by(self, head: ExecutionHead) -> bool:
        """Whether an execution that has not ended goes by this very content."""
        run = (head.definition, head.version, head.hash)
        return not head.is_finished and run == (self.id, self.version, self.hash)


InUse = Literal["refuse", "delete"]
"""What becomes of the wish to delete a definition that unfinished executions run."""

USERS_TOLD = 5
"""How many of those executions are named."""


@attrs.frozen
class HeadFilter:
    """Which heads to list: those that fit everything that is not None. No `states`: all of them.

    `prefix` is how the id begins, to the letter.
    """

    definition: str | None = None
    states: frozenset[str] | None = None
    parent: str | None = None
    prefix: str = ""

    def fits(self, head: ExecutionHead) -> bool:
        """Whether a head is wanted."""
        return (
            head.id.startswith(self.prefix)
            and self.definition in (None, head.definition)
            and (self.states is None or head.state in self.states)
            and (self.parent is None or (head.parent is not None and head.parent[0] == self.parent))
        )


EVERYTHING = HeadFilter()


@attrs.frozen
class StoreSizes:
    """How much a store holds: what an operator looks at.

    `unfinished` of the `executions` have not ended. `bytes` is the size of the storage, or of all
    bodies where there is none. `records` may be an estimate: each store says so.
    """

    executions: int
    unfinished: int
    records: int
    bytes: int


class Store(Protocol):
    """Keeps executions. Every method blocks, may be called from any thread, and may fail.

    What is stored has integers up to `LARGEST`; what is asked for may have larger ones, which are
    those of nothing.

    One that `is_instant` never blocks, and so needs no thread: tests in virtual time use such.

    Each raises `StoreError`: `StoreClosed` after `close`, others when the storage does not work.
    What one raises, it has not done; unless the store itself broke down in the middle, when only
    looking tells (`GroupWriter` does).
    """

    @property
    def is_instant(self) -> bool:
        """Whether no method ever blocks."""
        raise NotImplementedError

    def take_over(self) -> None:
        """Become the one host that runs what is stored, until `close` or the death of the process.

        All that has not ended enters its next incarnation, so that turns of an earlier host are
        stale. Raises `StoreInUse` if there is a host already, in another process or in this one.
        Whoever is not the host can do everything else.
        """
        raise NotImplementedError

    def release(self) -> None:
        """Be the host no more: another may take over. Nothing if this is not the host."""
        raise NotImplementedError

    def commit(self, batch: Sequence[Append]) -> None:
        """Store the turns of many executions, in order, in one transaction: all or none. Durable.

        Raises `StaleWriter` for the first turn that does not continue what is stored: its
        `first_seq` is not the next number, or its incarnation is lower than the stored one, or the
        execution has ended in that. So of two hosts that claim an execution by a record of the next
        incarnation, one succeeds. Whoever wants the other turns of a batch nevertheless commits
        them one by one. An execution that is not stored begins at 1, or anywhere if its first turn
        has a snapshot.
        """
        raise NotImplementedError

    def load(self, execution: str) -> Stored | None:
        """What is stored of an execution; None if it is unknown.

        Raises `CorruptExecution` if a part is missing or unreadable: others are not affected.
        """
        raise NotImplementedError

    def journal(self, execution: str, after: int = 0) -> tuple[Record, ...]:
        """The records kept after the number `after`; none if it is unknown.

        Those that `compact` has dropped are missing at the front. Raises `CorruptExecution`.
        """
        raise NotImplementedError

    def unfinished(self) -> Iterator[ExecutionHead | DamagedHead]:
        """The heads of all that have not ended, one by one, in no order.

        What is committed meanwhile may be seen or not.
        """
        raise NotImplementedError

    def heads(
        self,
        wanted: HeadFilter = EVERYTHING,
        *,
        limit: int = 100,
        after: tuple[float, str] | None = None,
    ) -> tuple[ExecutionHead | DamagedHead, ...]:
        """A page of a list, the newest (by `created`, then by id) first: those beyond `after`.

        The next page is that after the `place` of the last one here; an empty page is the end.
        """
        raise NotImplementedError

    def post(self, execution: str, body: bytes) -> int:
        """Leave a message for whoever runs an execution, be it known or not; returns its number."""
        raise NotImplementedError

    def mail(self, after: int = 0, *, limit: int = 1000) -> tuple[Mail, ...]:
        """The mail numbered above `after`, in order; it stays.

        A turn that takes a message drops it (`Append.mail`), as does an answer: mail that was read
        but not dealt with when the host died is there again for the next one.
        """
        raise NotImplementedError

    def answer(self, number: int, body: bytes) -> None:
        """Leave an answer for the sender of a message, and drop that message if it is still there.

        A second answer to the same number replaces the first.
        """
        raise NotImplementedError

    def take_answer(self, number: int) -> bytes | None:
        """The answer to a message, once: it is dropped. None if there is none (yet)."""
        raise NotImplementedError

    def forget_answers(self, before: float) -> int:
        """Drop the answers left before a time, whose senders never came; returns how many."""
        raise NotImplementedError

    def put_definition(self, definition: KeptDefinition) -> None:
        """Keep a definition for good. Durable. Nothing if that content is kept for its version.

        Raises `DefinitionConflict` if other content is, which stays, and `BadArgument` if its
        version is out of range.
        """
        raise NotImplementedError

    def definition(self, id: str, version: int | None = None) -> KeptDefinition | None:
        """The definition of an id and a version (None: the highest); None if it is not kept."""
        raise NotImplementedError

    def definitions(
        self, *, limit: int = 100, after: tuple[str, int] | None = None
    ) -> tuple[KeptDefinition, ...]:
        """A page of all that are kept, by id and then by version: those beyond `after`.

        The next page is that after the `place` of the last one here; an empty page is the end.
        """
        raise NotImplementedError

    def delete_definition(self, id: str, version: int, *, in_use: InUse = "refuse") -> bool:
        """Keep a definition no more; whether it was kept. Durable.

        Raises `DefinitionInUse` if executions that have not ended run it (`is_run_by`), naming the
        first `USERS_TOLD` of them by id; with `in_use` "delete" it goes all the same. Those that
        begin meanwhile may be missed where that is looked at in no transaction.
        """
        raise NotImplementedError

    def delete(self, executions: Sequence[str]) -> int:
        """Forget executions with all that is stored for them; returns how many there were.

        Each goes as a whole; commits may come between one and the next.
        """
        raise NotImplementedError

    def expired(self, now: float, *, limit: int = 1000) -> tuple[str, ...]:
        """Those whose `expires` is not after `now`, the earliest first."""
        raise NotImplementedError

    def compact(self, execution: str, seq: int) -> int:
        """Drop the records up to `seq`, but none after the snapshot; returns how many."""
        raise NotImplementedError

    def sizes(self) -> StoreSizes:
        """How much is stored."""
        raise NotImplementedError

    def tidy(self) -> bool:
        """Return a little of the unused storage to the system; whether there is more to return."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the storage, and of what `take_over` took; may be called again."""
        raise NotImplementedError
