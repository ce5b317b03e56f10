"""Where a child is in its life, as its supervisor sees it: a type for each phase."""

from __future__ import annotations

from typing import Literal

import attrs

from ._child import Child, Runnable, TreeNode
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


def _planned(phase: Phase) -> Phase | Gone:
    """What a child will be when those that are being stopped have ended."""
    return phase.then if isinstance(phase, Condemned | Stopping) else phase


def restarted_at_once(phase: Phase, now: float) -> Waiting:
    """What a child comes to that is restarted by hand."""
    planned = _planned(phase)
    return Waiting(now, planned.why if isinstance(planned, Waiting) else "asked")


def restarted_with_group(phase: Phase, due: float, comes_back: bool) -> Next:
    """What a child comes to when its group is restarted; who never started is no restart.

    A back-off that is under way is not cut short.
    """
    planned = _planned(phase)
    if isinstance(planned, Waiting):
        return Waiting(max(planned.due, due), planned.why)
    if isinstance(planned, Starting):
        return Waiting(due, planned.why)
    return Waiting(due, "restart") if comes_back else Gone()


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

    def node(self) -> TreeNode:
        """The child as it is now, with all below it."""
        child, state = self.child, STATES[type(self.phase)]
        if not isinstance(child.start, Runnable):
            return TreeNode(child.name, child.kind, state, self.restarts)
        below = child.start.tree()
        return attrs.evolve(below, name=child.name, state=state, restarts=self.restarts)
