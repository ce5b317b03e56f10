"""How a batch of turns gets into the tables: all is checked first, then written kind by kind.

The turns of one execution change its head once, if anything is new there but the number of its
last record, and no index that need not change. Where executions stand is remembered from commit to
commit, as long as nobody else has written. Together that makes 175k to 240k turns a second of 84k
to 90k, in batches of 256, where bare records get 380k to 430k.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from operator import attrgetter

import attrs

from ._connection import Connection
from ._contract import Append, ExecutionHead
from ._fence import Fence, check_continues, fence_after
from ._rows import INSERT, LATEST, UPDATE, UPDATE_ALL, UPDATE_END, changes_of, fetch, row_of

CAPACITY = 10_000
"""Executions to remember at most: little beside what the executions themselves need."""

_Row = tuple[int, int, bytes]
_PLACE = f"SELECT key, incarnation, {LATEST}, is_finished FROM execution WHERE id = ?"
_RECORDS = "INSERT INTO record (execution, seq, body) "
_RECORDS_AT_ONCE = 512
"""Rows in a statement: SQLite is left alone with it, and the event loop goes on meanwhile."""

_SNAPSHOT = "INSERT OR REPLACE INTO snapshot (execution, seq, body) VALUES (?, ?, ?)"
_MAIL = "DELETE FROM mail WHERE number = ?"

_origin = attrgetter("created", "parent", "definition", "version", "hash")
"""What hardly ever changes."""

_plain = attrgetter("plain")

_future = attrgetter("is_finished", "expires")
"""What changes at the end; indexes depend on it."""


@attrs.define
class _Place:
    """Where an execution stands; `origin`, `future` and `changes` are those in the file, or None.

    It has a `key` before it is in the file: there it is once it has a `fence`.
    """

    key: int
    fence: Fence | None
    origin: tuple[object, ...] | None = None
    future: tuple[object, ...] | None = None
    changes: tuple[object, ...] | None = None


@attrs.define
class _Batch:
    """What there is to write: the last head of each execution, and which of them are `new`."""

    new: set[str] = attrs.Factory(set[str])
    heads: dict[str, ExecutionHead] = attrs.Factory(dict[str, ExecutionHead])
    records: list[int | bytes] = attrs.Factory(list[int | bytes])
    snapshots: list[_Row] = attrs.Factory(list[_Row])
    mail: list[tuple[int]] = attrs.Factory(list[tuple[int]])
    snapped: set[str] = attrs.Factory(set[str])

    def add(self, key: int, append: Append) -> None:
        """Take in a turn."""
        head = append.whole_head
        self.heads[head.id] = head
        for seq, body in enumerate(append.records, append.first_seq):
            self.records += (key, seq, body)
        if append.snapshot is not None:
            self.snapshots.append((key, head.seq, append.snapshot))
            self.snapped.add(head.id)  # compacting may leave no record to tell the number by
        if append.mail:
            self.mail += [(number,) for number in append.mail]


class Committer:
    """Writes batches, by one connection, inside the transaction of the caller.

    Whoever undoes that transaction, or writes to heads otherwise, calls `forget`. What other
    connections write it notices by itself.
    """

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._last_key = 0
        self._version = -1

    def forget(self) -> None:
        """Look up from now on where executions stand."""
        self._places.clear()
        self._last_key = 0

    def write_plain(self, connection: Connection, turns: Sequence[Append]) -> bool:
        """Write turns by one statement, a transaction in itself; false if that is not all there is.

        It is all if each brings one record and nothing else, and nobody else has written since the
        last time. In a thread beside a busy event loop every further statement would have to wait
        until that lets go of Python: so it takes a third less time than `write`.
        """
        if not 0 < len(turns) <= _RECORDS_AT_ONCE or None in map(_plain, turns):
            return False
        place_of = self._places.get
        values: list[int | bytes] = []
        for turn in turns:
            head, seq = turn.head, turn.plain
            place = place_of(head.id)
            if place is None or seq is None or not _is_next(turn, place, head.incarnation, seq):
                self.forget()  # some are noted as written already
                return False
            place.fence = head.incarnation, seq, False
            values += (place.key, seq, turn.records[0])
        values.append(self._version)
        connection.execute(_insert_unless_others_of(len(turns)), values)
        if connection.changes() == len(turns):
            return True
        self.forget()
        return False

    def write(self, connection: Connection, turns: Sequence[Append]) -> None:
        """Write the turns; raises `StaleWriter` for the first that does not fit."""
        self._notice_others(connection)
        batch = self._check(connection, turns)
        self._write_heads(connection, batch)
        _write_records(connection, batch.records)
        _write_many(connection, _SNAPSHOT, batch.snapshots)
        _write_many(connection, _MAIL, batch.mail)

    def _notice_others(self, connection: Connection) -> None:
        """Forget everything if another connection has written since the last time."""
        ((version,),) = connection.execute("PRAGMA data_version")
        if version != self._version or len(self._places) > CAPACITY:
            self._version = version
            self.forget()

    def _check(self, connection: Connection, turns: Sequence[Append]) -> _Batch:
        """Raise `StaleWriter`, or sort what there is to write."""
        batch, places = _Batch(), self._places
        for append in turns:
            head = append.head
            place = places.get(head.id) or self._look_up(connection, head.id)
            seq = append.plain
            if seq is not None and _is_next(append, place, head.incarnation, seq):
                place.fence = head.incarnation, seq, False
                batch.records += (place.key, seq, append.records[0])
                continue
            check_continues(append, place.fence)
            if place.fence is None:
                batch.new.add(head.id)
            place.fence = fence_after(append)
            batch.add(place.key, append)
        return batch

    def _look_up(self, connection: Connection, execution: str) -> _Place:
        found = fetch(connection, _PLACE, (execution,))
        if found:
            ((key, incarnation, seq, has_ended),) = found
            place = _Place(key, (incarnation, seq, bool(has_ended)))
        else:
            self._last_key = (self._last_key or _last_key(connection)) + 1
            place = _Place(self._last_key, None)
        self._places[execution] = place
        return place

    def _write_heads(self, connection: Connection, batch: _Batch) -> None:
        """Write each head once, and no more of it than has changed."""
        rows: dict[str, list[tuple[object, ...]]] = {
            statement: [] for statement in (INSERT, UPDATE, UPDATE_END, UPDATE_ALL)
        }
        for execution, head in batch.heads.items():
            place, origin, future = self._places[execution], _origin(head), _future(head)
            changes = changes_of(head)
            if execution in batch.new:
                rows[INSERT].append((*row_of(head), place.key))
            elif place.origin != origin:
                rows[UPDATE_ALL].append((*row_of(head), place.key))
            elif place.future != future:
                rows[UPDATE_END].append((*changes, *future, place.key))
            elif place.changes != changes[:-1] or execution in batch.snapped:
                rows[UPDATE].append((*changes, place.key))
            place.origin, place.future, place.changes = origin, future, changes[:-1]
        for statement, several in rows.items():
            _write_many(connection, statement, several)


def _is_next(append: Append, place: _Place, incarnation: int, seq: int) -> bool:
    """Whether a plain turn brings one record and nothing else, and continues what is in the file.

    That is most turns, so it is asked first; what is false may be right in another way.
    """
    return (
        place.fence == (incarnation, seq - 1, False)
        and place.changes is not None
        and len(append.records) == 1
        and append.snapshot is None
        and not append.mail
    )


def _write_many(connection: Connection, statement: str, rows: Sequence[Sequence[object]]) -> None:
    if rows:
        connection.executemany(statement, rows)


def _write_records(connection: Connection, values: list[int | bytes]) -> None:
    """Write rows of three values each, as many as may be by one statement.

    One by one, each would have to wait until the event loop lets Python go on here.
    """
    size = 3 * _RECORDS_AT_ONCE
    for first in range(0, len(values), size):
        part = values[first : first + size] if len(values) > size else values
        connection.execute(_insert_of(len(part) // 3), part)


@functools.cache
def _insert_of(rows: int) -> str:
    return _RECORDS + _values_of(rows)


@functools.cache
def _insert_unless_others_of(rows: int) -> str:
    """Takes the values, and the version of the file after our last transaction."""
    unless_others = "(SELECT data_version FROM pragma_data_version) = ?"
    return f"{_RECORDS} SELECT * FROM ({_values_of(rows)}) WHERE {unless_others}"


def _values_of(rows: int) -> str:
    return "VALUES " + ",".join(["(?,?,?)"] * rows)


def _last_key(connection: Connection) -> int:
    ((last,),) = connection.execute("SELECT coalesce(max(key), 0) FROM execution")
    return int(last)
