"""The yardstick of durability: the same records put into a bare SQLite log, batch by batch."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw

LogRow = tuple[int, int, bytes]
"""Which execution, the number of its record, the record."""


def _opened(path: Path) -> Any:
    """A connection; apsw's own types of statements are not complete."""
    return apsw.Connection(str(path))


def stored_rows(path: Path) -> list[LogRow]:
    """Every record in a store's file, as it was appended."""
    connection = _opened(path)
    try:
        return list(connection.execute("SELECT execution, seq, body FROM record ORDER BY key"))
    finally:
        connection.close()


def append(path: Path, rows: Sequence[LogRow], batch: int = 256) -> float:
    """Seconds to put rows into a new log, a durable transaction for each batch of them.

    The log has what recovery needs, and no more: the rows in order, and an index to find those of
    an execution. The write-ahead log is checkpointed as rarely as a store's.
    """
    connection = _opened(path)
    connection.pragma("journal_mode", "WAL")
    connection.pragma("synchronous", "FULL")
    connection.pragma("wal_autocheckpoint", 4000)
    connection.execute(
        "CREATE TABLE log (key INTEGER PRIMARY KEY, execution INTEGER, seq INTEGER, body BLOB);"
        "CREATE UNIQUE INDEX log_by_execution ON log (execution, seq)"
    )
    begin = time.perf_counter()
    for at in itertools.count(0, batch):
        some = rows[at : at + batch]
        if not some:
            break
        with connection:
            connection.executemany("INSERT INTO log (execution, seq, body) VALUES (?, ?, ?)", some)
    taken = time.perf_counter() - begin
    connection.close()
    return taken
