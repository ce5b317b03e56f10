"""The running engine under drawn processes, scripts and schedules, in virtual time."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings

import processengine as pe
from processengine.runtime.definition import RoutingMap
from processengine.runtime.execution import ExecutionState, Finished, Limits, transition
from processengine.testing import chances, run_virtual

from ._drama import Drama, Plan, draw_plan

EFFORT = settings().max_examples
plans = chances().map(draw_plan)


def play(plan: Plan, random: Random) -> Drama:
    drama = Drama(plan)
    run_virtual(drama.play, random=random)
    return drama


@settings(max_examples=3 * EFFORT)
@given(plan=plans, schedule=chances())
def test_every_execution_ends_well_under_every_schedule(plan: Plan, schedule: Random) -> None:
    drama = play(plan, schedule)
    assert drama.faults == []
    assert drama.outcome is not None
    assert [act for act, reply in drama.replies if not reply.is_done()] == []
    assert drama.begun == drama.left
    assert drama.most_at_once <= (plan.workers or drama.begun)


@settings(max_examples=EFFORT)
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
