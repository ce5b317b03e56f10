"""Time limits of nodes and executions, in virtual time."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

import processengine as pe


class Sleeper:
    """A node that sleeps for long; what it did is counted."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)
        self.begun = 0
        self.cleaned = 0

    async def sleep(self) -> str:
        self.begun += 1
        try:
            await trio.sleep(self.seconds.pop(0) if self.seconds else 1_000)
        finally:
            self.cleaned += 1
        return "slept"


def process(
    sleeper: Sleeper, *, timeout: float | None = None, retry: pe.Retry = pe.NO_RETRY
) -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder("sleeps")
    builder.node("sleep", sleeper.sleep, timeout=timeout, retry=retry)
    return builder.build()


async def test_an_attempt_that_takes_too_long_is_cancelled_and_fails(
    autojump_clock: MockClock,
) -> None:
    sleeper = Sleeper()
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process(sleeper, timeout=5))
        outcome = await handle.result()
    assert (outcome.state, outcome.duration, sleeper.cleaned) == ("failed", 5, 1)
    assert outcome.error is not None
    assert outcome.error.exception == "TimedOut"


async def test_every_attempt_has_its_own_time(autojump_clock: MockClock) -> None:
    sleeper = Sleeper(9, 9, 3)
    retry = pe.Retry(attempts=3, initial=1, multiplier=1, jitter="none")
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process(sleeper, timeout=5, retry=retry))
        outcome = await handle.result()
    assert (outcome.state, outcome.duration, sleeper.begun) == ("completed", 5 + 1 + 5 + 1 + 3, 3)


async def test_an_attempt_that_is_in_time_is_not_disturbed_later(
    autojump_clock: MockClock,
) -> None:
    builder = pe.ProcessBuilder("in-time")
    first = builder.node("first", Sleeper(1).sleep, timeout=5)
    first.then(builder.node("second", Sleeper(20).sleep))
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(builder.build())
        assert (await handle.result()).duration == 21


async def test_every_item_of_an_each_node_has_its_own_time(autojump_clock: MockClock) -> None:
    async def sleep(item: int) -> int:
        await trio.sleep(item)
        return item

    builder = pe.ProcessBuilder("items")
    builder.each("sleep", sleep, over=lambda: [3, 4, 2], concurrency=1, timeout=5)
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(builder.build())
        assert (await handle.result()).duration == 9


async def test_an_execution_that_takes_too_long_is_ended_and_cleans_up(
    autojump_clock: MockClock,
) -> None:
    sleeper = Sleeper()
    async with pe.open_runtime(execution_timeout=30) as runtime:
        handle = await runtime.spawn(process(sleeper))
        outcome = await handle.result()
    assert (outcome.state, outcome.duration, sleeper.cleaned) == ("timed_out", 30, 1)
    assert outcome.reason == "the execution's timeout has run out"


async def test_the_limit_of_a_definition_beats_that_of_the_runtime(
    autojump_clock: MockClock,
) -> None:
    builder = pe.ProcessBuilder("sleeps", timeout=10)
    builder.node("sleep", Sleeper().sleep)
    async with pe.open_runtime(execution_timeout=30) as runtime:
        handle = await runtime.spawn(builder.build())
        assert (await handle.result()).duration == 10


async def test_the_time_in_the_queue_does_not_count(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(execution_timeout=5, max_concurrent_executions=1) as runtime:
        handles = [await runtime.spawn(process(Sleeper(4))) for _ in range(3)]
        assert [(await handle.result()).state for handle in handles] == ["completed"] * 3


async def test_a_pause_stops_the_time_of_the_execution(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("waits", timeout=10)
    builder.wait("go")
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(builder.build())
        await trio.sleep(6)
        await handle.pause()
        await trio.sleep(100)
        await handle.resume()
        outcome = await handle.result()
    assert (outcome.state, outcome.duration) == ("timed_out", 110)


async def test_a_pause_stops_the_time_of_a_wait(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("waits")
    wait = builder.wait("go", within=10)
    wait.on("timeout").then(builder.node("late", Sleeper(0).sleep))
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(builder.build())
        await trio.sleep(6)
        await handle.pause()
        await trio.sleep(100)
        await handle.resume()
        outcome = await handle.result()
    assert (outcome.state, outcome.duration) == ("completed", 110)


@pytest.mark.parametrize("pauses", [1, 3])
async def test_the_time_may_run_while_paused_if_asked(
    pauses: int, autojump_clock: MockClock
) -> None:
    builder = pe.ProcessBuilder("waits", timeout=10)
    builder.wait("go")
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(builder.build())
        for _ in range(pauses):
            await handle.pause(timeouts="run")
        outcome = await handle.result()
    assert (outcome.state, outcome.duration) == ("timed_out", 10)


async def test_many_pauses_add_up(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("waits", timeout=10)
    builder.wait("go")
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(builder.build())
        for _ in range(5):
            await trio.sleep(1)
            await handle.pause()
            await trio.sleep(50)
            await handle.resume()
        outcome = await handle.result()
    assert (outcome.state, outcome.duration) == ("timed_out", 260)


async def test_a_timeout_of_an_execution_ends_its_children_too(autojump_clock: MockClock) -> None:
    sleeper = Sleeper()
    builder = pe.ProcessBuilder("parent", timeout=10)
    builder.process("child", process(sleeper))
    async with pe.open_runtime(execution_timeout=None) as runtime:
        handle = await runtime.spawn(builder.build())
        assert (await handle.result()).state == "timed_out"
        assert {each.status().state for each in runtime.list()} == {"timed_out", "cancelled"}
    assert sleeper.cleaned == 1


async def test_a_node_that_shields_itself_ends_with_the_grace_not_with_the_timeout(
    autojump_clock: MockClock,
) -> None:
    async def stubborn() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(100)

    builder = pe.ProcessBuilder("stubborn", timeout=10)
    builder.node("stubborn", stubborn)
    async with pe.open_runtime(cancel_grace=2) as runtime:
        handle = await runtime.spawn(builder.build())
        outcome = await handle.result()
        assert (outcome.state, outcome.duration) == ("timed_out", 12)
