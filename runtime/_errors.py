"""What a runtime refuses, and how an execution's failure is raised."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ..actors import ProcessEngineError, RuntimeClosed
from ..supervision import Group
from .execution import ErrorContext


@attrs.define(eq=False, repr=False, str=False)
class AdmissionRefused(ProcessEngineError):
    """The runtime is at its limits; spawn again later, or raise the limit."""

    id: str
    running: int
    queued: int

    def __str__(self) -> str:
        return (
            f"execution {self.id!r} was refused: {self.running} are running"
            f" (max_concurrent_executions) and {self.queued} are queued (admission_queue_limit)"
        )


@attrs.define(eq=False, repr=False, str=False)
class ExecutionConflict(ProcessEngineError):
    """An execution of that id exists, but of something else; choose another id."""

    id: str
    existing: str
    wanted: str

    def __str__(self) -> str:
        return f"execution {self.id!r} exists with {self.existing}, not with {self.wanted}"


@attrs.define(eq=False, repr=False, str=False)
class GroupConflict(ProcessEngineError):
    """A shared group was declared before with another policy; make them the same."""

    name: str
    existing: Group
    wanted: Group

    def __str__(self) -> str:
        differing = [
            f"{field.name} was {getattr(self.existing, field.name)!r:.80},"
            f" is {getattr(self.wanted, field.name)!r:.80}"
            for field in attrs.fields(Group)
            if getattr(self.existing, field.name) != getattr(self.wanted, field.name)
        ]
        return f"shared group {self.name!r} exists with another policy: {'; '.join(differing)}"


@attrs.define(eq=False, repr=False, str=False)
class UnknownGroup(ProcessEngineError):
    """No group, or more than one, is meant by that name. Groups exist once a spawn needs them."""

    name: str
    definition: str | None
    known: tuple[str, ...]

    def __str__(self) -> str:
        of = "" if self.definition is None else f" of {self.definition!r}"
        return (
            f"{self.name!r}{of} means no single group; there are {', '.join(self.known) or 'none'}"
        )


@attrs.define(eq=False, repr=False, str=False)
class UnknownDefinition(ProcessEngineError):
    """No definition of that name was given, and no loader knows it; `known` are those given."""

    id: str
    version: int | None
    known: tuple[str, ...] = ()

    def __str__(self) -> str:
        which = "" if self.version is None else f" v{self.version}"
        given = f" (given: {', '.join(sorted(self.known))})" if self.known else ""
        return f"there is no definition {self.id + which!r}{given}"


@attrs.define(eq=False, repr=False, str=False)
class BadLoad(ProcessEngineError):
    """A loader gave something else than the definition that it was asked for; mend the loader."""

    id: str
    version: int | None
    found: str

    def __str__(self) -> str:
        version = "any version" if self.version is None else f"version {self.version}"
        expected = f"expected a ProcessDefinition {self.id!r} of {version}, or None"
        return f"the loader, asked for {self.id!r}: {expected}, got {self.found}"


@attrs.define(eq=False, repr=False, str=False)
class BadArgument(ProcessEngineError):
    """A call was made with something it cannot use; nothing was done."""

    call: str
    argument: str
    value: object
    expected: str

    def __str__(self) -> str:
        return f"{self.call}: {self.argument}: expected {self.expected}, got {self.value!r:.120}"


@attrs.define(eq=False, repr=False, str=False)
class RuntimeNotOpen(RuntimeClosed):
    """A runtime was used before its block; enter that first."""

    runtime: str = "not open yet"

    def __str__(self) -> str:
        return "this runtime is not open yet: use it inside `async with open_runtime() as runtime`"


@attrs.define(eq=False, repr=False, str=False)
class NotInTrio(ProcessEngineError, RuntimeError):
    """Something was done outside trio that needs it; under asyncio, run trio in a thread."""

    what: str

    def __str__(self) -> str:
        return f"{self.what} needs trio: it works in what `trio.run` runs, not under another loop"


@attrs.define(eq=False, repr=False, str=False)
class UnknownExecution(ProcessEngineError):
    """There is no execution of that id, or it ended so long ago that it was forgotten."""

    id: str

    def __str__(self) -> str:
        return f"there is no execution {self.id!r}"


@attrs.define(eq=False, repr=False, str=False)
class ExecutionParked(ProcessEngineError):
    """An execution is kept in the store, but cannot be run here as it is; nothing of it is lost."""

    id: str
    why: str

    def __str__(self) -> str:
        return f"execution {self.id!r} is parked: {self.why}"


@attrs.define(eq=False, repr=False, str=False)
class CannotRewind(ProcessEngineError):
    """An execution cannot go on from where it was asked to; nothing was changed."""

    id: str
    why: str

    def __str__(self) -> str:
        return f"execution {self.id!r} cannot go on from there: {self.why}"


@attrs.define(eq=False, repr=False, str=False)
class MigrationError(ProcessEngineError):
    """An execution does not fit into another definition; `faults` are all the reasons."""

    id: str
    definition: str
    faults: tuple[str, ...]

    def __str__(self) -> str:
        lines = "".join(f"\n  {fault}" for fault in self.faults)
        return f"execution {self.id!r} cannot be migrated to {self.definition}:{lines}"


@attrs.define(eq=False, repr=False, str=False)
class ExecutionNotCompleted(ProcessEngineError):
    """Raised by `Outcome.completed()` if the execution ended otherwise; `error` is the failure."""

    id: str
    state: str
    reason: str | None
    error: ErrorContext | None

    def __str__(self) -> str:
        return f"execution {self.id!r} {self.state}: {self.reason}"


@attrs.define(eq=False, repr=False, str=False)
class OptionError(ProcessEngineError):
    """Options cannot be used; `faults` maps each one at fault to what is wrong with it."""

    source: str
    faults: Mapping[str, str]

    def __str__(self) -> str:
        lines = "".join(f"\n  {name}: {fault}" for name, fault in self.faults.items())
        count = f"{len(self.faults)} bad option{'s' if len(self.faults) != 1 else ''}"
        return f"{self.source}: {count}{lines}"
