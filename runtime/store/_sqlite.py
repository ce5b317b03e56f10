"""A store in one SQLite file, which several processes may open.

One writes at a time; readers see what was committed and never wait for it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import apsw

from ._commit import Committer
from ._connection import Connection
from ._contract import (
    EVERYTHING,
    LARGEST,
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
from ._database import Database, Synchronous
from ._errors import CorruptExecution, DefinitionConflict, DefinitionInUse
from ._lock import OwnerLock
from ._rows import LATEST, fetch, page_of, read_head, read_heads

_PAGE_HEADS = 500  # read at a time by `unfinished`
_DELETED_ROWS = 5000  # in a transaction, or those of one execution: 15 to 30 ms
_VACUUM_PAGES = 2000  # 8 MB: what one call gives back, so that a commit does not wait long for it

_LENGTH = f"SELECT {LATEST} FROM execution WHERE id = ?"

_DEFINITION = (
    "SELECT id, version, hash, body FROM definition WHERE id = ?1 AND version = coalesce(?2,"
    " (SELECT max(version) FROM definition WHERE id = ?1))"
)

_DEFINITIONS = (
    "SELECT id, version, hash, body FROM definition WHERE ?1 IS NULL OR (id, version) > (?1, ?2)"
    " ORDER BY id, version LIMIT ?3"
)

_USERS = (
    "SELECT CAST(id AS BLOB) FROM execution WHERE NOT is_finished"
    " AND (definition, version, hash) = (?, ?, ?) ORDER BY id"
)

_COUNTS = (
    "SELECT (SELECT count(*) FROM execution),"
    " (SELECT count(*) FROM execution WHERE NOT is_finished),"
    " coalesce((SELECT max(key) FROM record) - (SELECT min(key) FROM record) + 1, 0)"
)


class SqliteStore:
    """Keeps everything in the file at `path`, which is made if need be.

    `synchronous` FULL: what is committed survives a power cut; NORMAL: only the death of the
    process. `patience` is how many seconds to wait while another process holds the file. `clock`
    tells when an answer was left, in seconds since 1970. Raises `StoreNotOpened`, `NotAStore`,
    `StoreTooNew`, `StoreLocked`, `StoreReadOnly`, `StoreCorrupt`.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        synchronous: Synchronous = "FULL",
        patience: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = Database(Path(path), synchronous, patience)
        self._owner = OwnerLock(self._database.name)
        self._taking_over = threading.Lock()
        self._committer = Committer()
        self._changing = threading.Lock()
        self._clock = clock

    def __repr__(self) -> str:
        return f"<SqliteStore {self._database.name}>"

    @property
    def path(self) -> Path:
        """Where its file is."""
        return Path(self._database.name)

    @property
    def is_instant(self) -> bool:
        """It waits for the disk."""
        return False

    def take_over(self) -> None:
        """Become the one host, by a lock on a file beside this one: its name and `-owner`."""
        with self._taking_over:
            self._owner.acquire()
            try:
                self._enter_next_lives()
            except BaseException:
                self._owner.release()
                raise

    def release(self) -> None:
        """Be the host no more."""
        self._owner.release()

    def _enter_next_lives(self) -> None:
        with self._changing_heads() as connection:
            self._committer.forget()
            connection.execute(
                "UPDATE execution SET incarnation = incarnation + 1 WHERE NOT is_finished"
            )

    def commit(self, batch: Sequence[Append]) -> None:
        """Store turns of many executions: all or none. Raises `StaleWriter`."""
        with self._remembering():
            with self._database.writing_alone() as connection:
                is_done = self._committer.write_plain(connection, batch)
            if not is_done:
                with self._database.writing() as connection:
                    self._committer.write(connection, batch)

    @contextlib.contextmanager
    def _changing_heads(self) -> Generator[Connection]:
        """A transaction that writes, after which nothing is remembered that is not so."""
        with self._remembering(), self._database.writing() as connection:
            yield connection

    @contextlib.contextmanager
    def _remembering(self) -> Generator[None]:
        """Where executions stand is remembered, but not what was undone."""
        with self._changing:
            try:
                yield
            except BaseException:
                self._committer.forget()
                raise

    def load(self, execution: str) -> Stored | None:
        """What is stored of an execution; None if it is unknown. Raises `CorruptExecution`."""
        with self._database.reading() as connection:
            key = _key(connection, execution)
            if key is None:
                return None
            try:
                return _load(connection, key)
            except (UnicodeDecodeError, apsw.CorruptError) as error:
                raise CorruptExecution(execution, None, str(error)) from error

    def journal(self, execution: str, after: int = 0) -> tuple[Record, ...]:
        """The records kept after the number `after`. Raises `CorruptExecution`."""
        with self._database.reading() as connection:
            key = _key(connection, execution)
            if key is None:
                return ()
            try:
                records = _records(connection, key, after)
            except apsw.CorruptError as error:
                raise CorruptExecution(execution, None, str(error)) from error
        _check_gapless(execution, records)
        return records

    def unfinished(self) -> Iterator[ExecutionHead | DamagedHead]:
        """The heads of all that have not ended, one by one."""
        where, last = "NOT is_finished AND key > ? ORDER BY key LIMIT ?", 0
        while True:
            with self._database.reading() as connection:
                page = read_heads(connection, where, (last, _PAGE_HEADS))
            if not page:
                return
            yield from (head for _, head in page)
            last = page[-1][0]

    def heads(
        self,
        wanted: HeadFilter = EVERYTHING,
        *,
        limit: int = 100,
        after: tuple[float, str] | None = None,
    ) -> tuple[ExecutionHead | DamagedHead, ...]:
        """A page of a list, the newest first."""
        with self._database.reading() as connection:
            found = read_heads(connection, *page_of(wanted, limit, after))
        return tuple(head for _, head in found)

    def post(self, execution: str, body: bytes) -> int:
        """Leave a message for whoever runs an execution; returns its number."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO mail (execution, body) VALUES (?, ?)", (execution, body)
            )
            return connection.last_insert_rowid()

    def mail(self, after: int = 0, *, limit: int = 1000) -> tuple[Mail, ...]:
        """The mail numbered above `after`, in order; it stays."""
        with self._database.reading() as connection:
            rows = fetch(
                connection,
                "SELECT number, execution, body FROM mail WHERE number > ? ORDER BY number LIMIT ?",
                (after, min(limit, LARGEST)),
            )
        return tuple(Mail(*row) for row in rows)

    def answer(self, number: int, body: bytes) -> None:
        """Leave an answer for the sender of a message, and drop that message."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO answer (number, at, body) VALUES (?, ?, ?)",
                (number, self._clock(), body),
            )
            connection.execute("DELETE FROM mail WHERE number = ?", (number,))

    def take_answer(self, number: int) -> bytes | None:
        """The answer to a message, once."""
        statement = "SELECT body FROM answer WHERE number = ?"
        with self._database.reading() as connection:
            if not fetch(connection, statement, (number,)):
                return None  # a sender asks again and again: only an answer is worth a write
        with self._database.writing() as connection:
            bodies = fetch(
                connection, "DELETE FROM answer WHERE number = ? RETURNING body", (number,)
            )
        return bodies[0][0] if bodies else None

    def forget_answers(self, before: float) -> int:
        """Drop the answers left before a time; returns how many."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM answer WHERE at < ?", (before,))
            return connection.changes()

    def put_definition(self, definition: KeptDefinition) -> None:
        """Keep a definition. Raises `DefinitionConflict` and `BadArgument`."""
        definition.check()
        id, version, hash = definition.id, definition.version, definition.hash
        with self._database.writing() as connection:
            kept = fetch(connection, _DEFINITION, (id, version))
            if kept and kept[0][2] != hash:
                raise DefinitionConflict(id, version, kept[0][2], hash)
            if not kept:
                connection.execute(
                    "INSERT INTO definition (id, version, hash, body) VALUES (?, ?, ?, ?)",
                    (id, version, hash, definition.body),
                )

    def definition(self, id: str, version: int | None = None) -> KeptDefinition | None:
        """The definition of an id and a version (None: the highest); None if it is not kept."""
        with self._database.reading() as connection:
            kept = fetch(connection, _DEFINITION, (id, version))
        return KeptDefinition(*kept[0]) if kept else None

    def definitions(
        self, *, limit: int = 100, after: tuple[str, int] | None = None
    ) -> tuple[KeptDefinition, ...]:
        """A page of all that are kept, by id and then by version."""
        with self._database.reading() as connection:
            rows = fetch(connection, _DEFINITIONS, (*(after or (None, None)), min(limit, LARGEST)))
        return tuple(KeptDefinition(*row) for row in rows)

    def delete_definition(self, id: str, version: int, *, in_use: InUse = "refuse") -> bool:
        """Keep a definition no more; whether it was kept. Raises `DefinitionInUse`."""
        with self._database.writing() as connection:
            kept = fetch(connection, _DEFINITION, (id, version))
            if kept and in_use == "refuse":
                users = fetch(connection, _USERS, kept[0][:3])
                if users:
                    named = tuple(each.decode(errors="replace") for (each,) in users[:USERS_TOLD])
                    raise DefinitionInUse(id, version, named, len(users))
            fetch(connection, "DELETE FROM definition WHERE (id, version) = (?, ?)", (id, version))
            return bool(kept)

    def delete(self, executions: Sequence[str]) -> int:
        """Forget executions with all that is stored for them; returns how many there were."""
        count = 0
        for several in self._portions(executions):
            with self._changing_heads() as connection:
                self._committer.forget()
                count += sum(_forget(connection, execution) for execution in several)
        self._database.vacuum(_VACUUM_PAGES)
        return count

    def _portions(self, executions: Sequence[str]) -> Iterator[list[str]]:
        """Executions with so many records together that a commit need not wait long for them."""
        portion, rows = list[str](), 0
        for execution in executions:
            with self._database.reading() as connection:
                found = fetch(connection, _LENGTH, (execution,))
            rows += found[0][0] if found else 0
            portion.append(execution)
            if rows >= _DELETED_ROWS:
                yield portion
                portion, rows = [], 0
        if portion:
            yield portion

    def expired(self, now: float, *, limit: int = 1000) -> tuple[str, ...]:
        """Those whose `expires` is not after `now`, the earliest first."""
        with self._database.reading() as connection:
            rows = fetch(
                connection,
                "SELECT CAST(id AS BLOB) FROM execution WHERE expires <= ?"
                " ORDER BY expires, id LIMIT ?",
                (now, min(limit, LARGEST)),
            )
        return tuple(name.decode(errors="replace") for (name,) in rows)

    def compact(self, execution: str, seq: int) -> int:
        """Drop the records up to `seq`, but none after the snapshot; returns how many."""
        with self._database.writing() as connection:
            key = _key(connection, execution)
            connection.execute(
                "DELETE FROM record WHERE execution = ?1 AND seq <="
                " min(?2, (SELECT seq FROM snapshot WHERE execution = ?1))",
                (key, min(seq, LARGEST)),
            )
            count = connection.changes()
        self._database.vacuum(_VACUUM_PAGES)
        return count

    def sizes(self) -> StoreSizes:
        """How much is stored; `bytes` is the size of the file without its write-ahead log.

        `records` is an estimate that costs nothing: how many were written since the oldest one
        that is left, among them those deleted since.
        """
        with self._database.reading() as connection:
            ((executions, unfinished, records),) = fetch(connection, _COUNTS, ())
            size = connection.pragma("page_count") * connection.pragma("page_size")
        return StoreSizes(executions, unfinished, records, size)

    def tidy(self) -> bool:
        """Return unused pages to the file system; once there are none, empty the log as well."""
        if self._database.vacuum(_VACUUM_PAGES):
            return True
        self._database.empty_log()
        return False

    def close(self) -> None:
        """Close the file; may be called again."""
        self._database.close()
        self._owner.release()


def _key(connection: Connection, execution: str) -> int | None:
    keys = fetch(connection, "SELECT key FROM execution WHERE id = ?", (execution,))
    return keys[0][0] if keys else None


def _load(connection: Connection, key: int) -> Stored:
    head = read_head(connection, key)
    found = fetch(connection, "SELECT seq, body FROM snapshot WHERE execution = ?", (key,))
    snapshots = [Snapshot(*row) for row in found]
    since = snapshots[0].seq if snapshots else 0
    records = _records(connection, key, since)
    _check_gapless(head.id, records, since + 1)
    if since + len(records) != head.seq:
        raise CorruptExecution(head.id, since + len(records) + 1, "it is missing")
    return Stored(head, snapshots[0] if snapshots else None, records)


def _records(connection: Connection, key: int, after: int) -> tuple[Record, ...]:
    statement = "SELECT seq, body FROM record WHERE execution = ? AND seq > ? ORDER BY seq"
    return tuple(Record(*row) for row in fetch(connection, statement, (key, after)))


def _check_gapless(execution: str, records: tuple[Record, ...], first: int | None = None) -> None:
    expected = first
    for record in records:
        if expected is not None and record.seq != expected:
            raise CorruptExecution(execution, expected, "it is missing")
        expected = record.seq + 1


def _forget(connection: Connection, execution: str) -> int:
    connection.execute("DELETE FROM mail WHERE execution = ?", (execution,))
    key = _key(connection, execution)
    if key is None:
        return 0
    for table, column in (("record", "execution"), ("snapshot", "execution"), ("execution", "key")):
        connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (key,))
    return 1
