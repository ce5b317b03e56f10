"""What `runtime.metrics()` says, in virtual time."""

import threading
from typing import Any

import pytest
import trio
import trio.testing

import processengine as pe
from processengine.runtime.metrics import OTHER, ExecutionCounts


@pytest.fixture
def autojump_clock() -> trio.testing.MockClock:
    return trio.testing.MockClock(autojump_threshold=0)


async def nothing() -> None:
    pass


async def second() -> None:
    await trio.sleep(1.0)


async def broken() -> None:
    raise OSError("broken")


def process(name: str, *functions: Any, **options: Any) -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder(name)
    last = None
    for place, function in enumerate(functions):
        node = builder.node(f"n{place}", function, **options)
        if last is not None:
            last.then(node)
        last = node
    return builder.build()


ONCE = pe.Retry(attempts=1)


async def test_a_fresh_runtime_has_done_nothing() -> None:
    async with pe.open_runtime() as runtime:
        metrics = runtime.metrics()
    assert metrics.execution_count == metrics.steps == metrics.queue_length == 0
    assert metrics.error_rate == metrics.average_duration_ms == metrics.cache_hit_rate == 0.0
    assert metrics.store is None
    assert metrics.memory_usage_mb > 1


async def test_ended_executions_are_counted_by_their_end(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        for _ in range(3):
            await runtime.spawn(process("well", nothing, second))
        await runtime.spawn(process("ill", broken, retry=ONCE))
        cancelled = await runtime.spawn(process("long", second))
        await cancelled.cancel()
        await runtime.wait_all_ended()
        metrics = runtime.metrics()
    assert metrics.executions == {"completed": 3, "failed": 1, "cancelled": 1}
    assert (metrics.execution_count, metrics.failure_count, metrics.error_rate) == (5, 1, 0.2)
    assert metrics.steps == 3 * 2 + 1 + 1


async def test_a_timeout_of_an_execution_is_a_failure(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with pe.open_runtime(execution_timeout=0.5) as runtime:
        await runtime.spawn(process("long", second))
        await runtime.wait_all_ended()
        metrics = runtime.metrics()
    assert metrics.executions == {"timed_out": 1}
    assert metrics.error_rate == 1.0


async def test_durations_are_from_spawn_to_end(autojump_clock: trio.testing.MockClock) -> None:
    async with pe.open_runtime(max_concurrent_executions=1) as runtime:
        for _ in range(3):  # one after the other: they take 1, 2 and 3 s
            await runtime.spawn(process("one", second))
        await runtime.wait_all_ended()
        metrics = runtime.metrics()
    assert metrics.average_duration_ms == pytest.approx(2000)
    assert metrics.max_duration_ms == pytest.approx(3000)
    assert metrics.p50_duration_ms == pytest.approx(2000, rel=0.012)
    assert metrics.p99_duration_ms == pytest.approx(3000, rel=0.012)
    assert metrics.uptime == pytest.approx(3.0)


async def test_each_definition_has_figures_of_its_own(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        await runtime.spawn(process("quick", nothing))
        await runtime.spawn(process("slow", second, second))
        await runtime.wait_all_ended()
        quick, slow = runtime.metrics().definitions
    assert (quick.definition, quick.executions, quick.steps) == ("quick v1", {"completed": 1}, 1)
    assert (slow.definition, slow.executions, slow.steps) == ("slow v1", {"completed": 1}, 2)
    assert slow.durations.maximum == pytest.approx(2.0)


def test_definitions_beyond_the_bound_are_counted_together() -> None:
    counts = ExecutionCounts(labels=2)
    for name in ("a v1", "b v1", "c v1", "d v1", "a v1"):
        counts.of(name).ended("completed", 1, 0.0)
    found = {each.definition: each.executions["completed"] for each in counts.metrics()}
    assert found == {"a v1": 2, "b v1": 1, OTHER: 2}


async def test_live_executions_are_shown_by_state(autojump_clock: trio.testing.MockClock) -> None:
    waiting = pe.ProcessBuilder("waiting")
    waiting.wait("go", signal="go")
    async with pe.open_runtime(max_concurrent_executions=2) as runtime:
        await runtime.spawn(waiting.build())
        paused = await runtime.spawn(process("paused", second, second))
        await paused.pause()
        for _ in range(3):
            await runtime.spawn(process("long", second))
        await trio.sleep(0.5)
        metrics = runtime.metrics()
    assert metrics.live == {"waiting": 1, "paused": 1, "running": 2, "queued": 1}
    assert (metrics.queued_executions, metrics.queue_length) == (1, 1)
    assert metrics.running_attempts == 2


async def test_failed_attempts_and_retries_are_counted_as_they_happen(
    autojump_clock: trio.testing.MockClock,
) -> None:
    policy = pe.Retry(attempts=4, initial=1.0, jitter="none")
    async with pe.open_runtime() as runtime:
        await runtime.spawn(process("ill", broken, retry=policy))
        await trio.sleep(0.5)
        assert (runtime.metrics().failed_attempts, runtime.metrics().retries) == (1, 1)
        await runtime.wait_all_ended()
        metrics = runtime.metrics()
    assert (metrics.failed_attempts, metrics.retries, metrics.attempts) == (4, 3, 4)


async def test_an_attempt_that_times_out_has_failed(autojump_clock: trio.testing.MockClock) -> None:
    policy = pe.Retry(attempts=2, initial=1.0)
    async with pe.open_runtime() as runtime:
        await runtime.spawn(process("slow", second, timeout=0.1, retry=policy))
        await runtime.wait_all_ended()
        metrics = runtime.metrics()
    assert (metrics.failed_attempts, metrics.retries) == (2, 1)


async def test_a_cancelled_or_paused_attempt_has_not_failed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process("long", second))
        await trio.sleep(0.1)
        await handle.pause(mode="interrupt")
        await handle.resume()
        await trio.sleep(0.1)
        await handle.cancel()
        metrics = runtime.metrics()
    assert (metrics.failed_attempts, metrics.retries) == (0, 0)


async def test_what_a_group_holds_back_is_parked(autojump_clock: trio.testing.MockClock) -> None:
    builder = pe.ProcessBuilder("calls")
    breaker = pe.BreakerPolicy(consecutive_failures=1, open_seconds=60.0)
    group = pe.Group("bank", breaker=breaker, shared=True)
    builder.node(broken, group=group, retry=pe.Retry(attempts=2, initial=1.0))
    async with pe.open_runtime() as runtime:
        await runtime.spawn(builder.build())
        await trio.sleep(5.0)
        metrics = runtime.metrics()
    (bank,) = [each for each in metrics.groups if each.name == "bank"]
    assert (metrics.parked_attempts, bank.parked, bank.breaker) == (1, 1, "open")
    assert metrics.live == {"waiting": 1}


async def test_refused_spawns_are_counted(autojump_clock: trio.testing.MockClock) -> None:
    options = pe.Options(max_concurrent_executions=1, admission_queue_limit=1)
    long = process("long", second)
    async with pe.open_runtime(options) as runtime:
        await runtime.spawn(long)
        await runtime.spawn(long)
        with pytest.raises(pe.AdmissionRefused):
            await runtime.spawn(long)
        with pytest.raises(pe.AdmissionRefused):
            await runtime.spawn_many(long, [None] * 2)
        metrics = runtime.metrics()
    assert metrics.refused_executions == 3


async def test_dead_letters_are_counted_by_reason() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process("one", nothing))
        await handle.result()
        with pytest.raises(pe.ActorGone):
            await handle.signal("late")
        assert runtime.metrics().dead_letters == {"already ended": 1}


async def test_commits_and_sleepers_of_a_store_are_counted(
    autojump_clock: trio.testing.MockClock,
) -> None:
    builder = pe.ProcessBuilder("waits")
    builder.node(nothing).then(builder.wait("go", signal="go"))
    async with pe.open_runtime(store=pe.MemoryStore(), passivate_after=1.0) as runtime:
        await runtime.spawn_many(builder.build(), [None] * 3)
        await trio.sleep(5.0)
        metrics = runtime.metrics()
    assert metrics.sleeping == 3
    assert metrics.live == {}
    assert metrics.store is not None
    assert metrics.store.records >= 3 * 3  # begun, a step, a wait
    assert 0 < metrics.store.commits <= metrics.store.records
    assert metrics.store.commit_durations.count == metrics.store.commits
    assert (metrics.store.pending, metrics.store.lag, metrics.store.failures) == (0, 0.0, 0)


async def test_after_the_end_the_last_figures_stay(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        await runtime.spawn(process("long", second))
    last = runtime.metrics()
    await trio.sleep(10)
    assert last.executions == {"cancelled": 1}
    assert runtime.metrics() is last


async def test_before_the_opening_there_are_none() -> None:
    with pytest.raises(pe.RuntimeNotOpen):
        pe.open_runtime().metrics()


async def test_another_thread_may_look_while_executions_come_and_go() -> None:
    seen: list[pe.PerformanceMetrics] = []
    stop = threading.Event()

    def look(runtime: pe.Runtime) -> None:
        while not stop.is_set():
            seen.append(runtime.metrics())

    chain, flaky = process("chain", *[nothing] * 5), process("flaky", broken, retry=ONCE)
    async with pe.open_runtime() as runtime, trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, look, runtime)
        while len(seen) < 50:
            for _ in range(50):
                await runtime.spawn(chain)
                await runtime.spawn(flaky)
            await trio.lowlevel.checkpoint()
            await runtime.wait_all_ended()
        stop.set()
    counts = [metrics.execution_count for metrics in seen]
    assert counts == sorted(counts)
    final = runtime.metrics()
    assert final.executions["completed"] == final.executions["failed"] == final.failed_attempts
