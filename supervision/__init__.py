"""Who decides after a failure. Pure policies and state machines, told the time and the randomness.

This folder never awaits and never reads a clock. Start reading at `_retry`, then `_breaker`.
"""

from ._breaker import Breaker, BreakerChange, BreakerPolicy, BreakerState, Permit, Refusal
from ._intensity import Intensity
from ._retry import NO_RETRY, Jitter, Retry
from ._window import CountWindow, Tally, TimeWindow, Window

__all__ = [
    "NO_RETRY",
    "Breaker",
    "BreakerChange",
    "BreakerPolicy",
    "BreakerState",
    "CountWindow",
    "Intensity",
    "Jitter",
    "Permit",
    "Refusal",
    "Retry",
    "Tally",
    "TimeWindow",
    "Window",
]
