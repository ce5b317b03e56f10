"""Drawn processes and scripts, whose hosts crash and leave: the store tells what may follow.

Each is played in virtual time, on a disk that is slow by drawn amounts. `_witness` replays every
record as it is stored, and compares: nothing follows from a turn before that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

import processengine as pe
from processengine.runtime import _ledger
from processengine.runtime.definition import RoutingMap
from processengine.runtime.execution import ExecutionState, transition
from processengine.runtime.store import decompress
from processengine.testing import (
    STORE_CALLS,
    Fault,
    FaultyStore,
    NodeSketch,
    Sketch,
    StoreCall,
    run_virtual,
)

from .._drama import Plan, Visit, draw_plan
from ..test_lines import draw_line
from ._lives import Mailbag, Parting, Saga, Weather, draw_spans, draw_weather
from ._witness import CODEC, UNLIKE, WitnessStore, picture

SLOW_DISK = (None,)
FORGETFUL = (0.0001, 0.2, 1.0)
SEEDS = st.integers(0, 2**32)  # to shrink the draws themselves would lead to endless loops
WITH_SIBLINGS = 6
KINDS: tuple[Fault, ...] = ("fail", "full", "lose", "tear")


def drawn(
    random: Random,
    *partings: Parting,
    passivation: tuple[float | None, ...] = SLOW_DISK,
) -> Saga:
    """A saga whose lives end in these ways."""
    plan = draw_plan(random, groups=None if random.randrange(3) == 0 else ())
    weather = draw_weather(random, passivation)
    spans = draw_spans(random, partings=partings) if partings else []
    return Saga(plan, weather, spans)


def undisturbed(random: Random) -> Saga:
    """One life."""
    return drawn(random)


def crashing(random: Random) -> Saga:
    """Its hosts crash."""
    return drawn(random, "crash")


def leaving(random: Random) -> Saga:
    """Its hosts leave their block."""
    return drawn(random, "leave")


def forgetful(random: Random) -> Saga:
    """It leaves memory whenever it rests."""
    return drawn(random, passivation=FORGETFUL)


def forgetful_and_crashing(random: Random) -> Saga:
    """It leaves memory whenever it rests, and its hosts crash and leave."""
    return drawn(random, "crash", "leave", passivation=FORGETFUL)


def lazy(random: Random) -> Saga:
    """It is stored lazily, and its hosts crash and leave: steps may be made again."""
    saga = drawn(random, "crash", "leave")
    saga.weather = attrs.evolve(saga.weather, durability="lazy", is_watched=False)
    return saga


def in_line(random: Random) -> Saga:
    """A chain of bare nodes, which workers walk, stored lazily: in the middle of a walk."""
    saga = Saga(draw_line(random), draw_weather(random), draw_spans(random, 4, ("crash", "leave")))
    saga.weather = attrs.evolve(
        saga.weather,
        durability="lazy",
        is_watched=False,
        snapshot_bytes=random.choice((0, 600)),
        is_shared=True,
        history_limit=random.choice((0, 2, 10_000)),
    )
    return saga


def cut(random: Random) -> Saga:
    """It goes on from any of the turns of another one: what a crash at any moment leaves."""
    first = undisturbed(random).play(random)
    first.check()
    assert first.store is not None
    rest = first.store.cut(random.randrange(len(first.store.turns) + 1))
    return Saga(first.plan, first.weather, store=rest)


def on_a_faulty_disk(random: Random) -> Saga:
    """Commits fail, wholly or in part, as do all other calls; its hosts crash and leave.

    Some of what happens to it is asked for by mail. Now and then it is stored lazily.
    """
    faults = draw_faults(random, 12, 6)
    others: dict[StoreCall, dict[int, Fault]] = {
        call: draw_faults(random, 8, 4) for call in STORE_CALLS
    }
    saga = drawn(random, "crash", "leave", passivation=(None, *FORGETFUL))
    if random.randrange(4) == 0:
        saga.weather = attrs.evolve(saga.weather, durability="lazy", is_watched=False)
    saga.mailbag, saga.draws, saga.slack = Mailbag(saga), Random(random.random()), 60.0
    calls: Counter[StoreCall] = Counter()  # in all lives together: some day each can be opened

    def faulty(store: WitnessStore) -> FaultyStore:
        return FaultyStore(store, faults, others, calls=calls)

    saga.outermost = faulty
    return saga


def draw_faults(random: Random, last: int, most: int) -> dict[int, Fault]:
    """What happens to the n-th call, n up to `last`."""
    count = 1 + random.randrange(most)
    return {random.randrange(1, last): random.choice(KINDS) for _ in range(count)}


SAGAS: tuple[Callable[[Random], Saga], ...] = (
    undisturbed,
    crashing,
    leaving,
    forgetful,
    forgetful_and_crashing,
    lazy,
    in_line,
    cut,
    on_a_faulty_disk,
)


@pytest.mark.parametrize("kind", SAGAS, ids=lambda kind: kind.__name__)
@given(seed=SEEDS)
@settings(max_examples=15)
def test_nothing_is_lost_or_done_too_early(kind: Callable[[Random], Saga], seed: int) -> None:
    random = Random(seed)
    kind(random).play(random).check()


def test_an_attempt_that_is_held_back_is_not_told_as_completed() -> None:
    random = Random(78)
    undisturbed(random).play(random).check()


def test_arrivals_at_joins_are_numbered_alike_live_and_replayed() -> None:
    random = Random(261903)
    crashing(random).play(random).check()


def test_a_pause_that_a_resume_has_waited_for_was_answered_in_time() -> None:
    two = Sketch((NodeSketch(), NodeSketch()), ((0, "out", 1),))
    acts = (1.0, "pause"), (0.0, "resume")  # sent before the pause has come true
    visits: dict[str, tuple[Visit, ...]] = {"a": ((15.0, "out"),), "b": ((2.0, "out"),)}
    Saga(Plan(two, visits, acts, 1)).play(Random(0)).check()


def test_whoever_waits_behind_many_others_for_the_only_worker_is_not_stuck() -> None:
    child = Sketch((NodeSketch(),) * 8, start=tuple(range(8)))
    parent = Sketch((NodeSketch(kind="child"),) * 6, start=tuple(range(6)), child=child)
    busy: tuple[Visit, ...] = ((2.0, "out"),)
    plan = Plan(parent, {Sketch.name(number): busy for number in range(8)}, (), 1)
    Saga(plan, Weather(durability="lazy")).play(Random(0)).check()


@pytest.mark.slow
@pytest.mark.parametrize("kind", SAGAS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("seed", range(2))
def test_hundreds_of_sagas(kind: Callable[[Random], Saga], seed: int) -> None:
    for number in range(40):
        random = Random(1000 * seed + number)
        kind(random).play(random).check()


def test_more_than_one_schedule_is_explored() -> None:
    seen: set[tuple[str, ...]] = set()
    for schedule in range(20):
        saga = crashing(Random(WITH_SIBLINGS)).play(Random(schedule))
        saga.check()
        seen.add(tuple(f"{life}:{each.node}.{each.step}" for life, each in saga.attempts))
    assert len(seen) > 1


@given(seed=SEEDS)
@settings(max_examples=15)
def test_what_was_recorded_as_completed_is_not_made_again(seed: int) -> None:
    random = Random(seed)
    saga = crashing(random).play(random)
    saga.check()
    lives: dict[tuple[str, int], list[int]] = {}
    for life, context in saga.attempts:
        lives.setdefault((context.execution, context.step), []).append(life)
    assert saga.store is not None
    for (execution, step), numbers in lives.items():
        messages = saga.store.replays[execution].messages
        ends = [m for _, m in messages if getattr(m, "step", None) == step and hasattr(m, "port")]
        assert len(ends) <= 1, f"{execution} has completed step {step} in lives {numbers} twice"


@given(seed=SEEDS)
@settings(max_examples=15)
def test_replaying_a_journal_again_gives_the_same_state(seed: int) -> None:
    random = Random(seed)
    saga = forgetful_and_crashing(random).play(random)
    assert saga.store is not None
    for id, replay in saga.store.replays.items():
        states = [
            ExecutionState(id, RoutingMap(replay.state.routing.definition), UNLIKE)
            for _ in range(2)
        ]
        for record in saga.store.journal(id):
            at, message = CODEC.decode_record(decompress(record.body))
            for state in states:
                transition(state, message, at)
        assert picture(states[0]) == picture(states[1]) == picture(replay.state)


def test_a_snapshot_in_the_middle_of_a_line_is_of_the_step_it_is_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_ledger, "SNAPSHOT_BYTES", 0)

    async def nap() -> None:
        await trio.sleep(0.4)

    process = pe.ProcessBuilder("line")
    last = process.node("n1", nap)
    for number in range(2, 7):
        last = last.then(process.node(f"n{number}", nap))
    definition = process.build()

    def open_on(store: pe.Store) -> pe.Runtime:
        return pe.open_runtime(
            store=store,
            durability="lazy",
            definitions=[definition],
            wall_clock=trio.current_time,
        )

    async def main() -> pe.Outcome:
        store = WitnessStore([definition], is_strict=False)
        async with open_on(store) as runtime:
            await runtime.spawn(definition, id="x")
            await runtime.spawn(definition, id="y")  # by turns, so that no walk is cut short
            await trio.sleep(1.1)  # what has gathered is stored every second
            left_by_a_crash = store.fork()
        async with open_on(left_by_a_crash) as runtime:
            handle = runtime.get("x")
            await trio.sleep(0.1)
            [node] = handle.status().nodes
            assert (node.node, node.step) == ("n3", 3)
            return await handle.result()

    outcome = run_virtual(main)
    assert outcome.state == "completed"
    assert outcome.memory == {f"n{number}": None for number in range(1, 7)}
    steps = [getattr(record.message, "step", None) for record in outcome.history]
    assert steps[-4:] == [3, 4, 5, 6]
