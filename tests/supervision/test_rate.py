"""The rate limit: examples, and random histories against the plain list of all starts.

Times in the histories are multiples of 1/16 s, and intervals of 1/8 s, so that sums are exact.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from processengine.supervision._rate import RateLimit, RatePolicy

policies = st.builds(
    RatePolicy,
    calls=st.sampled_from([1, 2, 4, 8]),
    seconds=st.sampled_from([1.0, 3.0]),
    burst=st.one_of(st.none(), st.integers(1, 5)),
)


def reserve(limit: RateLimit, now: float) -> float:
    """When the reserved call may start."""
    return now + limit.reserve(now)


def starts(policy: RatePolicy, times: list[float]) -> list[float]:
    limit = RateLimit(policy)
    return [reserve(limit, now) for now in times]


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


def test_those_who_wait_can_be_taken_back_from_the_end() -> None:
    limit = RateLimit(RatePolicy(1, 1.0, burst=1))
    given_starts = [reserve(limit, 0.0) for _ in range(4)]
    for start in reversed(given_starts[1:]):
        limit.give_back(start, 0.5)
    assert reserve(limit, 0.5) == 1.0


def test_a_burst_that_is_taken_back_at_once_leaves_the_bucket_full() -> None:
    limit = RateLimit(RatePolicy(5, 1.0))
    for start in [reserve(limit, 3.0) for _ in range(5)]:
        limit.give_back(start, 3.0)
    assert [limit.reserve(3.0) for _ in range(6)] == [0, 0, 0, 0, 0, pytest.approx(0.2)]


def test_a_reservation_with_others_behind_it_counts_as_used() -> None:
    limit = RateLimit(RatePolicy(1, 1.0, burst=1))
    first, second, third = (reserve(limit, 0.0) for _ in range(3))
    limit.give_back(first, 0.0)
    limit.give_back(second, 0.0)
    assert (third, reserve(limit, 0.0)) == (2.0, 3.0)


def test_one_that_may_start_now_counts_as_used_while_another_waits_behind_it() -> None:
    limit = RateLimit(RatePolicy(1, 1.0, burst=3))
    given_starts = [reserve(limit, now) for now in (0.0, 0.0, 0.75, 0.75)]
    assert given_starts == [0, 0, 0.75, 1]
    limit.give_back(0.75, 0.75)
    assert reserve(limit, 0.75) == 2.0


def test_what_is_taken_back_late_is_worth_less() -> None:
    limit = RateLimit(RatePolicy(1, 1.0, burst=2))
    reserve(limit, 0.0)
    limit.give_back(reserve(limit, 0.0), 0.25)
    assert [reserve(limit, 0.25), reserve(limit, 0.25)] == [0.25, 1.25]


def test_its_rate_shows_in_its_repr() -> None:
    assert repr(RateLimit(RatePolicy(10, 0.5))) == "<RateLimit 10 per 0.5 s>"


@given(policies, st.lists(st.integers(0, 40), max_size=30))
def test_the_limit_holds_even_if_time_runs_backwards(
    policy: RatePolicy, sixteenths: list[int]
) -> None:
    assert is_within(policy, starts(policy, [number / 16 for number in sixteenths]))


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
    """Reservations and returns; `kept` are the starts of those that were not given back."""

    @initialize(policy=policies)
    def begin(self, policy: RatePolicy) -> None:
        self.policy = policy
        self.limit = RateLimit(policy)
        self.now = 0.0
        self.kept: list[float] = []
        self.is_exact = True

    @rule(sixteenths=st.integers(0, 30))
    def wait(self, sixteenths: int) -> None:
        self.now += sixteenths / 16

    @rule()
    def reserve(self) -> None:
        start = reserve(self.limit, self.now)
        expected = earliest(self.policy, self.kept, self.now)
        assert start == expected if self.is_exact else start >= expected
        self.kept.append(start)

    @precondition(lambda self: self.kept and self.kept[-1] >= self.now)
    @rule()
    def give_the_latest_back_in_time(self) -> None:
        self.limit.give_back(self.kept.pop(), self.now)

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def give_any_back(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.kept) - 1))
        self.limit.give_back(self.kept.pop(place), self.now)
        self.is_exact = False

    @invariant()
    def no_interval_holds_too_many_starts(self) -> None:
        assert is_within(self.policy, self.kept)


TestRateAgainstTheListOfStarts = RateMachine.TestCase
