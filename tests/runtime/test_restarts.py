"""A crashed execution (a fault of the engine, not a failed node) gets another life."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from random import Random
from typing import Any, cast

import pytest
import trio
from hypothesis import given, settings
from trio.testing import MockClock

import processengine as pe
from processengine.actors import Message, Update
from processengine.runtime.definition import RoutingMap
from processengine.runtime.execution import (
    Effect,
    Execution,
    ExecutionState,
    Limits,
    transition,
)
from processengine.testing import chances, run_virtual

from ._drama import Drama, Plan, draw_plan

ACTOR = "processengine.runtime.execution._actor"
TURNS = (f"{ACTOR}.transition", f"{ACTOR}.whole_turn")


class Poison(Exception):
    """What a faulty engine raises."""


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every update of a variable `poison` crashes the execution in the middle of the turn."""

    def faulty(state: ExecutionState, message: Message, now: float, reply: int = 0) -> list[Effect]:
        if isinstance(message, Update) and "poison" in message.changes:
            state.memory["half"] = "done"
            state.tokens.clear()
            raise Poison
        return transition(state, message, now, reply)

    for turn in TURNS:
        monkeypatch.setattr(turn, faulty)


def two_naps(log: list[str]) -> pe.ProcessDefinition:
    def nap(name: str, seconds: float) -> Callable[[], Any]:
        async def run() -> str:
            log.append(f"{name} begins")
            try:
                await trio.sleep(seconds)
            except trio.Cancelled:
                log.append(f"{name} stops")
                raise
            return name

        return run

    process = pe.ProcessBuilder("naps")
    process.node("first", nap("first", 2)).then(process.node("second", nap("second", 2)))
    return process.build()


@pytest.mark.usefixtures("poisoned")
async def test_it_goes_on_from_its_history_without_what_crashed_it(
    autojump_clock: MockClock,
) -> None:
    log: list[str] = []
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_naps(log), {"given": 1}, id="x")
        await handle.update(kept=1)
        await trio.sleep(3)
        with pytest.raises(Poison):
            await handle.update(poison=1)
        await trio.sleep(0.5)
        again = runtime.get("x")
        assert again.incarnation == 2
        outcome = await again.result()
    assert (outcome.state, outcome.incarnation) == ("completed", 2)
    assert outcome.memory == {"given": 1, "kept": 1, "first": "first", "second": "second"}
    assert log == ["first begins", "second begins", "second stops", "second begins"]


@pytest.mark.usefixtures("poisoned")
async def test_a_message_to_the_earlier_life_is_refused(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_naps([]))
        await trio.sleep(1)
        handle.update(poison=1)
        with pytest.raises(pe.StaleIncarnation):
            await handle.cancel()
        assert (await handle.result()).state == "completed"


@pytest.mark.usefixtures("poisoned")
async def test_an_answer_that_the_earlier_life_owed_fails(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_naps([]))
        await trio.sleep(1)
        paused = handle.pause()
        handle.update(poison=1)
        with pytest.raises(pe.ActorGone, match="it crashed"):
            await paused
        await trio.sleep(1)
        assert runtime.get(handle.id).status().state == "paused"


@pytest.mark.usefixtures("poisoned")
async def test_siblings_are_not_touched(autojump_clock: MockClock) -> None:
    logs: list[list[str]] = [[], [], []]
    async with pe.open_runtime() as runtime:
        handles = [await runtime.spawn(two_naps(log)) for log in logs]
        await trio.sleep(1)
        handles[1].update(poison=1)
        outcomes = [await handle.result() for handle in handles]
    assert [outcome.incarnation for outcome in outcomes] == [1, 2, 1]
    assert logs[0] == logs[2] == ["first begins", "second begins"]


@pytest.mark.usefixtures("poisoned")
async def test_its_watch_ends_if_the_runtime_closes_before_the_next_life(
    autojump_clock: MockClock,
) -> None:
    stored: dict[str, Any] = {"store": pe.MemoryStore(), "wall_clock": trio.current_time}
    for options in {}, stored:
        async with pe.open_runtime(**options) as runtime:
            handle = await runtime.spawn(two_naps([]), id="x")
            watch = handle.watch()
            with pytest.raises(Poison):
                await handle.update(poison=1)
        with trio.fail_after(1):
            async for _ in watch:
                pass


@pytest.mark.usefixtures("poisoned")
async def test_it_fails_when_it_crashes_too_often(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_naps([]), id="x")
        for crash in range(4):
            await trio.sleep(0.5)
            assert runtime.get("x").incarnation == crash + 1
            runtime.get("x").update(poison=1)
        outcome = await handle.result()
    assert (outcome.state, outcome.reason) == ("failed", "fault in the engine: Poison()")
    assert outcome.error is not None
    assert outcome.error.exception == "EngineFault"


@pytest.mark.usefixtures("poisoned")
async def test_without_its_whole_history_it_fails_at_once(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(history_limit=0) as runtime:
        handle = await runtime.spawn(two_naps([]))
        await trio.sleep(3)
        handle.update(poison=1)
        assert (await handle.result()).state == "failed"


@pytest.mark.usefixtures("poisoned")
async def test_timers_children_and_deadlines_go_on(autojump_clock: MockClock) -> None:
    child = pe.ProcessBuilder("child")
    child.wait("go")
    process = pe.ProcessBuilder("parent", timeout=100)
    process.delay("delay", 10).then(process.process("call", child.build()))
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process.build(), id="x")
        await trio.sleep(5)
        handle.update(poison=1)
        await trio.sleep(10)
        [call] = runtime.get("x").status().nodes
        assert call.phase == "calling"
        runtime.get("x").update(poison=1)
        await trio.sleep(10)
        [waiting] = runtime.list(definition="child")
        await waiting.signal("go")
        outcome = await handle.result()
        assert (outcome.state, outcome.duration) == ("completed", 25)
        other = await runtime.spawn(process.build(), id="y")
        await trio.sleep(5)
        other.update(poison=1)
        assert ((await other.result()).state, (await other.result()).duration) == ("timed_out", 100)


@contextmanager
def crashes(random: Random, one_in: int) -> Generator[list[str], None, None]:
    """Have turns crash now and then: before, in the middle, or when their effects are performed."""
    perform = Execution.perform
    crashed: list[str] = []

    def maybe(what: str) -> None:
        if len(crashed) < 3 and random.randrange(one_in) == 0:
            crashed.append(what)
            raise Poison(what)

    def faulty_turn(
        state: ExecutionState, message: Message, now: float, reply: int = 0
    ) -> list[Effect]:
        maybe("before")
        effects = transition(state, message, now, reply)
        maybe("after")
        return effects

    def faulty_perform(self: Execution, effects: list[Effect]) -> None:
        done = random.randrange(len(effects) + 1)
        perform(self, effects[:done])
        if not any(type(effect).__name__ == "Ended" for effect in effects[:done]):
            maybe("performing")
        perform(self, effects[done:])

    with pytest.MonkeyPatch.context() as patch:
        for turn in TURNS:
            patch.setattr(turn, faulty_turn)
        patch.setattr(Execution, "perform", faulty_perform)
        yield crashed


class Latest:
    """The handle of an execution, whichever life it is in."""

    def __init__(self, runtime: pe.Runtime, id: str) -> None:
        self._runtime = runtime
        self._id = id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime.get(self._id), name)


class CrashingDrama(Drama):
    """A drama whose messages go to whatever life there is, and may get lost with it."""

    async def spawn_in(self, runtime: pe.Runtime, id: str) -> pe.ActorHandle:
        await super().spawn_in(runtime, id)
        self._handle = cast(pe.ActorHandle, Latest(runtime, id))
        return self._handle

    async def _act(self, handle: pe.ActorHandle, act: str) -> None:
        try:
            await super()._act(handle, act)
        except (pe.ProcessEngineError, Poison):
            self._note("lost")

    def check_records(self) -> None:
        """What returned in the turn that crashed is done again: at least once, not exactly."""

    async def _give_up(self, handle: pe.ActorHandle) -> pe.Outcome:
        for _ in range(5):
            handle.cancel("given up")
            with trio.move_on_after(10):
                return await handle.result()
        pytest.fail(f"it does not end: {handle.status()}")


plans = chances().map(draw_plan)


@settings(max_examples=3 * settings().max_examples)
@given(plan=plans, schedule=chances())
def test_whatever_crashes_every_execution_ends_well(plan: Plan, schedule: Random) -> None:
    logger = logging.getLogger("processengine")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    drama = CrashingDrama(plan)
    try:
        with crashes(schedule, 8):
            run_virtual(drama.play, random=schedule)
    finally:
        logger.setLevel(level)
    assert drama.outcome is not None
    assert drama.faults == []
    assert drama.begun == drama.left
    assert all(reply.is_done() for _, reply in drama.replies)
    _check_history(drama.outcome)


def _check_history(outcome: pe.Outcome) -> None:
    """The history of all lives together leads to the end that was reached."""
    if outcome.error is not None and outcome.error.exception == "EngineFault":
        return
    limits = Limits(pe.Retry(attempts=2, initial=0.5), 100 * 1024 * 1024)
    state = ExecutionState(outcome.id, RoutingMap(outcome.process), limits)
    for record in outcome.history:
        transition(state, record.message, record.at)
    assert state.name == outcome.state
    assert state.memory == outcome.memory
