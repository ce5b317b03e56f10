"""What can go wrong between values and bytes, told to whoever can do something about it."""

from __future__ import annotations

import attrs

from ...actors import ProcessEngineError
from ...supervision import NonRetryable


@attrs.define(eq=False, repr=False, str=False)
class UnstorableValue(NonRetryable):
    """A value cannot be written to a store: the process that made it has to change.

    `path` leads to it from the message's field or the memory, `type` is its qualified name.
    """

    path: str
    type: str
    advice: str

    def __str__(self) -> str:
        where = f" (at {self.path})" if self.path else ""
        return f"a value of type {self.type} cannot be stored{where}: {self.advice}"

    def inside(self, part: str) -> UnstorableValue:
        """The same, seen from one container further out."""
        return UnstorableValue(part + self.path, self.type, self.advice)


@attrs.define(eq=False, repr=False, str=False)
class _Unreadable(ProcessEngineError):
    """Stored bytes that cannot be read. `what` is a record or a snapshot, `seq` its number."""

    what: str
    why: str
    execution: str | None = None
    seq: int | None = None

    def __str__(self) -> str:
        of = "" if self.execution is None else f" of execution {self.execution!r}"
        number = "" if self.seq is None else f" {self.seq}"
        return f"{self.what}{number}{of} {self._verdict}: {self.why}"

    @property
    def _verdict(self) -> str:
        return "cannot be read"


@attrs.define(eq=False, repr=False, str=False)
class CorruptRecord(_Unreadable):
    """Stored bytes are not what was written: the file was damaged, or they are not ours."""

    @property
    def _verdict(self) -> str:
        return "is corrupt"

    def located(self, execution: str, seq: int | None = None) -> CorruptRecord:
        """The same, telling which execution it is of and where in its journal."""
        return attrs.evolve(self, execution=execution, seq=seq)


@attrs.define(eq=False, repr=False, str=False)
class UnknownRecord(_Unreadable):
    """Stored bytes are sound, but this program does not know what they mean.

    They come from a newer version, or the host has not registered a type that it had before.
    """

    @property
    def _verdict(self) -> str:
        return "cannot be understood"

    def located(self, execution: str, seq: int | None = None) -> UnknownRecord:
        """The same, telling which execution it is of and where in its journal."""
        return attrs.evolve(self, execution=execution, seq=seq)
