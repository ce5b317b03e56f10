"""What follows when an execution crashes: another life from its history, or the end."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Protocol

from ..supervision import Backoff, Intensity
from ._timers import Timers
from .execution import Execution, about, logger, lost_attempts

INTENSITY = Intensity(restarts=3, seconds=60.0)
BACKOFF = Backoff(initial=0.01)


class RestartHouse(Protocol):
    """What restarting needs of the runtime."""

    clock: Callable[[], float]
    random: Random
    timers: Timers
    live: dict[str, Execution]
    is_closing: bool


class _Revival:
    """Wakes an execution to its new life; what was lost is as of its beginning."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._lost = lost_attempts(execution.state)

    @property
    def ended_at(self) -> float | None:
        return self._execution.ended_at

    def wake(self, _: object) -> None:
        if self._execution.ended_at is None:
            self._execution.revive(self._lost)


class Restarts:
    """Restarts executions that crashed, each at most `INTENSITY`, after a back-off.

    A crash is a fault of the engine: a turn raised. (A node that raises is a failure, which the
    process deals with.) The new life begins with the state that the history gives, without the
    message that brought the crash; attempts that were under way are made again. Siblings are not
    touched. Without a whole history, and beyond the intensity, the execution fails.
    """

    def __init__(self, house: RestartHouse) -> None:
        self._house = house

    def crashed(self, old: Execution, error: Exception) -> None:
        """An execution has crashed and given up what it was doing."""
        house, now = self._house, self._house.clock()
        restarts = INTENSITY.add(old.restarts, now)
        new = None if restarts is None or house.is_closing else _reborn(old, restarts)
        if new is None:
            old.fail(error)
            return
        house.live[new.id] = new
        delay = BACKOFF.delay(len(new.restarts), house.random.random())
        house.timers.add(now + delay, _Revival(new), None)


def _reborn(old: Execution, restarts: tuple[float, ...]) -> Execution | None:
    try:
        return old.reborn(restarts)
    except Exception as error:  # noqa: BLE001 - a supervision boundary
        logger.exception("execution %r cannot be restarted: %s", old.id, error, extra=about(old.id))
        return None
