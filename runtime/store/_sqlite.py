"""A store in one SQLite file, which several processes may open.

One writes at a time; readers see what was committed and never wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw

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
from ._database import Database, Synchronous
from ._errors import CorruptExecution
from ._fence import check_continues
from ._rows import INSERT, UPDATE, fetch, page_of, read_head, read_heads, row_of

_PAGE_HEADS = 500  # read at a time by `unfinished`
_VACUUM_PAGES = 2000  # 8 MB: what one call gives back, so that a commit does not wait long for it


class SqliteStore:
    """Keeps everything in the file at `path`, which is made if need be.

    `synchronous` FULL: what is committed survives a power cut; NORMAL: only the death of the
    process. `patience` is how many seconds to wait while another process holds the file. Raises
    `StoreNotOpened`, `NotAStore`, `StoreTooNew`, `StoreLocked`, `StoreReadOnly`, `StoreCorrupt`.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        synchronous: Synchronous = "FULL",
        patience: float = 5.0,
    ) -> None:
        self._database = Database(Path(path), synchronous, patience)

    def __repr__(self) -> str:
        return f"<SqliteStore {self._database.name}>"

    def commit(self, batch: Sequence[Append]) -> None:
        """Store turns of many executions: all or none. Raises `StaleWriter`."""
        with self._database.writing() as connection:
            for append in batch:
                _store(connection, append)

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

    def take_mail(self, after: int = 0, *, limit: int = 1000) -> tuple[Mail, ...]:
        """The mail numbered above `after`, in order; what is numbered up to it is dropped."""
        mail = self._mail(0, limit + 1)
        if mail and mail[0].number <= after:
            with self._database.writing() as connection:
                connection.execute("DELETE FROM mail WHERE number <= ?", (after,))
            mail = self._mail(after, limit)
        return mail[:limit]

    def _mail(self, after: int, limit: int) -> tuple[Mail, ...]:
        with self._database.reading() as connection:
            rows = fetch(
                connection,
                "SELECT number, execution, body FROM mail WHERE number > ? ORDER BY number LIMIT ?",
                (after, limit),
            )
        return tuple(Mail(*row) for row in rows)

    def delete(self, executions: Sequence[str]) -> int:
        """Forget executions with all that is stored for them; returns how many there were."""
        with self._database.writing() as connection:
            count = sum(_forget(connection, execution) for execution in executions)
        self._database.give_back(_VACUUM_PAGES)
        return count

    def expired(self, now: float, *, limit: int = 1000) -> tuple[str, ...]:
        """Those whose `expires` is not after `now`, the earliest first."""
        with self._database.reading() as connection:
            rows = fetch(
                connection,
                "SELECT CAST(id AS BLOB) FROM execution WHERE expires <= ?"
                " ORDER BY expires, id LIMIT ?",
                (now, limit),
            )
        return tuple(name.decode(errors="replace") for (name,) in rows)

    def compact(self, execution: str, seq: int) -> int:
        """Drop the records up to `seq`, but none after the snapshot; returns how many."""
        with self._database.writing() as connection:
            key = _key(connection, execution)
            connection.execute(
                "DELETE FROM record WHERE execution = ?1 AND seq <="
                " min(?2, (SELECT seq FROM snapshot WHERE execution = ?1))",
                (key, seq),
            )
            count = connection.changes()
        self._database.give_back(_VACUUM_PAGES)
        return count

    def close(self) -> None:
        """Close the file; may be called again."""
        self._database.close()


def _store(connection: apsw.Connection, append: Append) -> None:
    head = append.head
    fence = (head.id, head.incarnation, append.first_seq - 1)
    keys = _returned(connection, UPDATE, (*row_of(head), *fence))
    key = keys[0] if keys else _begin(connection, append)
    connection.executemany(
        "INSERT INTO record (execution, seq, body) VALUES (?, ?, ?)",
        [(key, record.seq, record.body) for record in append.numbered()],
    )
    if append.snapshot is not None:
        connection.execute(
            "INSERT OR REPLACE INTO snapshot (execution, seq, body) VALUES (?, ?, ?)",
            (key, head.seq, append.snapshot),
        )


def _begin(connection: apsw.Connection, append: Append) -> int:
    """Store the head of an unknown execution; raises `StaleWriter` if it is known, after all."""
    statement = "SELECT incarnation, seq FROM execution WHERE id = ?"
    stored = [(incarnation, seq) for incarnation, seq in fetch(connection, statement, (append.id,))]
    check_continues(append, stored[0] if stored else None)
    return _returned(connection, INSERT, row_of(append.head))[0]


def _returned(connection: apsw.Connection, statement: str, values: tuple[Any, ...]) -> list[int]:
    return [key for (key,) in fetch(connection, statement, values)]


def _key(connection: apsw.Connection, execution: str) -> int | None:
    keys = _returned(connection, "SELECT key FROM execution WHERE id = ?", (execution,))
    return keys[0] if keys else None


def _load(connection: apsw.Connection, key: int) -> Stored:
    head = read_head(connection, key)
    found = fetch(connection, "SELECT seq, body FROM snapshot WHERE execution = ?", (key,))
    snapshots = [Snapshot(*row) for row in found]
    since = snapshots[0].seq if snapshots else 0
    records = _records(connection, key, since)
    _check_gapless(head.id, records, since + 1)
    if since + len(records) != head.seq:
        raise CorruptExecution(head.id, since + len(records) + 1, "it is missing")
    return Stored(head, snapshots[0] if snapshots else None, records)


def _records(connection: apsw.Connection, key: int, after: int) -> tuple[Record, ...]:
    statement = "SELECT seq, body FROM record WHERE execution = ? AND seq > ? ORDER BY seq"
    return tuple(Record(*row) for row in fetch(connection, statement, (key, after)))


def _check_gapless(execution: str, records: tuple[Record, ...], first: int | None = None) -> None:
    expected = first
    for record in records:
        if expected is not None and record.seq != expected:
            raise CorruptExecution(execution, expected, "it is missing")
        expected = record.seq + 1


def _forget(connection: apsw.Connection, execution: str) -> int:
    connection.execute("DELETE FROM mail WHERE execution = ?", (execution,))
    key = _key(connection, execution)
    if key is None:
        return 0
    for table, column in (("record", "execution"), ("snapshot", "execution"), ("execution", "key")):
        connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (key,))
    return 1
