"""Definitions from documents that somebody fetches: from a database, a service, a folder."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ..definition import DefinitionError, NodeTypes, ProcessDefinition, Types, definition_of

Key = tuple[str, int | None]
Fetch = Callable[[str, int | None], Awaitable[dict[str, Any] | None]]
"""Gives a document as plain data, by id and version, or the newest by its id; None if unknown."""


class DocumentLoader:
    """Reads what `fetch` gives; definitions that a document names by id are fetched too.

    `types` are the functions that documents may name, or what gives them for the names that a
    document lists under `modules`. Besides what `fetch` raises, a call raises `DefinitionError`
    with all faults of a document; a definition that calls itself is one.
    """

    def __init__(self, fetch: Fetch, types: Types | None = None) -> None:
        self._fetch = fetch
        self._types: Types = NodeTypes() if types is None else types

    async def __call__(self, id: str, version: int | None) -> ProcessDefinition | None:
        """The definition, or None if there is no document for it."""
        return await self._load((id, version), ())

    async def _load(self, key: Key, above: tuple[str, ...]) -> ProcessDefinition | None:
        document = await self._fetch(*key)
        if document is None:
            return None
        name, chain = _name(*key), (*above, key[0])
        found: dict[Key, ProcessDefinition | None] = {}
        missing: dict[Key, None] = {}

        def called(id: str, version: int | None) -> ProcessDefinition | None:
            if (id, version) not in found:
                missing[id, version] = None
            return found.get((id, version))

        while True:  # each time with more of the definitions that it calls
            try:
                return definition_of(document, self._types, definitions=called, name=name)
            except DefinitionError:
                if not missing:
                    raise
            for each in missing:
                found[each] = None if each[0] in chain else await self._load(each, chain)
            missing.clear()


def _name(id: str, version: int | None) -> str:
    return id if version is None else f"{id} v{version}"
