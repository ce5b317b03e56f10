"""A store in memory, for tests and for what need not outlive the process."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import attrs
import msgspec

from ._contract import (
    EVERYTHING,
    USERS_TOLD,
    Append,
    DamagedHead,
    ExecutionHead,
    HeadFilter,
    InUse,
    KeptDefinition,
    Mail,
    Record,
    Snapshot,
    Stored,
    StoreSizes,
)
from ._errors import DefinitionConflict, DefinitionInUse, StoreClosed, StoreInUse
from ._fence import Fence, check_continues, fence_after


@attrs.define
class _Entry:
    """All of one execution."""

    head: ExecutionHead
    snapshot: Snapshot | None = None
    records: list[Record] = attrs.Factory(list[Record])

    def take(self, append: Append) -> None:
        """Store a turn that is known to continue this."""
        self.head = append.whole_head
        self.records += append.numbered()
        if append.snapshot is not None:
            self.snapshot = Snapshot(append.seq, append.snapshot)

    def enter_next_life(self) -> None:
        """Make the turns of an earlier host stale, unless this has ended."""
        if not self.head.is_finished:
            self.head = msgspec.structs.replace(self.head, incarnation=self.head.incarnation + 1)

    @property
    def bytes(self) -> int:
        """The size of all its bodies."""
        snapshot = 0 if self.snapshot is None else len(self.snapshot.body)
        return snapshot + sum(len(record.body) for record in self.records)


class MemoryStore:
    """Keeps everything in this process, under one lock.

    `clock` tells when an answer was left, in seconds since 1970.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._mail: dict[int, Mail] = {}
        self._answers: dict[int, tuple[float, bytes]] = {}
        self._definitions: dict[str, dict[int, KeptDefinition]] = {}
        self._posted = 0
        self._is_host = False
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<MemoryStore executions={len(self._entries)} mail={len(self._mail)}>"

    @property
    def is_instant(self) -> bool:
        """It never blocks."""
        return True

    def take_over(self) -> None:
        """Become the host, the only one there can be."""
        with self._lock:
            self._check_open()
            if self._is_host:
                raise StoreInUse("in memory", "another runtime is the host that runs it")
            self._is_host = True
            for entry in self._entries.values():
                entry.enter_next_life()

    def release(self) -> None:
        """Be the host no more."""
        self._is_host = False

    def commit(self, batch: Sequence[Append]) -> None:
        """Store turns of many executions: all or none. Raises `StaleWriter`."""
        with self._lock:
            self._check_open()
            self._check(batch)
            for append in batch:
                self._entries.setdefault(append.id, _Entry(append.head)).take(append)
                self._drop_mail(append.mail)

    def _check(self, batch: Sequence[Append]) -> None:
        """Raise `StaleWriter` unless every turn continues those before it."""
        places: dict[str, Fence] = {}
        for append in batch:
            entry = self._entries.get(append.id)
            stored = None if entry is None else fence_after(Append(entry.head))
            check_continues(append, places.get(append.id, stored))
            places[append.id] = fence_after(append)

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
            self._mail[self._posted] = Mail(self._posted, execution, body)
            return self._posted

    def mail(self, after: int = 0, *, limit: int = 1000) -> tuple[Mail, ...]:
        """The mail numbered above `after`, in order; it stays."""
        with self._lock:
            self._check_open()
            return tuple(mail for number, mail in self._mail.items() if number > after)[:limit]

    def answer(self, number: int, body: bytes) -> None:
        """Leave an answer for the sender of a message, and drop that message."""
        with self._lock:
            self._check_open()
            self._answers[number] = (self._clock(), body)
            self._drop_mail((number,))

    def take_answer(self, number: int) -> bytes | None:
        """The answer to a message, once."""
        with self._lock:
            self._check_open()
            _, body = self._answers.pop(number, (0.0, None))
            return body

    def forget_answers(self, before: float) -> int:
        """Drop the answers left before a time; returns how many."""
        with self._lock:
            self._check_open()
            old = [number for number, (at, _) in self._answers.items() if at < before]
            for number in old:
                del self._answers[number]
            return len(old)

    def put_definition(self, definition: KeptDefinition) -> None:
        """Keep a definition. Raises `DefinitionConflict` and `BadArgument`."""
        definition.check()
        with self._lock:
            self._check_open()
            versions = self._definitions.setdefault(definition.id, {})
            kept = versions.setdefault(definition.version, definition)
            if kept.hash != definition.hash:
                raise DefinitionConflict(kept.id, kept.version, kept.hash, definition.hash)

    def definition(self, id: str, version: int | None = None) -> KeptDefinition | None:
        """The definition of an id and a version (None: the highest); None if it is not kept."""
        with self._lock:
            self._check_open()
            versions = self._definitions.get(id, {})
            return versions.get(max(versions, default=0) if version is None else version)

    def definitions(
        self, *, limit: int = 100, after: tuple[str, int] | None = None
    ) -> tuple[KeptDefinition, ...]:
        """A page of all that are kept, by id and then by version."""
        with self._lock:
            self._check_open()
            kept = [each for versions in self._definitions.values() for each in versions.values()]
        beyond = (each for each in kept if after is None or each.place > after)
        return tuple(heapq.nsmallest(limit, beyond, key=lambda each: each.place))

    def delete_definition(self, id: str, version: int, *, in_use: InUse = "refuse") -> bool:
        """Keep a definition no more; whether it was kept. Raises `DefinitionInUse`."""
        with self._lock:
            self._check_open()
            versions = self._definitions.get(id, {})
            kept = versions.get(version)
            if kept is None:
                return False
            heads = (entry.head for entry in self._entries.values())
            users = sorted(head.id for head in heads if kept.is_run_by(head))
            if users and in_use == "refuse":
                raise DefinitionInUse(id, version, tuple(users[:USERS_TOLD]), len(users))
            del versions[version]
            return True

    def delete(self, executions: Sequence[str]) -> int:
        """Forget executions with all that is stored for them; returns how many there were."""
        gone = frozenset(executions)
        with self._lock:
            self._check_open()
            self._drop_mail([each.number for each in self._mail.values() if each.execution in gone])
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

    def sizes(self) -> StoreSizes:
        """How much is stored: all is counted, and `bytes` is the size of all bodies."""
        with self._lock:
            self._check_open()
            entries = self._entries.values()
            return StoreSizes(
                executions=len(entries),
                unfinished=sum(not entry.head.is_finished for entry in entries),
                records=sum(len(entry.records) for entry in entries),
                bytes=sum(entry.bytes for entry in entries),
            )

    def tidy(self) -> bool:
        """There is nothing to return."""
        return False

    def close(self) -> None:
        """Refuse everything from now on."""
        self._is_closed = True

    def _heads(self) -> list[ExecutionHead]:
        with self._lock:
            self._check_open()
            return [entry.head for entry in self._entries.values()]

    def _drop_mail(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._mail.pop(number, None)

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreClosed("in memory")


def _after(records: list[Record], seq: int) -> tuple[Record, ...]:
    return tuple(record for record in records if record.seq > seq)
