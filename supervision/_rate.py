"""A rate limit: a token bucket that says whether a call may start now. Pure, O(1).

Source: the generic cell rate algorithm (ITU-T I.371, virtual scheduling), which keeps a bucket as
one number: the time at which it would be full again.
"""

from __future__ import annotations

import math

import attrs

from ._expected import FINITE_LENGTH, whole

_ROUNDING = 1e-9
"""Seconds: a wait as short as this is only what floats make of none."""


@attrs.frozen
class RatePolicy:
    """At most `calls` per `seconds` in the long run, and `burst` at once after a rest.

    In no interval of `t` seconds, whatever its place, start more than
    `burst + t * calls / seconds` calls. Without a `burst` it is `calls`, so up to twice `calls` may
    start in the first `seconds` after a rest; a burst of 1 spaces all calls evenly.
    """

    calls: int = attrs.field(validator=whole(1))
    seconds: float = attrs.field(validator=FINITE_LENGTH)
    burst: int | None = attrs.field(default=None, validator=whole(1).or_none)

    @property
    def interval(self) -> float:
        """Seconds in which the bucket gains one call."""
        return self.seconds / self.calls

    @property
    def depth(self) -> int:
        """How many calls a full bucket holds: the burst that is meant."""
        return self.calls if self.burst is None else self.burst


class RateLimit:
    """The bucket of one group; it begins full.

    Times come from one clock, in seconds; should it run backwards, the limit holds all the same.
    """

    __slots__ = ("_full_at", "_interval", "_slack", "policy")

    def __init__(self, policy: RatePolicy) -> None:
        self.policy: RatePolicy = policy
        self._interval: float = policy.interval
        self._slack: float = (policy.depth - 1) * policy.interval
        self._full_at: float = float("-inf")

    def __repr__(self) -> str:
        return f"<RateLimit {self.policy.calls} per {self.policy.seconds:g} s>"

    def wait(self, now: float) -> float:
        """Seconds until a call may start; 0.0 if one may now."""
        wait = max(self._full_at, now) - self._slack - now
        return wait if wait > _ROUNDING else 0.0

    def take(self, now: float) -> bool:
        """Take a call out of the bucket; false, and nothing taken, if none is in it."""
        if self.wait(now):
            return False
        self._full_at = max(self._full_at, now) + self._interval
        return True

    def ready(self, now: float) -> int:
        """How many calls are in the bucket."""
        spare = self._slack - (max(self._full_at, now) - now)
        return max(0, 1 + math.floor(spare / self._interval + _ROUNDING))
