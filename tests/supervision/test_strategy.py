"""Strategies: whom the end of a child concerns, said by example and for all sets of children."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processengine.supervision._backoff import Backoff
from processengine.supervision._strategy import (
    NOTHING,
    EndKind,
    RestartPlan,
    RestartType,
    Strategy,
    is_restarted,
    plan_restart,
)

STRATEGIES: tuple[Strategy, ...] = ("one_for_one", "one_for_all", "rest_for_one", "dynamic")
TYPES: tuple[RestartType, ...] = ("permanent", "transient", "temporary")
FOUR: dict[str, RestartType] = dict.fromkeys("abcd", "permanent")


@pytest.mark.parametrize(
    ("strategy", "stopped", "restarted"),
    [
        ("one_for_one", "", "b"),
        ("dynamic", "", "b"),
        ("rest_for_one", "dc", "bcd"),
        ("one_for_all", "dca", "abcd"),
    ],
)
def test_siblings_are_stopped_latest_first_and_started_in_order(
    strategy: Strategy, stopped: str, restarted: str
) -> None:
    plan = plan_restart(strategy, FOUR, "b", "crashed")
    assert plan == RestartPlan(tuple(stopped), tuple(restarted))


@pytest.mark.parametrize(
    ("restart", "comes_back_after"),
    [("permanent", {"normal", "crashed"}), ("transient", {"crashed"}), ("temporary", set[str]())],
)
def test_the_restart_type_says_after_which_end_a_child_comes_back(
    restart: RestartType, comes_back_after: set[EndKind]
) -> None:
    ends: tuple[EndKind, ...] = ("normal", "crashed")
    assert {how for how in ends if is_restarted(restart, how)} == comes_back_after


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_child_that_does_not_come_back_takes_nobody_with_it(strategy: Strategy) -> None:
    children: dict[str, RestartType] = {**FOUR, "b": "temporary", "c": "transient"}
    assert plan_restart(strategy, children, "b", "crashed") == NOTHING
    assert plan_restart(strategy, children, "c", "normal") == NOTHING


def test_temporary_siblings_are_stopped_and_do_not_come_back() -> None:
    children: dict[str, RestartType] = {**FOUR, "c": "temporary"}
    plan = plan_restart("one_for_all", children, "b", "crashed")
    assert plan == RestartPlan(("d", "c", "a"), ("a", "b", "d"))


@given(
    strategy=st.sampled_from(STRATEGIES),
    types=st.lists(st.sampled_from(TYPES), min_size=1, max_size=6),
    place=st.integers(0, 5),
)
def test_a_plan_keeps_the_order_and_spares_those_before_unless_all_go(
    strategy: Strategy, types: list[RestartType], place: int
) -> None:
    children: dict[str, RestartType] = {
        f"c{number}": restart for number, restart in enumerate(types)
    }
    ended = list(children)[place % len(children)]
    plan = plan_restart(strategy, children, ended, "crashed")
    for earlier, later in itertools.pairwise(plan.restarted):
        assert earlier < later
    for later, earlier in itertools.pairwise(plan.stopped):
        assert earlier < later
    assert ended not in plan.stopped
    touched = {*plan.stopped, *plan.restarted}
    assert touched in (set(), {ended}) or strategy in ("one_for_all", "rest_for_one")
    if strategy == "rest_for_one":
        assert all(name >= ended for name in touched)


draws = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 5000), draws)
def test_the_back_off_grows_to_its_maximum_and_jitter_only_shortens_it(
    failures: int, draw: float
) -> None:
    backoff = Backoff(initial=0.5, maximum=20, multiplier=3, jitter=0.4)
    ceiling = backoff.delay(failures, 0.0)
    assert ceiling == min(20, 0.5 * 3 ** min(failures - 1, 64))
    assert 0.6 * ceiling <= backoff.delay(failures, draw) <= ceiling


@pytest.mark.parametrize(
    "wrong", [{"initial": -1}, {"maximum": -1}, {"multiplier": 0.5}, {"jitter": 1.5}]
)
def test_a_back_off_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Backoff(**wrong)
