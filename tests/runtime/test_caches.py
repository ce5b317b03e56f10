"""What a runtime keeps compiled: bounded, growing old, and of no consequence to what runs."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

import processengine as pe

REMOTE = pe.Group("remote", breaker=pe.BreakerPolicy())


async def work() -> str:
    return "done"


def waiting(id: str) -> pe.ProcessDefinition:
    """Waits for a signal, then calls a function in a group."""
    builder = pe.ProcessBuilder(id)
    builder.group(REMOTE)
    builder.wait("go").then(builder.node(work, group=REMOTE.name))
    return builder.build()


async def test_a_definition_is_compiled_once_and_hits_from_then_on(
    autojump_clock: MockClock,
) -> None:
    definition = waiting("orders")
    async with pe.open_runtime() as runtime:
        await runtime.spawn_many(definition, [None] * 3)
        await runtime.spawn(definition)
        routing = runtime.caches["routing"]
    assert (routing.size, routing.limit, routing.misses) == (1, 500, 1)
    assert routing.hits >= 1


async def test_a_compiled_definition_expires_an_hour_after_it_was_made(
    autojump_clock: MockClock,
) -> None:
    definition = waiting("orders")
    async with pe.open_runtime() as runtime:
        await runtime.spawn(definition)
        await trio.sleep(3599)
        await runtime.spawn(definition)
        assert runtime.caches["routing"].expirations == 0
        await trio.sleep(1)
        await runtime.spawn(definition)
        assert runtime.caches["routing"].expirations == 1


async def test_an_eviction_is_of_no_consequence_to_what_runs(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(routing_cache_size_limit=1) as runtime:
        first = await runtime.spawn(waiting("first"))
        for number in range(9):
            await runtime.spawn(waiting(f"other-{number}"))
        assert runtime.caches["routing"].evictions == 9
        first.signal("go")
        assert (await first.result()).memory["work"] == "done"


async def test_executions_before_and_after_an_eviction_share_their_group(
    autojump_clock: MockClock,
) -> None:
    definition = waiting("orders")
    async with pe.open_runtime(routing_cache_size_limit=1) as runtime:
        before = await runtime.spawn(definition)
        for number in range(9):
            await runtime.spawn(waiting(f"other-{number}"))
        after = await runtime.spawn(definition)
        runtime.group("remote", "orders").isolate()
        before.signal("go")
        after.signal("go")
        await trio.sleep(1)
        assert [each.status().nodes[0].phase for each in (before, after)] == ["parked"] * 2
        runtime.group("remote", "orders").reset()
        assert {(await each.result()).state for each in (before, after)} == {"completed"}


async def test_an_execution_that_slept_through_an_eviction_runs_on(
    autojump_clock: MockClock,
) -> None:
    store = pe.MemoryStore()
    async with pe.open_runtime(
        store=store, routing_cache_size_limit=1, passivate_after=1, keep_ended=0
    ) as runtime:
        sleeper = await runtime.spawn(waiting("sleeper"))
        await trio.sleep(10)
        for number in range(9):
            other = await runtime.spawn(waiting(f"other-{number}"))
            other.signal("go")
            await other.result()
        with pytest.raises(pe.UnknownGroup):
            runtime.group("remote", "sleeper")
        sleeper.signal("go")
        assert (await sleeper.result()).state == "completed"
