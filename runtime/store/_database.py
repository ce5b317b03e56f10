"""One SQLite file, opened: a connection that writes and one that reads, each under its lock.

apsw brings its own SQLite, without the fault that lets a checkpoint corrupt a file which several
processes have open (SQLite 3.7.0 to 3.51.2).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Literal

import apsw

from ._connection import Connection
from ._errors import (
    NotAStore,
    StoreBroken,
    StoreClosed,
    StoreCorrupt,
    StoreFailed,
    StoreFull,
    StoreLocked,
    StoreNotOpened,
    StoreReadOnly,
)
from ._fair_lock import FairLock
from ._schema import VERSION, found_version, migrate

Synchronous = Literal["FULL", "NORMAL"]

_CHECKPOINT_PAGES = 4000  # 16 MB of write-ahead log; 1000, the default, is a quarter slower
_TRY_SECONDS = 0.0002  # a busy writer leaves the file for less than a millisecond at a time
_SOON = 250  # tries, after which nobody is just about to let go of it
_LATER_SECONDS = 0.002
_STATEMENTS = 600  # kept prepared: an insert of n records is one for each n up to 512
_LOG_BYTES = 32 * 1024 * 1024  # what a log that had to grow is cut back to

_BROKEN: tuple[tuple[type[apsw.Error], type[StoreBroken], str], ...] = (
    (apsw.BusyError, StoreLocked, "another process has locked it"),
    (apsw.LockedError, StoreLocked, "another connection has locked it"),
    (apsw.ReadOnlyError, StoreReadOnly, "it cannot be written to"),
    (apsw.FullError, StoreFull, "there is no space left"),
    (apsw.CorruptError, StoreCorrupt, "the file is damaged"),
    (apsw.NotADBError, NotAStore, "it is not a database"),
    (apsw.CantOpenError, StoreNotOpened, "it cannot be opened"),
    (apsw.PermissionsError, StoreNotOpened, "there is no right to open it"),
)


class Database:
    """Opens the file, makes it if need be, and hands out transactions.

    `synchronous` FULL: what is committed survives a power cut; NORMAL: it survives the death of the
    process only, and is an order of magnitude faster for single commits. `patience` is how many
    seconds to wait for another process's lock. Raises `StoreBroken` or `StoreTooNew`.
    """

    def __init__(self, path: Path, synchronous: Synchronous, patience: float) -> None:
        self.name: str = str(path)
        self._patience = patience
        self._locks = (FairLock(), FairLock())
        self._is_closed = False
        _check_path(path)
        with self._translated():
            self._writer = self._open()
            try:
                self._prepare(synchronous)
                self._reader = self._open()
                self._reader.pragma("query_only", True)
            except BaseException:
                self._writer.close()
                raise

    def _open(self) -> Connection:
        connection: Connection = apsw.Connection(self.name, statementcachesize=_STATEMENTS)
        connection.set_busy_handler(_Wait(self._patience))
        return connection

    def _prepare(self, synchronous: Synchronous) -> None:
        connection = self._writer
        version = found_version(connection, self.name)
        if connection.readonly("main"):
            raise StoreReadOnly(self.name, "it cannot be written to")
        if version == 0:
            connection.pragma("auto_vacuum", "INCREMENTAL")
        connection.pragma("journal_mode", "WAL")
        connection.pragma("synchronous", synchronous)
        connection.pragma("wal_autocheckpoint", _CHECKPOINT_PAGES)
        connection.pragma("journal_size_limit", _LOG_BYTES)
        if version < VERSION:
            with _transaction(connection, "IMMEDIATE"):
                migrate(connection, self.name, time.time())

    @contextlib.contextmanager
    def writing(self) -> Generator[Connection]:
        """A transaction that writes; undone if the block raises."""
        with self._locks[0], self._translated(), _transaction(self._writer, "IMMEDIATE"):
            yield self._writer

    @contextlib.contextmanager
    def writing_alone(self) -> Generator[Connection]:
        """For one statement that writes, which is a transaction in itself."""
        with self._locks[0], self._translated():
            yield self._writer

    @contextlib.contextmanager
    def reading(self) -> Generator[Connection]:
        """A transaction that sees one state of the file."""
        with self._locks[1], self._translated(), _transaction(self._reader, "DEFERRED"):
            yield self._reader

    def vacuum(self, pages: int) -> bool:
        """Return up to so many unused pages to the file system, at the next checkpoint.

        Whether there are more.
        """
        with self._locks[0], self._translated():
            list(self._writer.execute(f"PRAGMA incremental_vacuum({pages:d})"))
            return bool(self._writer.pragma("freelist_count"))

    def empty_log(self) -> None:
        """Bring all that is in the log to the file, and cut the log to nothing.

        Does as much as it can without waiting for those who read.
        """
        with self._locks[0], self._translated():
            self._writer.set_busy_handler(None)
            try:
                self._writer.pragma("wal_checkpoint", "TRUNCATE")
            finally:
                self._writer.set_busy_handler(_Wait(self._patience))

    def close(self) -> None:
        """Close both connections; the last one of all processes empties the log."""
        with self._locks[0], self._locks[1]:
            if not self._is_closed:
                self._is_closed = True
                self._reader.close()
                self._writer.close()

    @contextlib.contextmanager
    def _translated(self) -> Generator[None]:
        """Raise our own errors for SQLite's."""
        if self._is_closed:
            raise StoreClosed(self.name)
        try:
            yield
        except apsw.Error as error:
            raise _broken(self.name, error) from error


class _Wait:
    """Waits for a lock of another process: SQLite's own way to do so soon sleeps for 100 ms.

    Measured beside a busy runtime: its writer is overtaken within 0.3 ms in the median and 7 in the
    95th percentile; with tries a millisecond apart, within 3 and 40.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = 0.0

    def __call__(self, tried: int) -> bool:
        """Wait a little; false if that was too long in all."""
        now = time.monotonic()
        if tried == 0:
            self._end = now + self._seconds
        time.sleep(_TRY_SECONDS if tried < _SOON else _LATER_SECONDS)
        return now < self._end


@contextlib.contextmanager
def _transaction(connection: Connection, kind: str) -> Generator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors have undone it already
            connection.execute("ROLLBACK")
        raise


def _broken(store: str, error: apsw.Error) -> StoreBroken:
    for kind, ours, why in _BROKEN:
        if isinstance(error, kind):
            return ours(store, f"{why} ({error})")
    return StoreFailed(store, f"{type(error).__name__}: {error}")


def _check_path(path: Path) -> None:
    """Raise for what SQLite would only call `unable to open database file`."""
    if path.is_dir():
        raise StoreNotOpened(str(path), "it is a folder; name a file in it")
    if not path.parent.is_dir():
        raise StoreNotOpened(str(path), f"there is no folder {path.parent}")
    if path.exists() and not os.access(path, os.W_OK):
        raise StoreReadOnly(str(path), "it cannot be written to")
