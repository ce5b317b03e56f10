"""Definitions from the documents in a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import trio

from .._blocking import in_thread
from .._clock import is_time_real
from ..definition import (
    SUFFIXES,
    DefinitionError,
    Fault,
    ProcessDefinition,
    Types,
    is_mapping,
    plain_file,
)
from ..execution import logger
from ._documents import DocumentLoader

Stamp = tuple[int, int]


@attrs.frozen
class _Card:
    """What is known of one file: when it was read, and which definition it holds, or its fault."""

    path: Path
    stamp: Stamp
    id: str
    version: int
    fault: DefinitionError | None = None

    def may_hold(self, id: str) -> bool:
        """Whether a file that cannot be read goes by the name of a definition."""
        named = re.fullmatch(rf"{re.escape(id)}([-_. ]?v?\d+)?", self.path.stem)
        return self.fault is not None and named is not None


class FolderLoader:
    """Finds definitions among the files of a folder: `.json`, `.toml`, `.yaml` and `.yml`.

    How the files are called does not matter: a definition is known by the `id` and `version` in its
    document. Files are read again when they have changed, which is looked for at each load; in a
    thread, but for a virtual clock. `types` are as for `DocumentLoader`.

    A call raises `DefinitionError` for a document with faults, for a file that cannot be read and
    goes by the name of the definition (`orders`, `orders-2`, `orders.v2`, ...), and where two files
    hold the same one. Others' faults are only logged.
    """

    def __init__(self, folder: str | os.PathLike[str], types: Types | None = None) -> None:
        self._folder = Path(folder)
        self._cards: dict[Path, _Card] = {}
        self._documents = DocumentLoader(self._fetch, types)

    def __repr__(self) -> str:
        return f"<FolderLoader {self._folder}>"

    async def __call__(self, id: str, version: int | None) -> ProcessDefinition | None:
        """The definition, or None if no file holds it."""
        return await self._documents(id, version)

    async def _fetch(self, id: str, version: int | None) -> dict[str, Any] | None:
        read = partial(self._read, id, version)
        if not is_time_real():
            await trio.lowlevel.checkpoint()
            return read()
        return await in_thread(read)

    def _read(self, id: str, version: int | None) -> dict[str, Any] | None:
        cards = {path: self._card(path) for path in self._files()}
        self._cards = cards
        wanted = _wanted([*cards.values()], id, version)
        if wanted is None:
            return None
        document: dict[str, Any] = plain_file(wanted.path)
        return document

    def _files(self) -> Iterator[Path]:
        try:
            found = sorted(self._folder.iterdir())
        except OSError as error:
            fault = Fault("folder", error.strerror or str(error), "a folder that can be read")
            raise DefinitionError(str(self._folder), (fault,)) from error
        return (path for path in found if path.suffix.lower() in SUFFIXES and path.is_file())

    def _card(self, path: Path) -> _Card:
        """What a file holds; read anew only if it has changed."""
        stat = path.stat()
        known, stamp = self._cards.get(path), (stat.st_mtime_ns, stat.st_size)
        return known if known is not None and known.stamp == stamp else _read_card(path, stamp)


def _read_card(path: Path, stamp: Stamp) -> _Card:
    try:
        data = plain_file(path)
    except DefinitionError as error:
        return _broken(path, stamp, error)
    document: dict[str, Any] = data if is_mapping(data) else {}
    id, version = document.get("id"), document.get("version", 1)
    if isinstance(id, str) and isinstance(version, int):
        return _Card(path, stamp, id, version)
    what = Fault("document", path.name, "a mapping with an id, and a whole number as version")
    return _broken(path, stamp, DefinitionError(str(path), (what,)))


def _broken(path: Path, stamp: Stamp, fault: DefinitionError) -> _Card:
    logger.warning("no definition can be loaded from %s: %s", path, fault)
    return _Card(path, stamp, "", 0, fault)


def _wanted(cards: list[_Card], id: str, version: int | None) -> _Card | None:
    """The file that holds a definition, or the newest of an id. Raises `DefinitionError`."""
    found = [card for card in cards if card.id == id and version in (None, card.version)]
    broken = [card.fault for card in cards if card.may_hold(id) and card.fault is not None]
    if broken and (version is None or not found):
        raise broken[0]
    newest = max((card.version for card in found), default=0)
    found = [card for card in found if card.version == newest]
    if len(found) > 1:
        names = " and ".join(card.path.name for card in found)
        fault = Fault("version", newest, f"one file for each version, not {names}")
        raise DefinitionError(id, (fault,))
    return found[0] if found else None
