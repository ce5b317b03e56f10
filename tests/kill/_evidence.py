"""What is in the store after a kill, read from a copy: the next life finds what the kill left."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import apsw
import attrs

from processengine import Record
from processengine.runtime.execution import Completed, Failed
from processengine.runtime.store import (
    EVERYTHING,
    Codec,
    DamagedHead,
    ExecutionHead,
    SqliteStore,
    decompress,
)

from ._places import store_in

Attempt = tuple[str, int, int]
"""Execution, step and attempt."""


@attrs.frozen
class Evidence:
    """The heads and the records of all executions, and what SQLite finds wrong with the file."""

    heads: dict[str, ExecutionHead] = attrs.field(factory=dict[str, ExecutionHead])
    journals: dict[str, tuple[Record, ...]] = attrs.field(factory=dict[str, tuple[Record, ...]])
    faults: tuple[str, ...] = ()

    def outcomes(self, kind: type[Completed | Failed]) -> list[Attempt]:
        """The attempts of which such an outcome is on disk."""
        return [
            (id, message.step, message.attempt)
            for id, records in self.journals.items()
            for _, message in records
            if isinstance(message, kind)
        ]


def evidence_in(folder: Path) -> Evidence:
    """What is stored now; nothing if the program has not got so far as to make a store."""
    place = store_in(folder)
    if not place.exists():
        return Evidence()
    with tempfile.TemporaryDirectory() as copies:
        copy = Path(copies) / place.name
        for suffix in ("", "-wal"):
            if (part := place.with_name(place.name + suffix)).exists():
                shutil.copyfile(part, copy.with_name(part.name))
        return _read(copy)


def _read(copy: Path) -> Evidence:
    connection: Any = apsw.Connection(str(copy))
    checked = tuple(str(text) for (text,) in connection.execute("PRAGMA integrity_check"))
    connection.close()
    store = SqliteStore(copy)
    try:
        heads = _heads(store)
        journals = {id: _journal(store, id) for id in heads}
    finally:
        store.close()
    return Evidence(heads, journals, () if checked == ("ok",) else checked)


def _heads(store: SqliteStore) -> dict[str, ExecutionHead]:
    found: dict[str, ExecutionHead] = {}
    for head in store.heads(EVERYTHING, limit=1_000_000):
        if isinstance(head, DamagedHead):
            raise TypeError(f"the row of {head.id!r} is damaged: {head.why}")
        found[head.id] = head
    return found


def _journal(store: SqliteStore, id: str) -> tuple[Record, ...]:
    codec = Codec()
    return tuple(codec.decode_record(decompress(each.body)) for each in store.journal(id))
