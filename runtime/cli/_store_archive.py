"""`processengine archive` and `restore`: executions to a file and back."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from ..execution import END_STATES
from ..store import (
    DamagedHead,
    HeadFilter,
    SqliteStore,
    export_executions,
    import_executions,
)
from ._output import Output
from ._store_files import head_of, opened
from ._words import counted

PAGE = 500


def archive(arguments: argparse.Namespace, output: Output) -> int:
    """Write ended executions to a compressed file, and delete them if asked."""
    with opened(arguments.store) as store:
        before = time.time() - arguments.older_than * 86_400
        ids = list(_ended_before(store, before))
        count = export_executions(store, arguments.to, ids, progress=_shown())
        deleted = _deleted(store, ids) if arguments.delete else 0
    output.line(f"{count} executions are in {arguments.to}, {deleted} were deleted from the store")
    output.document({"archived": count, "deleted": deleted, "file": arguments.to})
    return 0


def _deleted(store: SqliteStore, ids: Sequence[str]) -> int:
    """Delete those that have not been taken up again meanwhile; returns how many."""
    count = 0
    for first in range(0, len(ids), PAGE):
        page = ids[first : first + PAGE]
        count += store.delete([id for id in page if head_of(store, id).is_finished])
    return count


def _shown() -> Callable[[int], None] | None:
    """Shows on a terminal how many are done."""
    if not sys.stderr.isatty():
        return None
    return lambda count: print(f"\r{count} executions", end="", file=sys.stderr, flush=True)


def _ended_before(store: SqliteStore, moment: float) -> Iterator[str]:
    wanted = HeadFilter(states=frozenset(END_STATES))
    page = store.heads(wanted, limit=PAGE)
    while page:
        for head in page:
            if not isinstance(head, DamagedHead) and head.updated < moment:
                yield head.id
        page = store.heads(wanted, limit=PAGE, after=page[-1].place)


def restore(arguments: argparse.Namespace, output: Output) -> int:
    """Put the executions of an archive back; those that are there stay as they are."""
    with opened(arguments.store) as store:
        report = import_executions(store, arguments.source, progress=_shown())
    output.line(f"{report.imported} restored, {report.skipped_existing} were there already")
    if report.definitions:
        output.line(f"{counted(report.definitions, 'definition')} kept as well")
    output.document(
        {
            "imported": report.imported,
            "skipped": report.skipped_existing,
            "definitions": report.definitions,
        }
    )
    return 0
