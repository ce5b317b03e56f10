"""Where a child is in its life, as its supervisor sees it: a type for each phase."""

from __future__ import annotations

from typing import Literal

import attrs

from ._child import Child
from ._intensity import Intensity
from ._notices import ChildEnd

Why = Literal["initial", "added", "asked", "restart"]
"""Why a child is started; decides what follows if that fails."""


@attrs.frozen
class Idle:
    """Not running, until somebody asks for it or its group is restarted."""


@attrs.frozen
class Gone:
    """Forgotten. Only ever what comes next: a child in this phase is no longer there."""


@attrs.frozen
class Waiting:
    """To be started: not before `due`, and not before it is its turn."""

    due: float
    why: Why


@attrs.frozen
class Starting:
    """Being started."""

    life: int
    why: Why


@attrs.frozen
class Running:
    """Started, at the time `since`."""

    life: int
    since: float


Next = Idle | Gone | Waiting


@attrs.frozen
class Condemned:
    """Still running; it will be asked to end when those after it have ended."""

    life: int
    then: Next


@attrs.frozen
class Stopping:
    """Asked to end."""

    life: int
    then: Next


Phase = Idle | Waiting | Starting | Running | Condemned | Stopping

STATES: dict[type[Phase], str] = {
    Idle: "idle",
    Waiting: "waiting",
    Starting: "starting",
    Running: "running",
    Condemned: "stopping",
    Stopping: "stopping",
}


class RestartLedger:
    """The restarts that count against an intensity, with what made them necessary."""

    def __init__(self, intensity: Intensity) -> None:
        self._intensity = intensity
        self._times: tuple[float, ...] = ()
        self.causes: tuple[BaseException, ...] = ()

    def add(self, now: float, cause: BaseException) -> bool:
        """Enter a restart; false if it is one too many. `causes` then tells all that led to it."""
        times = self._intensity.add(self._times, now)
        count = self._intensity.restarts + 1 if times is None else len(times)
        self.causes = (*self.causes, cause)[-count:]
        self._times = self._times if times is None else times
        return times is not None


@attrs.define
class Member:
    """One child under supervision. Written by its `Supervision` only.

    `failures` counts those in a row, for the back-off; `restarts` all of them.
    """

    child: Child
    phase: Phase
    ledger: RestartLedger | None
    restarts: int = 0
    failures: int = 0
    last: ChildEnd | None = None

    @property
    def state(self) -> str:
        """The phase in a word, for the tree."""
        return STATES[type(self.phase)]
