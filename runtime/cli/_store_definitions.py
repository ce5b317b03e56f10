"""`processengine definitions`, `publish` and `unpublish`: the definitions that a store keeps."""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import closing
from functools import partial

import trio

from ..loading import StoreLoader
from ..store import DamagedHead, DefinitionInUse, InUse, KeptDefinition, SqliteStore, Store
from ._loading import load_with_types
from ._misuse import Misuse
from ._output import Output
from ._store_files import opened


def definitions(arguments: argparse.Namespace, output: Output) -> int:
    """Show the definitions in a store, and how many executions of each have not ended."""
    with opened(arguments.store) as store:
        kept = trio.run(StoreLoader(store).published)
        counts = _unfinished(store)
    found = [(each, counts[each.id, each.version, each.hash]) for each in kept]
    width = max((len(_name(each)) for each in kept), default=0)
    for each, count in found:
        unfinished = f"  {count} unfinished" if count else ""
        output.line(f"{_name(each).ljust(width)}  {each.hash:.12}{unfinished}")
    if not found:
        output.line("no definitions")
    output.document({"definitions": [_data(each, count) for each, count in found]})
    return 0


def _unfinished(store: Store) -> Counter[tuple[str, int, str]]:
    heads = (head for head in store.unfinished() if not isinstance(head, DamagedHead))
    return Counter((head.definition, head.version, head.hash) for head in heads)


def _name(kept: KeptDefinition) -> str:
    return f"{kept.id} v{kept.version}"


def _data(kept: KeptDefinition, unfinished: int) -> dict[str, object]:
    return {
        "id": kept.id,
        "version": kept.version,
        "hash": kept.hash,
        "bytes": len(kept.body),
        "unfinished": unfinished,
    }


def publish(arguments: argparse.Namespace, output: Output) -> int:
    """Keep the definition in a file, with those that it calls; the store is made if need be."""
    definition, types = load_with_types(arguments.file, arguments.nodes)
    with closing(SqliteStore(arguments.store)) as store:
        trio.run(StoreLoader(store, types).publish, definition)
    output.line(f"{definition} is kept in {arguments.store}")
    output.document({"id": definition.id, "version": definition.version, "hash": definition.hash})
    return 0


def unpublish(arguments: argparse.Namespace, output: Output) -> int:
    """Delete a version from a store, unless executions run it that have not ended."""
    id, version = arguments.id, arguments.version
    in_use: InUse = "delete" if arguments.force else "refuse"
    with opened(arguments.store) as store:
        delete = partial(StoreLoader(store).unpublish, id, version, in_use=in_use)
        try:
            was_kept = trio.run(delete)
        except DefinitionInUse as error:
            raise Misuse(f"{error} (--force deletes it all the same)") from error
    if not was_kept:
        raise Misuse(f"there is no definition {id} v{version} in {arguments.store}")
    output.line(f"{id} v{version} is not kept in {arguments.store} any more")
    output.document({"id": id, "version": version, "deleted": True})
    return 0
