"""Opening the store that `--store` names, and what every command on one needs."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from datetime import datetime
from pathlib import Path

from ..store import DamagedHead, ExecutionHead, SqliteStore
from ._misuse import Misuse


@contextlib.contextmanager
def opened(path: str) -> Generator[SqliteStore]:
    """The store in a file, which is there; raises `Misuse` if not, and `StoreError`."""
    if not Path(path).is_file():
        raise Misuse(f"--store {path}: there is no such file")
    store = SqliteStore(path)
    try:
        yield store
    finally:
        store.close()


def head_of(store: SqliteStore, id: str) -> ExecutionHead:
    """The head of an execution; raises `Misuse` if there is none, and `CorruptExecution`."""
    stored = store.load(id)
    if stored is None:
        raise Misuse(f"there is no execution {id!r} in {store.path}")
    return stored.head


def head_data(head: ExecutionHead | DamagedHead) -> dict[str, object]:
    """An execution for a JSON document; times are seconds since 1970."""
    if isinstance(head, DamagedHead):
        return {"id": head.id, "damaged": head.why}
    return {
        "id": head.id,
        "definition": f"{head.definition} v{head.version}",
        "state": head.state,
        "incarnation": head.incarnation,
        "records": head.seq,
        "created": head.created,
        "updated": head.updated,
        "due": head.due,
        "expires": head.expires,
        "parent": None if head.parent is None else head.parent[0],
        "memory": head.size,
    }


def moment(time: float | None) -> str:
    """A time for people, where they are."""
    if time is None:
        return "-"
    return datetime.fromtimestamp(time).astimezone().isoformat(" ", "seconds")
