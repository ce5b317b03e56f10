"""Who may begin, and when: ids, conflicts, limits and refusals, in virtual time."""

from __future__ import annotations

import json
from random import Random

import pytest
import trio
from hypothesis import given, settings
from trio.testing import MockClock

import processengine as pe
from processengine.testing import chances, run_virtual

EFFORT = settings().max_examples


async def nap() -> None:
    await trio.sleep(1)


async def fail() -> None:
    raise RuntimeError


def process(name: str = "naps", *, waits: bool = False) -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder(name)
    if waits:
        builder.wait("go")
    else:
        builder.node(nap)
    return builder.build()


# Ids


async def test_spawning_twice_gives_the_same_execution(autojump_clock: MockClock) -> None:
    definition = process()
    async with pe.open_runtime() as runtime:
        first = await runtime.spawn(definition, {"x": [1]}, id="one")
        assert await runtime.spawn(definition, {"x": [1]}, id="one") == first
        await first.result()
        assert await runtime.spawn(definition, {"x": [1]}, id="one") == first
        assert len(runtime.list()) == 1


async def test_spawning_something_else_under_the_same_id_is_a_conflict(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process(), {"x": 1}, id="one")
        for _ in ("live", "ended"):
            with pytest.raises(pe.ExecutionConflict, match="not with other v1"):
                await runtime.spawn(process("other"), {"x": 1}, id="one")
            with pytest.raises(pe.ExecutionConflict, match="not with inputs"):
                await runtime.spawn(process(), {"x": 2}, id="one")
            await handle.result()


async def test_a_conflict_leaves_the_execution_alone(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process(), id="one")
        with pytest.raises(pe.ExecutionConflict):
            await runtime.spawn(process("other"), id="one")
        assert (await handle.result()).state == "completed"


async def test_a_queued_execution_is_as_taken_as_one_that_runs(autojump_clock: MockClock) -> None:
    definition = process()
    async with pe.open_runtime(max_concurrent_executions=1) as runtime:
        await runtime.spawn(definition)
        queued = await runtime.spawn(definition, {"x": 1}, id="one")
        assert queued.status().state == "queued"
        assert await runtime.spawn(definition, {"x": 1}, id="one") == queued
        with pytest.raises(pe.ExecutionConflict):
            await runtime.spawn(definition, {"x": 2}, id="one")


async def test_inputs_belong_to_the_execution_once_it_is_spawned(autojump_clock: MockClock) -> None:
    given: dict[str, list[int]] = {"items": [1]}
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process(), given)
        given["items"].append(2)
        outcome = await handle.result()
    assert outcome.memory["items"] == [1]


async def test_outcomes_are_forgotten_when_there_are_too_many(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(keep_ended=1) as runtime:
        first = await runtime.spawn(process())
        await first.result()
        second = await runtime.spawn(process())
        await second.result()
        assert runtime.list() == [second]
        with pytest.raises(pe.UnknownExecution):
            runtime.get(first.id)
        with pytest.raises(pe.UnknownExecution):
            await first.result()
        with pytest.raises(pe.UnknownExecution):
            await first.pause()


# Limits


async def test_no_more_executions_are_busy_than_allowed(autojump_clock: MockClock) -> None:
    definition = process()
    async with pe.open_runtime(max_concurrent_executions=2) as runtime:
        handles = [await runtime.spawn(definition) for _ in range(5)]
        states = [handle.status().state for handle in handles]
        assert states == ["running", "running", "queued", "queued", "queued"]
        ends = [(await handle.result()).ended_at for handle in handles]
    assert ends == [1, 1, 2, 2, 3]


async def test_executions_that_wait_make_room(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(max_concurrent_executions=1) as runtime:
        waiting = [await runtime.spawn(process(waits=True)) for _ in range(3)]
        await trio.sleep(1)
        assert {handle.status().state for handle in waiting} == {"waiting"}


async def test_a_paused_execution_makes_room(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(max_concurrent_executions=1) as runtime:
        first, second = [await runtime.spawn(process()) for _ in range(2)]
        await first.pause("interrupt")
        assert (await second.result()).ended_at == 1
        await first.resume()
        assert (await first.result()).state == "completed"


async def test_an_execution_that_begins_to_back_off_makes_room(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("fails")
    builder.node(fail, retry=pe.Retry(attempts=2, initial=60.0, jitter="none"))
    async with pe.open_runtime(max_concurrent_executions=1) as runtime:
        await runtime.spawn(builder.build())
        other = await runtime.spawn(process())
        assert (await other.result()).ended_at == 1


async def test_more_than_the_queue_holds_is_refused_and_leaves_no_trace(
    autojump_clock: MockClock,
) -> None:
    definition = process()
    options = pe.Options(max_concurrent_executions=1, admission_queue_limit=1)
    async with pe.open_runtime(options) as runtime:
        handles = [await runtime.spawn(definition) for _ in range(2)]
        with pytest.raises(pe.AdmissionRefused, match=r"1 are running .* and 1 are queued"):
            await runtime.spawn(definition, id="refused")
        assert runtime.list() == handles
        await handles[0].result()
        again = await runtime.spawn(definition, id="refused")
        assert (await again.result()).state == "completed"


async def test_a_queued_execution_that_is_cancelled_makes_room_in_the_queue(
    autojump_clock: MockClock,
) -> None:
    definition = process()
    options = pe.Options(max_concurrent_executions=1, admission_queue_limit=1)
    async with pe.open_runtime(options) as runtime:
        await runtime.spawn(definition)
        queued = await runtime.spawn(definition)
        assert await queued.cancel("changed my mind") == "cancelled"
        assert (await queued.result()).reason == "changed my mind"
        await runtime.spawn(definition)


async def test_a_queued_execution_that_was_paused_does_not_start_when_its_time_comes(
    autojump_clock: MockClock,
) -> None:
    definition = process()
    async with pe.open_runtime(max_concurrent_executions=1) as runtime:
        await runtime.spawn(definition)
        queued, third = [await runtime.spawn(definition) for _ in range(2)]
        assert await queued.pause() == "paused"
        assert (await third.result()).ended_at == 2
        assert await queued.resume() == "running"
        assert (await queued.result()).ended_at == 3


async def test_what_a_queued_execution_is_told_it_knows_when_it_begins(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime(max_concurrent_executions=1) as runtime:
        await runtime.spawn(process())
        queued = await runtime.spawn(process(waits=True))
        await queued.signal("go", "early")
        await queued.update(x=1)
        outcome = await queued.result()
    assert outcome.memory == {"x": 1, "go": "early"}


Naps = tuple[float, ...]


@settings(max_examples=2 * EFFORT)
@given(
    naps=chances().map(lambda r: tuple(float(r.randrange(3)) for _ in range(r.randrange(12)))),
    limit=chances().map(lambda random: 1 + random.randrange(3)),
    schedule=chances(),
)
def test_everything_that_was_admitted_comes_to_its_turn(
    naps: Naps, limit: int, schedule: Random
) -> None:
    """Executions nap twice with a wait between, are paused, resumed and cancelled meanwhile."""
    napping: set[object] = set()

    async def nap_for(seconds: float) -> None:
        me = object()
        napping.add(me)
        try:
            await trio.sleep(seconds)
        finally:
            napping.remove(me)

    builder = pe.ProcessBuilder("naps", inputs=["seconds"])
    first = builder.node("first", nap_for)
    first.then(builder.delay("between", 1)).then(builder.node("second", nap_for))
    definition = builder.build()

    async def main() -> list[str]:
        async with pe.open_runtime(max_concurrent_executions=limit) as runtime:
            handles = [await runtime.spawn(definition, {"seconds": each}) for each in naps]
            for number, handle in enumerate(handles):
                if number % 3 == 1:
                    await handle.pause("interrupt")
                    await trio.sleep(0.5)
                    handle.resume()
                elif number % 4 == 2:
                    handle.cancel()
            return [(await handle.result()).state for handle in handles]

    states = run_virtual(main, random=schedule)
    assert set(states) <= {"completed", "cancelled"}
    assert napping == set()


async def test_executions_share_the_text_of_their_variables_names(
    autojump_clock: MockClock,
) -> None:
    process = pe.ProcessBuilder("waiting")
    process.wait("go")
    definition = process.build()
    async with pe.open_runtime() as runtime:
        given = [json.loads('{"customer": 1}') for _ in range(2)]
        assert next(iter(given[0])) is not next(iter(given[1]))
        handles = await runtime.spawn_many(definition, given)
        kept = [runtime._core.live[handle.id].state.memory for handle in handles]  # type: ignore[union-attr]  # pyright: ignore[reportPrivateUsage, reportOptionalMemberAccess]
        assert kept == given
        assert next(iter(kept[0])) is next(iter(kept[1]))
