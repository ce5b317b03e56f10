"""The running engine under drawn processes, scripts and schedules, in virtual time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from random import Random

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

import processengine as pe
from processengine.runtime.definition import RoutingMap
from processengine.runtime.execution import ExecutionState, Finished, Limits, transition
from processengine.testing import chances, run_virtual

from ._drama import GRACE, Drama, Plan, draw_plan, open_stage
from ._guards import Guards

EFFORT = settings().max_examples
plans = chances().map(draw_plan)


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Drawn failures are no news."""
    logger = logging.getLogger("processengine")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(level)


def draw_cast(random: Random) -> list[Plan]:
    """Plans that share a pool, and groups."""
    first = draw_plan(random)
    others = range(1 + random.randrange(3))
    return [first, *(draw_plan(random, groups=first.groups) for _ in others)]


def play(plan: Plan, schedule: Random) -> Drama:
    drama = Drama(plan)
    run_virtual(drama.play, random=schedule)
    return drama


@settings(max_examples=6 * EFFORT)
@given(plan=plans, schedule=chances())
def test_every_execution_ends_well_under_every_schedule(plan: Plan, schedule: Random) -> None:
    drama = play(plan, schedule)
    drama.check()
    assert drama.most_at_once <= (plan.workers or drama.begun)


@settings(max_examples=2 * EFFORT)
@given(cast=chances().map(draw_cast), schedule=chances())
def test_executions_that_share_a_pool_do_not_harm_each_other(
    cast: list[Plan], schedule: Random
) -> None:
    dramas = [Drama(plan) for plan in cast]
    workers = cast[0].workers

    async def main() -> None:
        async with open_stage(workers) as runtime:
            guards = Guards(runtime)
            async with trio.open_nursery() as nursery:
                for number, drama in enumerate(dramas):
                    drama.guards = guards
                    nursery.start_soon(drama.play_in, runtime, f"{number}x")
            await trio.sleep(0.1)
            guards.check()

    run_virtual(main, random=schedule)
    for drama in dramas:
        drama.check()


@settings(max_examples=2 * EFFORT)
@given(cast=chances().map(draw_cast), schedule=chances(), seconds=st.integers(0, 12))
def test_a_runtime_closes_within_bounds_whatever_runs(
    cast: list[Plan], schedule: Random, seconds: int
) -> None:
    dramas = [Drama(plan) for plan in cast]

    async def main() -> None:
        async with open_stage(cast[0].workers) as runtime:
            guards = Guards(runtime)
            for number, drama in enumerate(dramas):
                drama.guards = guards
                await drama.spawn_in(runtime, f"{number}x")
            await trio.sleep(seconds)
            closing_at = trio.current_time()
        assert trio.current_time() <= closing_at + GRACE
        guards.check_closed()

    run_virtual(main, random=schedule)
    assert sum(drama.begun for drama in dramas) == sum(drama.left for drama in dramas)


@settings(max_examples=2 * EFFORT)
@given(plan=plans, schedule=chances())
def test_the_history_gives_the_outcome_again(plan: Plan, schedule: Random) -> None:
    outcome = play(plan, schedule).outcome
    assert outcome is not None
    state = ExecutionState(
        outcome.id, RoutingMap(outcome.process), Limits(pe.Retry(attempts=2, initial=0.5), 10**9)
    )
    for record in outcome.history:
        transition(state, record.message, record.at)
    assert isinstance(state.control, Finished)
    assert state.control.state == outcome.state
    assert state.memory == outcome.memory


@pytest.mark.slow
@pytest.mark.parametrize("first_seed", range(0, 10_000, 1_000))
def test_thousands_of_executions_end_well(first_seed: int) -> None:
    for seed in range(first_seed, first_seed + 1_000):
        random = Random(seed)
        play(draw_plan(random), random).check()
