"""The retry budget: the numbers of gRPC proposal A6, its bounds, and a model in exact fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from processengine.supervision._budget import BudgetPolicy, RetryBudget


def spent(policy: BudgetPolicy, failures: int) -> RetryBudget:
    budget = RetryBudget(policy)
    for _ in range(failures):
        budget.failed()
    return budget


def test_it_begins_full_and_allows_retries() -> None:
    budget = RetryBudget(BudgetPolicy())
    assert budget.tokens == 100
    assert budget.allows_retry


def test_of_ten_tokens_the_fifth_failure_in_a_row_is_not_retried() -> None:
    policy = BudgetPolicy(tokens=10, ratio=0.1)
    assert spent(policy, 4).allows_retry
    assert not spent(policy, 5).allows_retry


def test_exactly_half_is_not_enough_and_a_single_success_makes_it_so() -> None:
    budget = spent(BudgetPolicy(tokens=10, ratio=0.1), 5)
    assert budget.tokens == 5
    assert not budget.allows_retry
    budget.succeeded()
    assert budget.tokens == 5.1
    assert budget.allows_retry


def test_ten_successes_make_up_for_a_failure_exactly() -> None:
    budget = spent(BudgetPolicy(tokens=10, ratio=0.1), 6)
    for _ in range(10):
        assert not budget.allows_retry
        budget.succeeded()
    assert budget.tokens == 5
    budget.succeeded()
    assert budget.allows_retry


def test_after_an_outage_it_takes_many_successes_until_retries_are_allowed() -> None:
    budget = spent(BudgetPolicy(tokens=10, ratio=0.1), 1000)
    assert budget.tokens == 0
    budget.succeeded_many(50)
    assert not budget.allows_retry
    budget.succeeded_many(1)
    assert budget.allows_retry


@pytest.mark.parametrize(("successes", "allowed"), [(10, True), (9, False)])
def test_it_runs_out_where_more_than_one_in_eleven_attempts_fails(
    successes: int, allowed: bool
) -> None:
    budget = RetryBudget(BudgetPolicy(tokens=100, ratio=0.1))
    for _ in range(2000):
        budget.failed()
        budget.succeeded_many(successes)
    assert budget.allows_retry == allowed


def test_what_is_left_shows_in_its_repr() -> None:
    budget = spent(BudgetPolicy(tokens=10, ratio=0.25), 1)
    budget.succeeded()
    assert repr(budget) == "<RetryBudget 9.25 of 10>"


@given(st.integers(1, 30), st.integers(0, 40), st.integers(0, 60))
def test_many_successes_are_as_many_single_ones(tokens: int, failures: int, count: int) -> None:
    policy = BudgetPolicy(tokens, ratio=0.3)
    one_by_one, at_once = spent(policy, failures), spent(policy, failures)
    for _ in range(count):
        one_by_one.succeeded()
    at_once.succeeded_many(count)
    assert one_by_one.tokens == at_once.tokens


@pytest.mark.parametrize(
    "wrong",
    [{"tokens": 0}, {"tokens": 1.5}, {"ratio": 0}, {"ratio": 0.0001}, {"ratio": float("inf")}],
)
def test_a_policy_that_cannot_work_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises((ValueError, TypeError), match=next(iter(wrong))):
        BudgetPolicy(**wrong)  # type: ignore[arg-type]


class BudgetMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.budget = RetryBudget(BudgetPolicy(tokens=7, ratio=0.15))
        self.tokens = Fraction(7)

    @rule(times=st.integers(1, 5))
    def fail(self, times: int) -> None:
        for _ in range(times):
            self.budget.failed()
            self.tokens = max(Fraction(0), self.tokens - 1)

    @rule()
    def succeed(self) -> None:
        self.budget.succeeded()
        self.tokens = min(Fraction(7), self.tokens + Fraction(15, 100))

    @rule(count=st.integers(0, 60))
    def succeed_often(self, count: int) -> None:
        self.budget.succeeded_many(count)
        self.tokens = min(Fraction(7), self.tokens + count * Fraction(15, 100))

    @invariant()
    def agrees_with_the_model(self) -> None:
        assert self.budget.tokens == float(self.tokens)
        assert self.budget.allows_retry == (self.tokens > Fraction(7, 2))

    @invariant()
    def stays_within_its_bounds(self) -> None:
        assert 0 <= self.budget.tokens <= 7


TestBudgetAgainstItsModel = BudgetMachine.TestCase
