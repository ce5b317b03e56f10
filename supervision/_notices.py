"""What a supervisor tells its owner, in order: frozen values that describe one thing each."""

from __future__ import annotations

import attrs

from ._strategy import EndKind


@attrs.frozen
class ChildStarted:
    """A child has started, for the first time or again."""

    name: str
    at: float


@attrs.frozen
class ChildEnd:
    """A life of a child is over.

    `normal`: it returned. `crashed`: it raised `error`. `shutdown`: it was asked to end and did.
    `killed`: it was asked to, and had to be cancelled when its time was over. For a child that
    is asked by cancelling it, `shutdown`.
    """

    name: str
    how: EndKind
    error: BaseException | None
    at: float


@attrs.frozen
class ChildRestarting:
    """A child has ended because of `error`; it and its group start again, not before `due`.

    `restarts` counts those of the child since the supervisor began, this one included.
    """

    name: str
    at: float
    due: float
    error: BaseException
    restarts: int
    group: tuple[str, ...]


@attrs.frozen
class ChildGivenUp:
    """A child of a dynamic supervisor has used up its own intensity and is not restarted."""

    name: str
    at: float
    causes: tuple[BaseException, ...]


Notice = ChildStarted | ChildEnd | ChildRestarting | ChildGivenUp
