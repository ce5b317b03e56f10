"""What goes wrong with a store, told to whoever can do something about it."""

from __future__ import annotations

import attrs

from ...actors import ProcessEngineError


class StoreError(ProcessEngineError):
    """Base of what a store, or the writer in front of it, raises."""


@attrs.define(eq=False, repr=False, str=False)
class StaleWriter(StoreError):
    """A turn does not continue what is stored: another host has taken over, or a write was lost.

    Load the execution again; nothing of the turn was stored. `stored_seq` and
    `stored_incarnation` are 0 if the execution is unknown.
    """

    execution: str
    incarnation: int
    first_seq: int
    stored_incarnation: int
    stored_seq: int

    def __str__(self) -> str:
        return (
            f"execution {self.execution!r}: incarnation {self.incarnation} cannot write from"
            f" record {self.first_seq} on: incarnation {self.stored_incarnation} has stored up to"
            f" record {self.stored_seq}"
        )


@attrs.define(eq=False, repr=False, str=False)
class CorruptExecution(StoreError):
    """What is stored of one execution is damaged; others are not affected. Set it aside.

    `seq` is the number of the record that is missing or unreadable, if it is one.
    """

    execution: str
    seq: int | None
    why: str

    def __str__(self) -> str:
        where = "" if self.seq is None else f" at record {self.seq}"
        return f"execution {self.execution!r} is damaged{where}: {self.why}"


@attrs.define(eq=False, repr=False, str=False)
class DefinitionConflict(StoreError):
    """Another definition was published under that id and version; give this one a new version.

    `kept` and `given` are the hashes of their content.
    """

    id: str
    version: int
    kept: str
    given: str

    def __str__(self) -> str:
        return (
            f"definition {self.id} v{self.version} is kept with the content {self.kept:.12}, not"
            f" with {self.given:.12}: what has changed gets a new version"
        )


@attrs.define(eq=False, repr=False, str=False)
class ArchiveConflict(DefinitionConflict):
    """An archive brings another definition than the store keeps for that version, or has two.

    Nothing was imported: import into another store, or `unpublish` the one that is kept. `line` is
    that of the archive.
    """

    path: str
    line: int

    def __str__(self) -> str:
        return (
            f"archive {self.path}, line {self.line}: definition {self.id} v{self.version} is there"
            f" with the content {self.given:.12}, and kept with {self.kept:.12}; nothing was"
            " imported"
        )


@attrs.define(eq=False, repr=False, str=False)
class DefinitionInUse(StoreError):
    """A definition was to be deleted that executions run; let them end, or migrate them, first.

    `executions` are the ids of some of the `count` that have not ended. Without the definition
    their next host parks them, unless it has it from elsewhere.
    """

    id: str
    version: int
    executions: tuple[str, ...]
    count: int

    def __str__(self) -> str:
        named = ", ".join(map(repr, self.executions))
        more = self.count - len(self.executions)
        others = f" and {more} more" if more > 0 else ""
        return (
            f"definition {self.id} v{self.version} is run by executions that have not ended:"
            f" {named}{others}"
        )


@attrs.define(eq=False, repr=False, str=False)
class StoreClosed(StoreError):
    """A store was used after it was closed."""

    store: str

    def __str__(self) -> str:
        return f"store {self.store} is closed"


@attrs.define(eq=False, repr=False, str=False)
class StoreTooNew(StoreError):
    """The file was written by a newer ProcessEngine; update this one. The file is untouched."""

    store: str
    found: int
    known: int

    def __str__(self) -> str:
        return (
            f"store {self.store} has schema version {self.found}, and this ProcessEngine knows"
            f" versions up to {self.known}: update it"
        )


@attrs.define(eq=False, repr=False, str=False)
class StoreBroken(StoreError):
    """Base of what is wrong with the storage itself, whatever was asked of it."""

    store: str
    why: str

    def __str__(self) -> str:
        return f"store {self.store}: {self.why}"


class StoreNotOpened(StoreBroken):
    """There is no such file, or it cannot be opened: a folder, say, or no right to."""


class NotAStore(StoreBroken):
    """The file is something else; it is untouched. Give the name of another one."""


class StoreLocked(StoreBroken):
    """Another process holds the file longer than we were to wait; end it or try again."""


class StoreInUse(StoreBroken):
    """Another host runs what is stored; end it first, or be no host."""


class StoreReadOnly(StoreBroken):
    """The file, its folder or the whole medium cannot be written to."""


class StoreFull(StoreBroken):
    """There is no space left; make some and try again."""


class StoreCorrupt(StoreBroken):
    """The file is damaged in more than one execution; restore a copy."""


class StoreFailed(StoreBroken):
    """The storage failed in another way, the medium say; whether it was written is unknown."""


@attrs.define(eq=False, repr=False, str=False)
class ArchiveFailed(StoreError):
    """An archive cannot be written or read: no such folder, say, or no space left in it."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"archive {self.path}: {self.why}"


@attrs.define(eq=False, repr=False, str=False)
class CorruptArchive(StoreError):
    """An archive is damaged, or was written by a newer ProcessEngine; nothing was imported.

    `line` is the number of the first line that cannot be used.
    """

    path: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"archive {self.path}, line {self.line}: {self.why}"


@attrs.define(eq=False, repr=False, str=False)
class WriterFull(StoreError):
    """A write was refused, as too many are waiting; wait for room and try again."""

    capacity: int

    def __str__(self) -> str:
        return f"the journal writer is full: {self.capacity} writes are waiting"


@attrs.define(eq=False, repr=False, str=False)
class WriterClosed(StoreError):
    """A write was refused, or given up unwritten: the journal writer is closed."""

    def __str__(self) -> str:
        return "the journal writer is closed"


@attrs.define(eq=False, repr=False, str=False)
class WriterCrashed(StoreError):
    """The writer's thread died; run it again: nothing that is queued was lost."""

    why: str

    def __str__(self) -> str:
        return f"the thread of the journal writer died: {self.why}"
