"""How heads stand in the table `execution`, and how one that is damaged is told."""

from __future__ import annotations

from typing import Any

import apsw

from ._contract import DamagedHead, ExecutionHead, HeadFilter

_COLUMNS = (
    "id, definition, version, hash, state, is_finished, incarnation, seq,"
    " created, updated, due, expires, parent_id, parent_step, size"
)
_MARKS = ", ".join("?" * len(_COLUMNS.split(",")))

INSERT = f"INSERT INTO execution ({_COLUMNS}) VALUES ({_MARKS}) RETURNING key"
UPDATE = (
    f"UPDATE execution SET ({_COLUMNS}) = ({_MARKS})"
    " WHERE id = ? AND incarnation <= ? AND seq = ? RETURNING key"
)
"""Takes a row, an id, an incarnation and a seq: the fence is in the statement."""

_SELECT = f"SELECT {_COLUMNS} FROM execution WHERE key = ?"


def fetch(
    connection: apsw.Connection, statement: str, values: tuple[Any, ...]
) -> list[tuple[Any, ...]]:
    """All rows; their types are those of the schema, whose tables are strict."""
    return list(connection.execute(statement, values))


def row_of(head: ExecutionHead) -> tuple[Any, ...]:
    """The columns of a head, but for the key."""
    h, (parent, step) = head, head.parent or (None, None)
    first = (h.id, h.definition, h.version, h.hash, h.state, h.is_finished, h.incarnation, h.seq)
    return (*first, h.created, h.updated, h.due, h.expires, parent, step, h.size)


def read_head(connection: apsw.Connection, key: int) -> ExecutionHead:
    """The head in a row; raises `UnicodeDecodeError` or `apsw.CorruptError` if it is damaged."""
    (row,) = fetch(connection, _SELECT, (key,))
    id_, definition, version, hash_, state, _, incarnation, seq, *rest = row
    created, updated, due, expires, parent, step, size = rest
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
    connection: apsw.Connection, where: str, values: tuple[Any, ...]
) -> list[tuple[int, ExecutionHead | DamagedHead]]:
    """The keys and heads that an SQL `WHERE … ORDER BY … LIMIT …` finds.

    Each is read by itself, so that one which is damaged does not hide the others.
    """
    found = fetch(
        connection, f"SELECT key, CAST(id AS BLOB), created FROM execution WHERE {where}", values
    )
    return [(key, _read_or_tell(connection, key, name, created)) for key, name, created in found]


def _read_or_tell(
    connection: apsw.Connection, key: int, name: bytes, created: float
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
    if after is not None:
        conditions.append(("(created, id) < (?, ?)", after))
    where = " AND ".join(condition for condition, _ in conditions)
    values = tuple(value for _, several in conditions for value in several)
    return f"{where} ORDER BY created DESC, id DESC LIMIT ?", (*values, limit)
