from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processengine.runtime.load._significance import (
    EXACT,
    adjusted,
    chance_of_larger,
    doubled_ranks,
)

values = st.lists(st.integers(0, 9).map(float), min_size=1, max_size=6)


def test_clearly_larger_values_have_the_chance_of_one_order_in_all() -> None:
    assert chance_of_larger([1, 2, 3], [4, 5, 6]) == pytest.approx(1 / 20)
    assert chance_of_larger([4, 5, 6], [1, 2, 3]) == 1


def test_a_value_between_costs_one_more_order() -> None:
    # Of the 20 ways to choose three of six ranks, two have a sum of 14 or more.
    assert chance_of_larger([1, 2, 4], [3, 5, 6]) == pytest.approx(2 / 20)


def test_ties_get_the_mean_of_their_ranks() -> None:
    assert doubled_ranks([1, 2, 2, 3]) == [2, 5, 5, 8]


def test_nothing_follows_from_values_that_are_all_the_same() -> None:
    assert chance_of_larger([1, 1, 1], [1, 1, 1]) == 1
    assert chance_of_larger([1] * EXACT, [1] * EXACT) == 1


def test_nothing_follows_from_no_values() -> None:
    assert chance_of_larger([], [1]) == chance_of_larger([1], []) == 1


@given(values, values)
def test_it_agrees_with_counting_all_choices(before: list[float], now: list[float]) -> None:
    from itertools import combinations

    ranks = doubled_ranks([*before, *now])
    observed = sum(ranks[len(before) :])
    sums = [sum(choice) for choice in combinations(ranks, len(now))]
    share = sum(total >= observed for total in sums) / len(sums)
    assert chance_of_larger(before, now) == pytest.approx(share)


@pytest.mark.parametrize("shift", [0.0, 0.3, 0.8])
def test_the_normal_distribution_takes_over_without_a_jump(shift: float) -> None:
    random = Random(4)
    before = [random.gauss(0, 1) for _ in range(20)]
    now = [random.gauss(shift, 1) for _ in range(20)]
    exact = chance_of_larger(before, now)
    approximate = chance_of_larger([*before, before[0]], now)
    assert approximate == pytest.approx(exact, abs=0.06)


def test_chances_are_corrected_for_how_many_there_are() -> None:
    assert adjusted([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert adjusted([0.9, 0.8]) == [1.0, 1.0]
    assert adjusted([]) == []
