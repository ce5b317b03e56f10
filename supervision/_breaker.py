"""A circuit breaker: a pure state machine that is told the time, the outcomes and the randomness.

Closed, it lets calls through and measures them. When too many fail, or are slow, it opens: calls
are refused until its time is over. Then it is half open: a few probes decide whether it closes or
opens again, for longer.

Source: the specification's `CircuitBreakerPolicy` (5 failures, 1 minute); Polly v8 and
resilience4j. Unlike these: an outcome counts only for the generation its permit is of, so a call
that began before the breaker opened never moves it; whatever was cancelled, paused or refused is
neutral and gives its permit back; a probe that nobody reports on is written off after a lease.
"""

from __future__ import annotations

from typing import Literal

import attrs

from ._expected import FROM_0, FROM_1, LENGTH, SHARE, whole
from ._window import CountWindow, Tally, TimeWindow, Window

BreakerState = Literal["closed", "open", "half_open", "isolated", "disabled"]


@attrs.frozen(kw_only=True)
class BreakerPolicy:
    """When a breaker opens, for how long, and how it closes again. Durations in seconds.

    It opens after `consecutive_failures`, or when of at least `minimum_calls` in the window (the
    latest `window_calls`, or those of the latest `window_seconds`) a share of `failure_rate` failed
    or a share of `slow_rate` took `slow_seconds` or more. None switches a rule off.

    It stays open for `open_seconds`, times `open_multiplier` for every time it opened again without
    closing in between, at most `open_maximum`; a share of up to `open_jitter` is added at random.
    Half open, it lets `probes` calls through at once, and closes after as many successes. A probe
    without an outcome is written off after `probe_lease`.
    """

    consecutive_failures: int | None = attrs.field(default=5, validator=whole(1).or_none)
    failure_rate: float | None = attrs.field(default=None, validator=SHARE.or_none)
    slow_rate: float | None = attrs.field(default=None, validator=SHARE.or_none)
    slow_seconds: float = attrs.field(default=60.0, validator=LENGTH)
    minimum_calls: int = attrs.field(default=10, validator=whole(1))
    window_calls: int = attrs.field(default=100, validator=whole(1))
    window_seconds: float | None = attrs.field(default=None, validator=LENGTH.or_none)
    open_seconds: float = attrs.field(default=60.0, validator=LENGTH)
    open_multiplier: float = attrs.field(default=1.0, validator=FROM_1)
    open_maximum: float = attrs.field(default=600.0, validator=LENGTH)
    open_jitter: float = attrs.field(default=0.0, validator=FROM_0)
    probes: int = attrs.field(default=1, validator=whole(1))
    probe_lease: float = attrs.field(default=60.0, validator=LENGTH)

    def window(self) -> Window:
        """An empty window of the kind that is asked for."""
        if self.window_seconds is not None:
            return TimeWindow(self.window_seconds)
        return CountWindow(self.window_calls)

    def open_for(self, times: int, draw: float) -> float:
        """How long to stay open the `times`-th time in a row; `draw` is uniform in [0, 1)."""
        grown = self.open_seconds * self.open_multiplier ** min(times - 1, 1000)
        return min(grown, self.open_maximum) * (1 + draw * self.open_jitter)


@attrs.frozen
class Permit:
    """Leave to make one call; its outcome counts only while the breaker is of this generation."""

    generation: int
    number: int


@attrs.frozen
class Refusal:
    """No leave; asking again makes sense in `retry_after` seconds (None: nobody knows)."""

    retry_after: float | None


@attrs.frozen
class BreakerChange:
    """The breaker has changed its state: `number` counts the changes, `why` says what did it."""

    number: int
    at: float
    before: BreakerState
    after: BreakerState
    why: str


class Breaker:
    """The state of one breaker. Every method takes the time, which must not run backwards.

    A method that may change the state returns the change, so that events are neither lost nor out
    of order, and nobody has to be called back.
    """

    def __init__(self, policy: BreakerPolicy) -> None:
        self.policy = policy
        self.state: BreakerState = "closed"
        self.generation: int = 0
        self._window = policy.window()
        self._failures_in_a_row = 0
        self._times_open = 0
        self._open_until = 0.0
        self._probes: dict[int, float] = {}
        self._successes = 0
        self._numbers = 0
        self._changes = 0

    def __repr__(self) -> str:
        return f"<Breaker {self.state} generation={self.generation} probes={len(self._probes)}>"

    @property
    def probes_out(self) -> int:
        """How many probes are under way."""
        return len(self._probes)

    def tally(self, now: float) -> Tally:
        """What was measured lately."""
        return self._window.tally(now)

    def retry_after(self, now: float) -> float | None:
        """Seconds until a call may be let through: 0 if one would be now, None if nobody knows."""
        if self.state in ("closed", "disabled"):
            return 0.0
        if self.state == "open":
            return max(0.0, self._open_until - now)
        if self.state == "isolated":
            return None
        if len(self._probes) < self.policy.probes:
            return 0.0
        return max(0.0, min(self._probes.values()) - now)

    def acquire(self, now: float) -> tuple[Permit | Refusal, BreakerChange | None]:
        """Ask for leave to make a call; an open breaker whose time is over becomes half open."""
        change = None
        if self.state == "open" and now >= self._open_until:
            change = self._become("half_open", now, "its time is over")
        if self.state == "half_open":
            return self._acquire_probe(now), change
        if self.state in ("open", "isolated"):
            return Refusal(self.retry_after(now)), change
        return self._permit(), change

    def live_probes(self, now: float) -> int:
        """How many probes are under way and not written off."""
        return sum(due > now for due in self._probes.values())

    def passed(self, now: float, count: int) -> None:
        """Report so many successes at once, of calls of this generation that nobody asked about."""
        if self.state == "closed":
            self._failures_in_a_row = 0
            self._window.passed(now, count)

    def _permit(self) -> Permit:
        self._numbers += 1
        return Permit(self.generation, self._numbers)

    def _acquire_probe(self, now: float) -> Permit | Refusal:
        self._probes = {number: due for number, due in self._probes.items() if due > now}
        if len(self._probes) >= self.policy.probes:
            return Refusal(self.retry_after(now))
        permit = self._permit()
        self._probes[permit.number] = now + self.policy.probe_lease
        return permit

    def release(self, permit: Permit) -> None:
        """Give a permit back without an outcome: the call was cancelled, paused or never made."""
        if permit.generation == self.generation:
            self._probes.pop(permit.number, None)

    def succeeded(
        self, permit: Permit, now: float, seconds: float = 0.0, draw: float = 0.0
    ) -> BreakerChange | None:
        """Report a call that returned after so many `seconds`; for `draw` see `failed`."""
        if not self._counts(permit):
            return None
        slow = seconds >= self.policy.slow_seconds
        if self.state == "half_open":
            good = not (slow and self.policy.slow_rate is not None)
            return self._probe_ended(permit, now, good, draw)
        self._failures_in_a_row = 0
        self._window.record(now, failed=False, slow=slow)
        return self._judge(now, draw)

    def failed(
        self, permit: Permit, now: float, seconds: float = 0.0, draw: float = 0.0
    ) -> BreakerChange | None:
        """Report a call that failed; `draw` in [0, 1) is the randomness of the open time."""
        if not self._counts(permit):
            return None
        if self.state == "half_open":
            return self._probe_ended(permit, now, False, draw)
        self._failures_in_a_row += 1
        self._window.record(now, failed=True, slow=seconds >= self.policy.slow_seconds)
        return self._judge(now, draw)

    def _counts(self, permit: Permit) -> bool:
        if permit.generation != self.generation or self.state == "disabled":
            return False
        return self.state == "closed" or permit.number in self._probes

    def _probe_ended(
        self, permit: Permit, now: float, good: bool, draw: float
    ) -> BreakerChange | None:
        del self._probes[permit.number]
        if not good:
            return self._open(now, draw, "a probe failed")
        self._successes += 1
        if self._successes < self.policy.probes:
            return None
        self._times_open = 0
        return self._become("closed", now, f"{self._successes} probes succeeded")

    def _judge(self, now: float, draw: float) -> BreakerChange | None:
        why = self._fault(now)
        return self._open(now, draw, why) if why else None

    def _fault(self, now: float) -> str:
        """Which rule the latest calls break, in words; empty if none."""
        policy = self.policy
        limit = policy.consecutive_failures
        if limit is not None and self._failures_in_a_row >= limit:
            return f"{self._failures_in_a_row} calls in a row failed"
        tally = self._window.tally(now)
        if tally.calls < policy.minimum_calls:
            return ""
        if policy.failure_rate is not None and tally.failure_rate >= policy.failure_rate:
            return f"{tally.failures} of {tally.calls} calls failed"
        if policy.slow_rate is not None and tally.slow_rate >= policy.slow_rate:
            return f"{tally.slow} of {tally.calls} calls were slow"
        return ""

    def _open(self, now: float, draw: float, why: str) -> BreakerChange | None:
        self._times_open += 1
        self._open_until = now + self.policy.open_for(self._times_open, draw)
        return self._become("open", now, why)

    def doubt(self, now: float) -> BreakerChange | None:
        """Try whether calls succeed before many are made, as it is not known how they fared."""
        return self._become("half_open", now, "nothing is known of the time before")

    def isolate(self, now: float) -> BreakerChange | None:
        """Refuse all calls until `reset`."""
        return self._become("isolated", now, "isolated by hand")

    def disable(self, now: float) -> BreakerChange | None:
        """Let all calls through, unmeasured, until `reset`."""
        return self._become("disabled", now, "disabled by hand")

    def reset(self, now: float) -> BreakerChange | None:
        """Close, and forget what was measured."""
        self._times_open = 0
        return self._become("closed", now, "reset by hand")

    def _become(self, state: BreakerState, now: float, why: str) -> BreakerChange | None:
        """Enter a state afresh: outcomes of permits given so far no longer count."""
        before, self.state = self.state, state
        self.generation += 1
        self._window.clear()
        self._probes.clear()
        self._failures_in_a_row = self._successes = 0
        if before == state:
            return None
        self._changes += 1
        return BreakerChange(self._changes, now, before, state, why)
