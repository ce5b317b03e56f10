"""What a supervision wants done, in order; doing so never blocks."""

from __future__ import annotations

import attrs

from ..actors import ProcessEngineError
from ._child import Child
from ._notices import ChildEnd, Notice


@attrs.frozen
class Start:
    """Begin a life of a child; it is to be reported as started, or not, and then as ended."""

    child: Child
    life: int


@attrs.frozen
class Stop:
    """Ask a life to end, and force it when its time is over."""

    name: str
    life: int


@attrs.frozen
class Tell:
    """Pass a notice on to whoever wants to know."""

    notice: Notice


@attrs.frozen
class Rest:
    """A child is at rest: it will not start of its own accord, or has been forgotten.

    `last` is how its last life ended, if it had one.
    """

    name: str
    is_forgotten: bool
    last: ChildEnd | None


@attrs.frozen
class Ready:
    """All children that were there at the beginning have started."""


@attrs.frozen
class Finish:
    """No child lives any more and none will: it is over, by request or because of an error."""

    error: ProcessEngineError | None


Action = Start | Stop | Tell | Rest | Ready | Finish
