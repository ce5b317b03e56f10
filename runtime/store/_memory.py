"""A store in memory, for tests and for what need not outlive the process."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterator, Sequence

import attrs

from ._contract import (
    EVERYTHING,
    Append,
    DamagedHead,
    ExecutionHead,
    HeadFilter,
    Mail,
    Record,
    Snapshot,
    Stored,
)
from ._errors import StoreClosed
from ._fence import check_continues


@attrs.define
class _Entry:
    """All of one execution."""

    head: ExecutionHead
    snapshot: Snapshot | None = None
    records: list[Record] = attrs.Factory(list[Record])

    def take(self, append: Append) -> None:
        """Store a turn that is known to continue this."""
        self.head = append.head
        self.records += append.numbered()
        if append.snapshot is not None:
            self.snapshot = Snapshot(append.head.seq, append.snapshot)


class MemoryStore:
    """Keeps everything in this process, under one lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._mail: list[Mail] = []
        self._posted = 0
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<MemoryStore executions={len(self._entries)} mail={len(self._mail)}>"

    def commit(self, batch: Sequence[Append]) -> None:
        """Store turns of many executions: all or none. Raises `StaleWriter`."""
        with self._lock:
            self._check_open()
            self._check(batch)
            for append in batch:
                self._entries.setdefault(append.id, _Entry(append.head)).take(append)

    def _check(self, batch: Sequence[Append]) -> None:
        """Raise `StaleWriter` unless every turn continues those before it."""
        places: dict[str, tuple[int, int]] = {}
        for append in batch:
            entry = self._entries.get(append.id)
            stored = None if entry is None else (entry.head.incarnation, entry.head.seq)
            check_continues(append, places.get(append.id, stored))
            places[append.id] = (append.head.incarnation, append.head.seq)

    def load(self, execution: str) -> Stored | None:
        """What is stored of an execution; None if it is unknown."""
        with self._lock:
            self._check_open()
            entry = self._entries.get(execution)
            if entry is None:
                return None
            since = 0 if entry.snapshot is None else entry.snapshot.seq
            return Stored(entry.head, entry.snapshot, _after(entry.records, since))

    def journal(self, execution: str, after: int = 0) -> tuple[Record, ...]:
        """The records kept after the number `after`."""
        with self._lock:
            self._check_open()
            entry = self._entries.get(execution)
            return () if entry is None else _after(entry.records, after)

    def unfinished(self) -> Iterator[ExecutionHead | DamagedHead]:
        """The heads of all that have not ended."""
        return iter([head for head in self._heads() if not head.is_finished])

    def heads(
        self,
        wanted: HeadFilter = EVERYTHING,
        *,
        limit: int = 100,
        after: tuple[float, str] | None = None,
    ) -> tuple[ExecutionHead | DamagedHead, ...]:
        """A page of a list, the newest first."""
        beyond = (head for head in self._heads() if after is None or head.place < after)
        fitting = (head for head in beyond if wanted.fits(head))
        return tuple(heapq.nlargest(limit, fitting, key=lambda head: head.place))

    def post(self, execution: str, body: bytes) -> int:
        """Leave a message for whoever runs an execution; returns its number."""
        with self._lock:
            self._check_open()
            self._posted += 1
            self._mail.append(Mail(self._posted, execution, body))
            return self._posted

    def take_mail(self, after: int = 0, *, limit: int = 1000) -> tuple[Mail, ...]:
        """The mail numbered above `after`, in order; what is numbered up to it is dropped."""
        with self._lock:
            self._check_open()
            self._mail = [mail for mail in self._mail if mail.number > after]
            return tuple(self._mail[:limit])

    def delete(self, executions: Sequence[str]) -> int:
        """Forget executions with all that is stored for them; returns how many there were."""
        gone = frozenset(executions)
        with self._lock:
            self._check_open()
            self._mail = [mail for mail in self._mail if mail.execution not in gone]
            return sum(self._entries.pop(each, None) is not None for each in gone)

    def expired(self, now: float, *, limit: int = 1000) -> tuple[str, ...]:
        """Those whose `expires` is not after `now`, the earliest first."""
        due = [(head.expires, head.id) for head in self._heads() if head.expires is not None]
        return tuple(each for expires, each in sorted(due) if expires <= now)[:limit]

    def compact(self, execution: str, seq: int) -> int:
        """Drop the records up to `seq`, but none after the snapshot; returns how many."""
        with self._lock:
            self._check_open()
            entry = self._entries.get(execution)
            if entry is None or entry.snapshot is None:
                return 0
            before = len(entry.records)
            entry.records = list(_after(entry.records, min(seq, entry.snapshot.seq)))
            return before - len(entry.records)

    def close(self) -> None:
        """Refuse everything from now on."""
        self._is_closed = True

    def _heads(self) -> list[ExecutionHead]:
        with self._lock:
            self._check_open()
            return [entry.head for entry in self._entries.values()]

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreClosed("in memory")


def _after(records: list[Record], seq: int) -> tuple[Record, ...]:
    return tuple(record for record in records if record.seq > seq)
