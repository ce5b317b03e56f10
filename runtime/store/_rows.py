"""How heads stand in the table `execution`, and how one that is damaged is told."""

from __future__ import annotations

import math
from typing import Any

import apsw

from ._connection import Connection
from ._contract import LARGEST, DamagedHead, ExecutionHead, HeadFilter

_COLUMNS = (
    "id, definition, version, hash, state, is_finished, incarnation, seq,"
    " created, updated, due, expires, parent_id, parent_step, size"
)
_MARKS = ", ".join("?" * (len(_COLUMNS.split(",")) + 1))

INSERT = f"INSERT INTO execution ({_COLUMNS}, key) VALUES ({_MARKS})"
"""Takes a row and a key."""

UPDATE_ALL = f"UPDATE execution SET ({_COLUMNS}) = ({_MARKS[:-3]}) WHERE key = ?"
"""Takes a row and a key."""

_CHANGES = "state = ?, incarnation = ?, updated = ?, due = ?, size = ?, seq = ?"

UPDATE = f"UPDATE execution SET {_CHANGES} WHERE key = ?"
"""Takes changes and a key: no index has to be touched."""

UPDATE_END = f"UPDATE execution SET {_CHANGES}, is_finished = ?, expires = ? WHERE key = ?"
"""Takes changes, whether it has ended, when it expires, and a key."""

_LAST = "SELECT max(record.seq) FROM record WHERE record.execution = execution.key"
LATEST = f"max(seq, coalesce(({_LAST}), 0))"
"""The number of the last record of a head: turns that change nothing else do not write it there."""

_SELECT = f"SELECT {_COLUMNS}, {LATEST} FROM execution WHERE key = ?"


def fetch(connection: Connection, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """All rows; their types are those of the schema, whose tables are strict.

    Values to compare with may be integers that SQLite does not have: they are beyond all it has.
    """
    return list(connection.execute(statement, tuple(map(_comparable, values))))


def _comparable(value: Any) -> Any:
    if not isinstance(value, int) or -LARGEST <= value <= LARGEST:
        return value
    return math.inf if value > 0 else -math.inf


def row_of(head: ExecutionHead) -> tuple[Any, ...]:
    """The columns of a head, but for the key."""
    h, (parent, step) = head, head.parent or (None, None)
    first = (h.id, h.definition, h.version, h.hash, h.state, h.is_finished, h.incarnation, h.seq)
    return (*first, h.created, h.updated, h.due, h.expires, parent, step, h.size)


def changes_of(head: ExecutionHead) -> tuple[Any, ...]:
    """The columns that turns change, the number of the last record being the last."""
    return (head.state, head.incarnation, head.updated, head.due, head.size, head.seq)


def read_head(connection: Connection, key: int) -> ExecutionHead:
    """The head in a row; raises `UnicodeDecodeError` or `apsw.CorruptError` if it is damaged."""
    (row,) = fetch(connection, _SELECT, (key,))
    id_, definition, version, hash_, state, _, incarnation, _, *rest = row
    created, updated, due, expires, parent, step, size, seq = rest
    return ExecutionHead(
        id=id_,
        definition=definition,
        version=version,
        hash=hash_,
        state=state,
        incarnation=incarnation,
        seq=seq,
        created=created,
        updated=updated,
        due=due,
        expires=expires,
        parent=None if parent is None else (parent, step),
        size=size,
    )


def read_heads(
    connection: Connection, where: str, values: tuple[Any, ...]
) -> list[tuple[int, ExecutionHead | DamagedHead]]:
    """The keys and heads that an SQL `WHERE … ORDER BY … LIMIT …` finds.

    Each is read by itself, so that one which is damaged does not hide the others.
    """
    found = fetch(
        connection, f"SELECT key, CAST(id AS BLOB), created FROM execution WHERE {where}", values
    )
    return [(key, _read_or_tell(connection, key, name, created)) for key, name, created in found]


def _read_or_tell(
    connection: Connection, key: int, name: bytes, created: float
) -> ExecutionHead | DamagedHead:
    try:
        return read_head(connection, key)
    except (UnicodeDecodeError, apsw.CorruptError) as error:
        return DamagedHead(name.decode(errors="replace"), created, str(error))


def page_of(
    wanted: HeadFilter, limit: int, after: tuple[float, str] | None
) -> tuple[str, tuple[Any, ...]]:
    """The SQL and the values for one page of a list."""
    states = None if wanted.states is None else sorted(wanted.states)
    marks = ", ".join("?" * len(states or ()))
    conditions: list[tuple[str, tuple[Any, ...]]] = [("TRUE", ())]
    if wanted.definition is not None:
        conditions.append(("definition = ?", (wanted.definition,)))
    if states is not None:
        conditions.append((f"state IN ({marks})", tuple(states)))
    if wanted.parent is not None:
        conditions.append(("parent_id = ?", (wanted.parent,)))
    if wanted.prefix:
        conditions.append(("id >= ? AND id < CAST(? AS TEXT)", _range_of(wanted.prefix)))
    if after is not None:
        conditions.append(("(created, id) < (?, ?)", after))
    where = " AND ".join(condition for condition, _ in conditions)
    values = tuple(value for _, several in conditions for value in several)
    return f"{where} ORDER BY created DESC, id DESC LIMIT ?", (*values, min(limit, LARGEST))


def _range_of(prefix: str) -> tuple[str, bytes]:
    """What begins so is not below the first and below the second: SQLite compares the UTF-8 bytes.

    No byte of UTF-8 is 255, so that the last one can be counted up.
    """
    encoded = prefix.encode()
    return prefix, encoded[:-1] + bytes((encoded[-1] + 1,))
