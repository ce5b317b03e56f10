"""The rate limit: examples, and random histories against the plain list of all starts.

Times in the histories are multiples of 1/16 s, and intervals of 1/8 s, so that sums are exact.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from processengine.supervision._rate import RateLimit, RatePolicy

policies = st.builds(
    RatePolicy,
    calls=st.sampled_from([1, 2, 4, 8]),
    seconds=st.sampled_from([1.0, 3.0]),
    burst=st.one_of(st.none(), st.integers(1, 5)),
)


def starts(policy: RatePolicy, times: list[float]) -> list[float]:
    """When calls that come at those times start, each as soon as it may, one behind the other."""
    limit, now, begun = RateLimit(policy), 0.0, list[float]()
    for time in times:
        now = max(now, time)
        while not limit.take(now):
            now += limit.wait(now)
        begun.append(now)
    return begun


def is_within(policy: RatePolicy, given_starts: list[float], tolerance: float = 0.0) -> bool:
    """Whether every interval between two starts, its ends included, holds few enough of them."""
    ordered = sorted(given_starts)
    return all(
        last - first + 1
        <= policy.depth + (ordered[last] - ordered[first]) / policy.interval + tolerance
        for first in range(len(ordered))
        for last in range(first, len(ordered))
    )


def earliest(policy: RatePolicy, given_starts: list[float], now: float) -> float:
    """The first time from `now` on, and not before another start, at which one more is within."""
    ordered = sorted(given_starts)
    bounds = (
        start + (len(ordered) - place + 1 - policy.depth) * policy.interval
        for place, start in enumerate(ordered)
    )
    return max([now, *ordered[-1:], *bounds])


def test_a_full_bucket_lets_its_burst_through_and_then_one_call_an_interval() -> None:
    policy = RatePolicy(calls=4, seconds=2.0, burst=3)
    assert starts(policy, [0.0] * 5) == [0, 0, 0, 0.5, 1]


def test_without_a_burst_as_many_calls_as_the_rate_names_start_at_once() -> None:
    assert starts(RatePolicy(2, 1.0), [0.0] * 4) == [0, 0, 0.5, 1]


def test_a_burst_of_one_spaces_all_calls_evenly() -> None:
    assert starts(RatePolicy(10, 5.0, burst=1), [7.0, 7.0, 7.25]) == [7, 7.5, 8]


def test_a_rest_fills_the_bucket_up_but_never_beyond_its_burst() -> None:
    policy = RatePolicy(1, 1.0, burst=2)
    assert starts(policy, [0.0] * 2 + [1000.0] * 3) == [0, 0, 1000, 1000, 1001]


def test_it_tells_how_many_calls_are_in_the_bucket() -> None:
    limit = RateLimit(RatePolicy(1, 1.0, burst=3))
    assert [limit.ready(0.0), limit.take(0.0), limit.ready(0.0)] == [3, True, 2]
    assert [limit.take(0.0), limit.take(0.0), limit.take(0.0)] == [True, True, False]
    assert [limit.ready(0.5), limit.wait(0.5), limit.ready(1.0), limit.ready(9.0)] == [0, 0.5, 1, 3]


def test_its_rate_shows_in_its_repr() -> None:
    assert repr(RateLimit(RatePolicy(10, 0.5))) == "<RateLimit 10 per 0.5 s>"


@given(policies, st.lists(st.integers(0, 40), max_size=30))
def test_the_limit_holds_even_if_time_runs_backwards(
    policy: RatePolicy, sixteenths: list[int]
) -> None:
    limit = RateLimit(policy)
    times = [number / 16 for number in sixteenths]
    assert is_within(policy, [now for now in times if limit.take(now)])


@given(st.integers(1, 50), st.floats(0.01, 100), st.integers(1, 5), st.lists(st.floats(0, 50)))
def test_the_limit_holds_for_rates_that_floats_cannot_tell_exactly(
    calls: int, seconds: float, burst: int, times: list[float]
) -> None:
    policy = RatePolicy(calls, seconds, burst)
    assert is_within(policy, starts(policy, sorted(times)), tolerance=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [{"calls": 0}, {"calls": 0.5}, {"seconds": 0}, {"seconds": float("inf")}, {"burst": 0}],
)
def test_a_policy_that_cannot_work_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises((ValueError, TypeError), match=next(iter(wrong))):
        RatePolicy(**({"calls": 1, "seconds": 1.0} | wrong))  # type: ignore[arg-type]


class RateMachine(RuleBasedStateMachine):
    """Calls that come at any time; `begun` are those that were let in."""

    @initialize(policy=policies)
    def begin(self, policy: RatePolicy) -> None:
        self.policy = policy
        self.limit = RateLimit(policy)
        self.now = 0.0
        self.begun: list[float] = []

    @rule(sixteenths=st.integers(0, 30))
    def wait(self, sixteenths: int) -> None:
        self.now += sixteenths / 16

    @rule()
    def wait_for_it(self) -> None:
        self.now += self.limit.wait(self.now)
        assert self.limit.ready(self.now) > 0

    @rule()
    def take(self) -> None:
        may = earliest(self.policy, self.begun, self.now) == self.now
        assert self.limit.take(self.now) is may
        if may:
            self.begun.append(self.now)

    @invariant()
    def no_interval_holds_too_many(self) -> None:
        assert is_within(self.policy, self.begun)

    @invariant()
    def it_says_when_the_next_one_may_start(self) -> None:
        due = earliest(self.policy, self.begun, self.now)
        assert self.now + self.limit.wait(self.now) == due

    @invariant()
    def as_many_as_it_says_may_start_now(self) -> None:
        begun, count = list(self.begun), 0
        while earliest(self.policy, begun, self.now) == self.now:
            begun.append(self.now)
            count += 1
        assert self.limit.ready(self.now) == count


TestRate = RateMachine.TestCase
