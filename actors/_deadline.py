"""Deadlines on trio's clock that are told by other clocks."""

from __future__ import annotations

import math

import trio


def deadline_after(seconds: float) -> float:
    """The time on trio's clock when so many seconds are over: later than now, unless they are.

    So who waits for it does wait, if less than the clock can tell is left. Under a virtual clock,
    which stands still while anybody runs, looking again at once would go on for ever.
    """
    now = trio.current_time()
    return now + seconds if seconds <= 0 else max(now + seconds, math.nextafter(now, math.inf))
