"""The clock of a runtime that has a store: its times mean the same in the next process."""

from __future__ import annotations

import time
from collections.abc import Callable

import trio


def is_time_real() -> bool:
    """Whether this event loop goes by the system's clock, and not by a virtual one."""
    clock = type(trio.lowlevel.current_clock())
    return (clock.__module__.partition(".")[0], clock.__name__) == ("trio", "SystemClock")


class WallClock:
    """Seconds since 1970, looked at once: from then on it goes on evenly, as trio's clock does.

    So a change of the system's time moves no timer of this process; the next process takes it up.
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        clock = trio.lowlevel.current_clock().current_time
        self._time: Callable[[], float] = time.perf_counter if is_time_real() else clock
        self._offset = wall() - self._time()

    def __repr__(self) -> str:
        return f"<WallClock {self.now():.3f}>"

    def now(self) -> float:
        """The time."""
        return self._time() + self._offset

    def raise_to(self, time: float) -> None:
        """Begin no earlier than that: what is stored must not lie in the future."""
        self._offset += max(0.0, time - self.now())
