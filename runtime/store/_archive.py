"""Executions in a file of their own: exported before they are deleted, say, and put back later.

An archive is JSON lines, compressed by gzip. A line is one execution with all that is stored for
it, or a definition that the store kept, which stands before the first execution that ran it. An
archive takes its name when it is whole and on the disk.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import tempfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

import attrs
import msgspec

from ._contract import (
    EVERYTHING,
    Append,
    DamagedHead,
    ExecutionHead,
    HeadFilter,
    KeptDefinition,
    Snapshot,
    Store,
)
from ._errors import (
    ArchiveConflict,
    ArchiveFailed,
    CorruptArchive,
    CorruptExecution,
    StaleWriter,
)

FORMAT = 1
"""Of the line of an execution; archives of nothing else are read by earlier versions too."""

FORMAT_OF_DEFINITIONS = 2
_BATCH = 100  # executions in a commit: the disk takes them far faster than one by one

Progress = Callable[[int], None]
"""Told now and then how many executions have been dealt with."""

OnDamaged = Callable[[CorruptExecution], None]
"""Told of an execution that is left out because it is damaged."""


_Content = tuple[str, int, str]
"""Which definition: its id, its version, and the hash of its content."""


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One execution: bodies are in base64, with their numbers."""

    format: int
    head: ExecutionHead
    snapshot: tuple[int, bytes] | None
    records: tuple[tuple[int, bytes], ...]


class _DefinitionLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One definition: its body is in base64."""

    format: int
    definition: KeptDefinition


class _Format(msgspec.Struct, frozen=True):
    """What tells whether a line can be read at all."""

    format: int


@attrs.frozen
class ImportReport:
    """How many executions were put back, and how many were left alone, being there already.

    `definitions` are those that the store did not keep before.
    """

    imported: int = 0
    skipped_existing: int = 0
    definitions: int = 0


def export_executions(
    store: Store,
    path: str | Path,
    wanted: HeadFilter | Sequence[str] = EVERYTHING,
    *,
    progress: Progress | None = None,
    on_damaged: OnDamaged | None = None,
) -> int:
    """Write executions to an archive, which is replaced if it is there; returns how many.

    Each is written as it is at one moment; they need not rest meanwhile. The definitions that they
    run are written as well, as far as the store keeps them. Ids that are unknown are left out, as
    are those that are damaged if there is an `on_damaged`; else `CorruptExecution` is raised. Mail
    is not written. Raises `ArchiveFailed`, and leaves nothing behind then.
    """
    count, written = 0, set[_Content]()
    with _new_file(Path(path)) as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as lines:
        for line in _lines_of(store, wanted, on_damaged):
            for definition in _new_definitions(store, line.head, written):
                lines.write(_encoded(_DefinitionLine(FORMAT_OF_DEFINITIONS, definition)))
            lines.write(_encoded(line))
            count += 1
            if progress is not None:
                progress(count)
    return count


def import_executions(
    store: Store, path: str | Path, *, progress: Progress | None = None
) -> ImportReport:
    """Put the executions of an archive back as they were, but for those whose id is there already.

    The definitions in it are kept in the store from then on. The whole archive is checked before
    anything is written: raises `CorruptArchive` with the number of the line, `ArchiveFailed`, and
    `ArchiveConflict` if the store keeps other content for a version that is in the archive.
    """
    definitions = _check(store, Path(path))
    report, turns = ImportReport(definitions=definitions), _keeping(store, _read(Path(path)))
    while several := list(islice(turns, _BATCH)):
        new = [each for each in several if not _is_known(store, each[0].id)]
        imported = _commit(store, new)
        report = attrs.evolve(
            report,
            imported=report.imported + imported,
            skipped_existing=report.skipped_existing + len(several) - imported,
        )
        if progress is not None:
            progress(report.imported + report.skipped_existing)
    return report


### Writing.


def _lines_of(
    store: Store, wanted: HeadFilter | Sequence[str], on_damaged: OnDamaged | None
) -> Iterator[_Line]:
    for found in _found(store, wanted):
        try:
            line = _line_of(store, found)
        except CorruptExecution as error:
            if on_damaged is None:
                raise
            on_damaged(error)
        else:
            if line is not None:
                yield line


def _found(store: Store, wanted: HeadFilter | Sequence[str]) -> Iterator[str | DamagedHead]:
    if not isinstance(wanted, HeadFilter):
        yield from wanted
        return
    page = store.heads(wanted)
    while page:
        yield from (head if isinstance(head, DamagedHead) else head.id for head in page)
        page = store.heads(wanted, after=page[-1].place)


def _line_of(store: Store, found: str | DamagedHead) -> _Line | None:
    """All of one execution, None if it is unknown; raises `CorruptExecution`."""
    if isinstance(found, DamagedHead):
        raise CorruptExecution(found.id, None, found.why)
    stored = store.load(found)
    if stored is None:
        return None
    snapshot = stored.snapshot or Snapshot(0, b"")
    before = [record for record in store.journal(found) if record.seq <= snapshot.seq]
    return _Line(
        format=FORMAT,
        head=stored.head,
        snapshot=None if stored.snapshot is None else (snapshot.seq, snapshot.body),
        records=tuple((record.seq, record.body) for record in (*before, *stored.records)),
    )


def _new_definitions(
    store: Store, head: ExecutionHead, written: set[_Content]
) -> Iterator[KeptDefinition]:
    """The definition that an execution runs, if the store keeps it, and it is the first to."""
    content = head.definition, head.version, head.hash
    if content not in written:
        written.add(content)
        kept = store.definition(head.definition, head.version)
        if kept is not None and kept.hash == head.hash:
            yield kept


def _encoded(line: _Line | _DefinitionLine) -> bytes:
    return msgspec.json.encode(line) + b"\n"


@contextlib.contextmanager
def _new_file(path: Path) -> Generator[IO[bytes]]:
    """A file that takes its name at the end of the block, on the disk; else it goes."""
    with _translated(path):
        file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed and renamed below
            dir=path.parent, prefix=f".{path.name}-", delete=False
        )
        try:
            with file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink()
            raise
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Have the name of a file on the disk, too, where folders can be opened."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


@contextlib.contextmanager
def _translated(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveFailed(str(path), str(error)) from error


### Reading.


_Turns = tuple[Append, ...]
"""What puts one execution back."""


def _check(store: Store, path: Path) -> int:
    """Read all of an archive; returns how many definitions in it are new.

    Raises for the first line that is damaged, or whose definition is another one than that kept in
    the store or told by an earlier line.
    """
    hashes: dict[tuple[str, int], str] = {}
    count = 0
    for number, found in enumerate(_read(path), 1):
        if not isinstance(found, KeptDefinition):
            continue
        if found.place not in hashes:
            kept = store.definition(*found.place)
            hashes[found.place] = found.hash if kept is None else kept.hash
            count += kept is None
        if (known := hashes[found.place]) != found.hash:
            raise ArchiveConflict(*found.place, known, found.hash, str(path), number)
    return count


def _keeping(store: Store, lines: Iterator[_Turns | KeptDefinition]) -> Iterator[_Turns]:
    """The executions of an archive; definitions are kept as they come."""
    for found in lines:
        if isinstance(found, KeptDefinition):
            store.put_definition(found)
        else:
            yield found


def _read(path: Path) -> Iterator[_Turns | KeptDefinition]:
    """What each line puts back; raises for the first line that is damaged."""
    for number, line in enumerate(_lines_in(path), 1):
        try:
            parsed = _parsed(line)
            found = parsed.definition if isinstance(parsed, _DefinitionLine) else _turns_of(parsed)
        except (msgspec.DecodeError, ValueError) as error:
            raise CorruptArchive(str(path), number, str(error)) from error
        yield found


def _lines_in(path: Path) -> Iterator[bytes]:
    """The lines, decompressed; an archive of nothing is not empty either."""
    with _translated(path):
        size = path.stat().st_size
    if not size:
        raise CorruptArchive(str(path), 1, "the file is empty")
    number = 0
    try:
        with _translated_but_for_gzip(path), gzip.open(path) as lines:
            for line in lines:
                number += 1
                yield line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CorruptArchive(str(path), number + 1, str(error)) from error


@contextlib.contextmanager
def _translated_but_for_gzip(path: Path) -> Generator[None]:
    try:
        yield
    except gzip.BadGzipFile:
        raise
    except OSError as error:
        raise ArchiveFailed(str(path), str(error)) from error


def _parsed(line: bytes) -> _Line | _DefinitionLine:
    found = msgspec.json.decode(line, type=_Format).format
    if found == FORMAT:
        return msgspec.json.decode(line, type=_Line)
    if found == FORMAT_OF_DEFINITIONS:
        return msgspec.json.decode(line, type=_DefinitionLine)
    known = f"{FORMAT} and {FORMAT_OF_DEFINITIONS}"
    raise ValueError(f"its format is version {found}, known are {known}")


def _turns_of(line: _Line) -> _Turns:
    """The turns that make an execution what it was: up to its snapshot, and from there on.

    Raises `ValueError` if its records are not those that the head and the snapshot want.
    """
    head, numbers = line.head, [seq for seq, _ in line.records]
    first = numbers[0] if numbers else head.seq + 1
    since, body = line.snapshot or (0, None)
    if numbers != list(range(first, head.seq + 1)) or not 1 <= first <= since + 1:
        wanted = f"all from {since + 1} to {head.seq}"
        raise ValueError(f"execution {head.id!r} has records {_shown(numbers)}, not {wanted}")
    if since > head.seq:
        raise ValueError(f"execution {head.id!r} ends at {head.seq}, before its snapshot {since}")
    bodies = [each for _, each in line.records]
    cut = since + 1 - first
    early = Append(msgspec.structs.replace(head, seq=since), tuple(bodies[:cut]), body)
    late = Append(head, tuple(bodies[cut:]))
    return (early, late) if line.snapshot is not None else (late,)


def _shown(numbers: Sequence[int]) -> str:
    return f"{numbers[0]} to {numbers[-1]} ({len(numbers)})" if numbers else "none"


def _is_known(store: Store, execution: str) -> bool:
    try:
        return store.load(execution) is not None
    except CorruptExecution:
        return True


def _commit(store: Store, executions: Sequence[Iterable[Append]]) -> int:
    """Store executions; returns how many were not there after all."""
    try:
        store.commit([turn for turns in executions for turn in turns])
    except StaleWriter:
        if len(executions) == 1:
            return 0
        return sum(_commit(store, (turns,)) for turns in executions)
    return len(executions)
