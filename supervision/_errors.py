"""The errors of supervision."""

from __future__ import annotations

import attrs

from ..actors import ProcessEngineError


@attrs.define(eq=False, repr=False, str=False)
class SupervisorGaveUp(ProcessEngineError):
    """A supervisor ended because restarts did not help; whoever supervises it decides now.

    `causes` are the errors that used up the intensity of `child`'s restarts, the oldest first.
    """

    supervisor: str
    child: str
    causes: tuple[BaseException, ...]

    def __str__(self) -> str:
        last = self.causes[-1]
        return (
            f"supervisor {self.supervisor!r} gave up at child {self.child!r} after"
            f" {len(self.causes)} failures, the last one {type(last).__name__}: {last}"
        )


@attrs.define(eq=False, repr=False, str=False)
class ChildNotStarted(ProcessEngineError):
    """A child failed on its very first start, or was stopped before it had started (no `cause`)."""

    supervisor: str
    child: str
    cause: BaseException | None = None

    def __str__(self) -> str:
        why = f"{type(self.cause).__name__}: {self.cause}" if self.cause else "it was stopped"
        return f"child {self.child!r} of supervisor {self.supervisor!r} did not start: {why}"


@attrs.define(eq=False, repr=False, str=False)
class ChildReturned(ProcessEngineError):
    """A child returned that should have gone on; give it another restart type, or mend it."""

    child: str
    before: str

    def __str__(self) -> str:
        return f"child {self.child!r} returned before {self.before}"


@attrs.define(eq=False, repr=False, str=False)
class UnknownChild(ProcessEngineError):
    """A supervisor was asked about a child that it does not have, or no longer."""

    supervisor: str
    child: str

    def __str__(self) -> str:
        return f"supervisor {self.supervisor!r} has no child {self.child!r}"


@attrs.define(eq=False, repr=False, str=False)
class DuplicateChild(ProcessEngineError):
    """A child was added under a name that is taken; one being removed still has its name."""

    supervisor: str
    child: str

    def __str__(self) -> str:
        return f"supervisor {self.supervisor!r} already has a child {self.child!r}"
