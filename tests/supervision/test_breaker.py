"""The breaker: rule by rule, and against a small independent model under random histories."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from processengine.supervision import Breaker, BreakerChange, BreakerPolicy, Permit, Refusal


def state_of(breaker: Breaker) -> str:
    """Its state, read anew."""
    return breaker.state


def allowed(breaker: Breaker, now: float) -> Permit:
    permit, _ = breaker.acquire(now)
    assert isinstance(permit, Permit)
    return permit


def fail(breaker: Breaker, now: float, times: int = 1) -> BreakerChange | None:
    change = None
    for _ in range(times):
        change = breaker.failed(allowed(breaker, now), now)
    return change


def test_it_opens_after_five_failures_for_a_minute_by_default() -> None:
    breaker = Breaker(BreakerPolicy())
    assert fail(breaker, 0.0, 4) is None
    change = fail(breaker, 1.0)
    assert change == BreakerChange(1, 1.0, "closed", "open", "5 calls in a row failed")
    assert breaker.acquire(31.0) == (Refusal(30.0), None)


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = Breaker(BreakerPolicy())
    fail(breaker, 0.0, 4)
    breaker.succeeded(allowed(breaker, 0.0), 0.0)
    assert fail(breaker, 0.0, 4) is None


def test_it_opens_at_a_failure_rate_only_with_enough_calls() -> None:
    policy = BreakerPolicy(consecutive_failures=None, failure_rate=0.5, minimum_calls=4)
    breaker = Breaker(policy)
    fail(breaker, 0.0, 3)
    assert state_of(breaker) == "closed"
    breaker.succeeded(allowed(breaker, 0.0), 0.0)
    assert state_of(breaker) == "open"


def test_it_opens_when_too_many_calls_are_slow_though_they_succeed() -> None:
    policy = BreakerPolicy(slow_rate=1.0, slow_seconds=2.0, minimum_calls=2)
    breaker = Breaker(policy)
    assert breaker.succeeded(allowed(breaker, 0.0), 0.0, seconds=2.0) is None
    change = breaker.succeeded(allowed(breaker, 0.0), 0.0, seconds=3.0)
    assert change is not None
    assert change.why == "2 of 2 calls were slow"


def test_half_open_it_lets_only_its_probes_through() -> None:
    breaker = Breaker(BreakerPolicy(probes=2))
    fail(breaker, 0.0, 5)
    _, change = breaker.acquire(60.0)
    assert change == BreakerChange(2, 60.0, "open", "half_open", "its time is over")
    allowed(breaker, 60.0)
    assert breaker.acquire(60.0) == (Refusal(60.0), None)


def test_as_many_good_probes_as_asked_for_close_it_and_a_bad_one_opens_it() -> None:
    breaker = Breaker(BreakerPolicy(probes=2))
    fail(breaker, 0.0, 5)
    first, second = allowed(breaker, 60.0), allowed(breaker, 60.0)
    assert breaker.succeeded(first, 61.0) is None
    change = breaker.succeeded(second, 61.0)
    assert change is not None
    assert (change.after, change.why) == ("closed", "2 probes succeeded")
    fail(breaker, 62.0, 5)
    assert fail(breaker, 122.0) is not None
    assert state_of(breaker) == "open"


def test_a_cancelled_probe_neither_closes_nor_opens_it_and_makes_room() -> None:
    breaker = Breaker(BreakerPolicy())
    fail(breaker, 0.0, 5)
    breaker.release(allowed(breaker, 60.0))
    assert state_of(breaker) == "half_open"
    allowed(breaker, 60.0)


def test_a_probe_that_nobody_reports_on_is_written_off_after_its_lease() -> None:
    breaker = Breaker(BreakerPolicy(probe_lease=10.0))
    fail(breaker, 0.0, 5)
    lost = allowed(breaker, 60.0)
    assert breaker.acquire(69.0) == (Refusal(1.0), None)
    allowed(breaker, 70.0)
    assert breaker.succeeded(lost, 71.0) is None
    assert state_of(breaker) == "half_open"


def test_an_outcome_of_an_earlier_generation_moves_nothing() -> None:
    breaker = Breaker(BreakerPolicy())
    early = [allowed(breaker, 0.0) for _ in range(10)]
    fail(breaker, 0.0, 5)
    assert all(breaker.failed(permit, 59.0) is None for permit in early[:5])
    probe = allowed(breaker, 60.0)
    assert all(breaker.succeeded(permit, 60.0) is None for permit in early[5:])
    assert state_of(breaker) == "half_open"
    breaker.succeeded(probe, 60.0)
    assert state_of(breaker) == "closed"


def test_it_stays_open_longer_each_time_with_jitter_on_top() -> None:
    policy = BreakerPolicy(open_seconds=10, open_multiplier=2, open_maximum=30, open_jitter=0.5)
    assert [policy.open_for(times, 0.0) for times in (1, 2, 3)] == [10, 20, 30]
    assert policy.open_for(1, 0.5) == 12.5


def test_by_hand_it_is_isolated_disabled_and_reset() -> None:
    breaker = Breaker(BreakerPolicy())
    assert breaker.isolate(0.0) is not None
    assert breaker.acquire(1e9) == (Refusal(None), None)
    assert breaker.disable(1.0) is not None
    assert fail(breaker, 1.0, 20) is None
    assert breaker.reset(2.0) is not None
    assert state_of(breaker) == "closed"


@pytest.mark.parametrize(
    "wrong",
    [
        {"consecutive_failures": 0},
        {"failure_rate": 1.5},
        {"slow_rate": 0.0},
        {"minimum_calls": 0},
        {"open_seconds": 0},
        {"probes": 0},
    ],
)
def test_a_policy_that_cannot_work_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BreakerPolicy(**wrong)  # type: ignore[arg-type]


@attrs.define
class Model:
    """What a breaker of two failures, ten seconds and two probes should do, told the plain way."""

    state: str = "closed"
    failures: int = 0
    opened: float = 0.0
    good: int = 0
    probes: dict[Permit, float] = attrs.Factory(dict[Permit, float])
    valid: set[Permit] = attrs.Factory(set[Permit])

    def enter(self, state: str) -> None:
        self.state, self.failures, self.good = state, 0, 0
        self.probes.clear()
        self.valid.clear()


NO_PERMITS: tuple[Permit, ...] = ()


class BreakerMachine(RuleBasedStateMachine):
    permits = Bundle("permits")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.changes: list[BreakerChange] = []
        self.model = Model()
        policy = BreakerPolicy(consecutive_failures=2, open_seconds=10, probes=2, probe_lease=5)
        self.breaker = Breaker(policy)

    def note(self, change: BreakerChange | None) -> None:
        if change is not None:
            self.changes.append(change)

    @rule(seconds=st.integers(0, 12))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(target=permits)
    def acquire(self) -> Permit | MultipleResults[Permit]:
        model = self.model
        if model.state == "open" and self.now >= model.opened + 10:
            model.enter("half_open")
        model.probes = {p: due for p, due in model.probes.items() if due > self.now}
        expected = model.state in ("closed", "disabled") or (
            model.state == "half_open" and len(model.probes) < 2
        )
        permit, change = self.breaker.acquire(self.now)
        self.note(change)
        assert isinstance(permit, Permit) == expected
        if not isinstance(permit, Permit):
            return multiple(*NO_PERMITS)
        model.valid.add(permit)
        if model.state == "half_open":
            model.probes[permit] = self.now + 5
        return permit

    def counts(self, permit: Permit) -> bool:
        model = self.model
        return permit in model.valid and (
            model.state == "closed" or (model.state == "half_open" and permit in model.probes)
        )

    @rule(permit=consumes(permits))
    def succeed(self, permit: Permit) -> None:
        self.note(self.breaker.succeeded(permit, self.now))
        if self.counts(permit):
            self.model.failures = 0
            if self.model.probes.pop(permit, None) is not None:
                self.model.good += 1
                if self.model.good == 2:
                    self.model.enter("closed")

    @rule(permit=consumes(permits))
    def fail(self, permit: Permit) -> None:
        self.note(self.breaker.failed(permit, self.now))
        if self.counts(permit):
            self.model.failures += 1
            if self.model.state == "half_open" or self.model.failures == 2:
                self.model.enter("open")
                self.model.opened = self.now

    @rule(permit=permits)
    def cancel_maybe_twice(self, permit: Permit) -> None:
        self.breaker.release(permit)
        self.model.probes.pop(permit, None)

    @rule(what=st.sampled_from(["isolate", "disable", "reset"]))
    def by_hand(self, what: str) -> None:
        change = {
            "isolate": self.breaker.isolate,
            "disable": self.breaker.disable,
            "reset": self.breaker.reset,
        }[what](self.now)
        self.note(change)
        self.model.enter({"isolate": "isolated", "disable": "disabled", "reset": "closed"}[what])

    @invariant()
    def agrees_with_the_model(self) -> None:
        assert self.breaker.state == self.model.state
        assert self.breaker.probes_out <= 2

    @invariant()
    def changes_are_numbered_and_chain(self) -> None:
        assert [change.number for change in self.changes] == list(range(1, len(self.changes) + 1))
        for earlier, later in zip(self.changes, self.changes[1:], strict=False):
            assert earlier.after == later.before


TestBreakerAgainstItsModel = BreakerMachine.TestCase
