"""A rate limit: a token bucket that says when the next call may start. Pure, O(1).

Source: the generic cell rate algorithm (ITU-T I.371, virtual scheduling), which keeps a bucket as
one number: the time at which it would be full again. Unlike there, a call that comes too early is
not turned away but given the time of its start, and may be taken back.
"""

from __future__ import annotations

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

    Starts are given in the order in which they are reserved. Times come from one clock, in seconds;
    should it run backwards, the limit holds all the same.
    """

    __slots__ = ("_full_at", "_interval", "_slack", "policy")

    def __init__(self, policy: RatePolicy) -> None:
        self.policy: RatePolicy = policy
        self._interval: float = policy.interval
        self._slack: float = (policy.depth - 1) * policy.interval
        self._full_at: float = float("-inf")

    def __repr__(self) -> str:
        return f"<RateLimit {self.policy.calls} per {self.policy.seconds:g} s>"

    def reserve(self, now: float) -> float:
        """Reserve the next call; the seconds until it may start, 0.0 if that is now."""
        full_at = max(self._full_at, now)
        self._full_at = full_at + self._interval
        wait = full_at - self._slack - now
        return wait if wait > _ROUNDING else 0.0

    def give_back(self, start: float, now: float) -> None:
        """Return, once, a reservation that is not used; `start` is its `now` plus its wait.

        Those behind it keep the starts that they were told, so what is returned shrinks with every
        second that passed since `start`, down to nothing. While reservations wait, only the latest
        of them is returned (and so each in turn, from the end); any other counts as used.
        """
        latest = self._full_at - self._interval - self._slack
        if latest <= now + _ROUNDING:
            self._full_at -= min(self._interval, max(0.0, self._interval - (now - start)))
        elif start > now and start > latest - self._interval / 2:
            # Those who wait start an interval apart: half of one tells them apart in floats.
            self._full_at -= self._interval
