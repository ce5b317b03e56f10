"""What a store keeps for the engine, and what it promises. Bytes in, bytes out.

Of each execution a store keeps one head, a journal of records numbered from 1 without gaps, and at
most one snapshot: the latest. Beside them it keeps the mail that other processes post.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import attrs

from ..execution import END_STATES


@attrs.frozen
class ExecutionHead:
    """One execution in a row: what can be listed and searched without reading its journal.

    `seq` numbers its last record, 0 if it has none; `incarnation` counts its lives and never falls.
    `created`, `updated`, `due` (of its next timer) and `expires` are seconds since 1970; without
    `expires` it is kept for ever. `parent` is the id and the step it was called by; `size` is in
    bytes, of its memory.
    """

    id: str
    definition: str
    version: int
    hash: str
    state: str
    incarnation: int
    seq: int
    created: float
    updated: float
    due: float | None = None
    expires: float | None = None
    parent: tuple[str, int] | None = None
    size: int = 0

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


@attrs.frozen
class Append:
    """One turn to be stored: the head as it is after it, its records, perhaps a snapshot of it.

    The records are the last ones that `head.seq` counts; there may be none.
    """

    head: ExecutionHead
    records: tuple[bytes, ...] = ()
    snapshot: bytes | None = None

    @property
    def id(self) -> str:
        """Whose turn it was."""
        return self.head.id

    @property
    def first_seq(self) -> int:
        """The number of the first record."""
        return self.head.seq - len(self.records) + 1

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
class HeadFilter:
    """Which heads to list: those that fit everything that is not None. No `states`: all of them."""

    definition: str | None = None
    states: frozenset[str] | None = None
    parent: str | None = None

    def fits(self, head: ExecutionHead) -> bool:
        """Whether a head is wanted."""
        return (
            self.definition in (None, head.definition)
            and (self.states is None or head.state in self.states)
            and (self.parent is None or (head.parent is not None and head.parent[0] == self.parent))
        )


EVERYTHING = HeadFilter()


class Store(Protocol):
    """Keeps executions. Every method blocks, may be called from any thread, and may fail.

    Each raises `StoreError`: `StoreClosed` after `close`, others when the storage does not work.
    What one raises, it has not done; unless the store itself broke down in the middle, when only
    looking tells (`GroupWriter` does).
    """

    def commit(self, batch: Sequence[Append]) -> None:
        """Store the turns of many executions, in order, in one transaction: all or none. Durable.

        Raises `StaleWriter` for the first turn that does not continue what is stored: its
        `first_seq` is not the next number, or its incarnation is lower than the stored one. So of
        two hosts that claim an execution by a record of the next incarnation, one succeeds. Whoever
        wants the other turns of a batch nevertheless commits them one by one. An execution
        that is not stored begins at 1, or anywhere if its first turn has a snapshot.
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

    def take_mail(self, after: int = 0, *, limit: int = 1000) -> tuple[Mail, ...]:
        """The mail numbered above `after`, in order; what is numbered up to it is dropped.

        So take 0 first, and then the last number whose mail has been dealt with: mail that was
        taken but not dealt with when the host died is taken again.
        """
        raise NotImplementedError

    def delete(self, executions: Sequence[str]) -> int:
        """Forget executions with all that is stored for them; returns how many there were."""
        raise NotImplementedError

    def expired(self, now: float, *, limit: int = 1000) -> tuple[str, ...]:
        """Those whose `expires` is not after `now`, the earliest first."""
        raise NotImplementedError

    def compact(self, execution: str, seq: int) -> int:
        """Drop the records up to `seq`, but none after the snapshot; returns how many."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the storage; may be called again."""
        raise NotImplementedError
