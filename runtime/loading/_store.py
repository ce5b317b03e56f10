"""Definitions that are kept in a store, as documents: published there, and found again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from .._blocking import in_thread, run_blocking
from .._errors import BadArgument
from ..definition import NodeTypes, ProcessDefinition, dump_definition, plain_data
from ..store import InUse, KeptDefinition, SqliteStore, Store
from ._documents import DocumentLoader

T = TypeVar("T")


class StoreLoader:
    """Finds definitions that were published in a store, that of the runtime or another.

    `store` is the path of an SQLite file, which is opened for each call and made if need be, or a
    store, which is not closed. `types` are the functions that documents may name. A call raises
    `StoreError`, and `DefinitionError` with all faults of a document: a function that `types` does
    not have, say.
    """

    def __init__(self, store: str | Path | Store, types: NodeTypes | None = None) -> None:
        if not isinstance(store, (str, Path)) and not callable(getattr(store, "definition", None)):
            raise BadArgument("StoreLoader", "store", store, "the path of a file, or a Store")
        self._place = store
        self._types = NodeTypes() if types is None else types
        self._documents = DocumentLoader(self._fetch, self._types)

    def __repr__(self) -> str:
        return f"<StoreLoader {self._place}>"

    async def __call__(self, id: str, version: int | None) -> ProcessDefinition | None:
        """The definition, or None if the store does not keep it."""
        return await self._documents(id, version)

    async def publish(self, definition: ProcessDefinition) -> None:
        """Keep a definition in the store, with those that it calls; durable when this returns.

        Nothing if that very one is kept. Raises `DefinitionError` listing what a document cannot
        say, as `dump_definition` does, `DefinitionConflict` if that version is kept with other
        content, and `StoreError`. Cancelled, it may have been kept.
        """
        if not isinstance(definition, ProcessDefinition):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise BadArgument("publish", "definition", definition, "a process definition")
        body = msgspec.json.encode(dump_definition(definition, self._types))
        kept = KeptDefinition(definition.id, definition.version, definition.hash, body)
        await self._with_store(lambda store: store.put_definition(kept))

    async def published(self) -> tuple[KeptDefinition, ...]:
        """All that the store keeps, by id and then by version. Raises `StoreError`."""
        return await self._with_store(_all_in)

    async def unpublish(self, id: str, version: int, *, in_use: InUse = "refuse") -> bool:
        """Delete a version from the store; whether it was there. Durable when this returns.

        A runtime that has loaded it goes on with it until it forgets it. Executions that have ended
        can be neither forked nor taken up again without it. Raises `DefinitionInUse` if executions
        in that store which have not ended run it: their next host would park them. With `in_use`
        "delete" it goes all the same. Raises `StoreError`. Cancelled, it may have been deleted.
        """
        return await self._with_store(
            lambda store: store.delete_definition(id, version, in_use=in_use)
        )

    async def _fetch(self, id: str, version: int | None) -> dict[str, Any] | None:
        kept = await self._with_store(lambda store: store.definition(id, version))
        return None if kept is None else _document(kept)

    async def _with_store(self, call: Callable[[Store], T]) -> T:
        place = self._place
        if isinstance(place, (str, Path)):
            return await in_thread(_with_file, place, call)
        return await run_blocking(place, call, place)


def _all_in(store: Store) -> tuple[KeptDefinition, ...]:
    """All that a store keeps, page by page; raises `StoreError`."""
    found = page = store.definitions()
    while page:
        page = store.definitions(after=page[-1].place)
        found += page
    return found


def _with_file(path: str | Path, call: Callable[[Store], T]) -> T:
    with closing(SqliteStore(path)) as store:
        return call(store)


def _document(kept: KeptDefinition) -> dict[str, Any]:
    text = kept.body.decode(errors="surrogateescape")  # refused as a fault, if it is damaged
    document: dict[str, Any] = plain_data(text, "json", f"{kept.id} v{kept.version}")
    return document
