"""How executions end before their time: by a cancel, by the host's, by the end of the runtime."""

from __future__ import annotations

import gc
import logging
import signal
import sys
import weakref
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import trio
from trio.testing import MockClock

import processengine as pe
from processengine.runtime.definition import Durability, NodeRef
from processengine.testing import run_virtual

MANY = 1_000


def count_tasks() -> int:
    """How many tasks the event loop has."""
    root = trio.lowlevel.current_root_task()
    assert root is not None
    waiting, count = [root], 0
    while waiting:
        task = waiting.pop()
        count += 1
        waiting += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return count


class CleanUps:
    """A process of two nodes side by side that sleep for long, and count how they are left."""

    def __init__(self) -> None:
        self.begun = 0
        self.done = 0

    async def sleep(self) -> None:
        self.begun += 1
        try:
            await trio.sleep(1_000)
        finally:
            self.done += 1

    def definition(self) -> pe.ProcessDefinition:
        process = pe.ProcessBuilder("sleepers")
        process.node("left", self.sleep)
        process.node("right", self.sleep)
        return process.build()


def alone(
    function: Callable[..., Awaitable[object]],
    *,
    then: Callable[..., Awaitable[object]] | None = None,
) -> pe.ProcessDefinition:
    """A process of one node, or of two."""
    process = pe.ProcessBuilder("alone")
    first = process.node("first", function, retry=pe.NO_RETRY)
    if then is not None:
        first.then(process.node("second", then))
    return process.build()


async def nap() -> None:
    await trio.sleep(1)


Replies = list[pe.Reply[pe.Outcome]]


async def spawn_many(runtime: pe.Runtime, process: pe.ProcessDefinition, count: int) -> Replies:
    """Spawn, and have all of them in the middle of their nodes."""
    handles = [await runtime.spawn(process) for _ in range(count)]
    await trio.sleep(0.5)
    return [handle.result() for handle in handles]


async def check_all_cancelled(cleanups: CleanUps, results: Replies, reason: str) -> None:
    assert cleanups.begun == cleanups.done == 2 * len(results)
    outcomes = [await result for result in results]
    assert {(outcome.state, outcome.reason) for outcome in outcomes} == {("cancelled", reason)}


# Many at once


async def test_a_thousand_cancels_run_every_clean_up_and_leave_no_task(
    autojump_clock: MockClock,
) -> None:
    cleanups, before = CleanUps(), count_tasks()
    async with pe.open_runtime(max_concurrent_executions=MANY) as runtime:
        results = await spawn_many(runtime, cleanups.definition(), MANY)
        for handle in runtime.list():
            handle.cancel("enough")
        await runtime.wait_all_ended()
        await check_all_cancelled(cleanups, results, "enough")
    assert count_tasks() == before


async def test_leaving_the_block_does_to_a_thousand_what_a_cancel_would(
    autojump_clock: MockClock,
) -> None:
    cleanups, before = CleanUps(), count_tasks()
    async with pe.open_runtime(max_concurrent_executions=MANY) as runtime:
        results = await spawn_many(runtime, cleanups.definition(), MANY)
    assert count_tasks() == before
    await check_all_cancelled(cleanups, results, "the runtime was closed")


async def test_a_cancellation_of_the_host_does_to_a_thousand_what_a_cancel_would(
    autojump_clock: MockClock,
) -> None:
    cleanups, before = CleanUps(), count_tasks()
    results: Replies = []
    with trio.CancelScope() as scope:
        async with pe.open_runtime(max_concurrent_executions=MANY) as runtime:
            results = await spawn_many(runtime, cleanups.definition(), MANY)
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert count_tasks() == before
    await check_all_cancelled(cleanups, results, "the runtime was closed")


class App:
    """A host that refers to its runtime, and whose methods are nodes."""

    runtime: pe.Runtime | None = None

    async def work(self) -> None:
        await trio.sleep(1)

    async def main(self, durability: Durability, seconds: float) -> None:
        store = pe.MemoryStore()
        async with pe.open_runtime(store=store, durability=durability) as self.runtime:
            await self.runtime.spawn(alone(self.work))
            await trio.sleep(seconds)


@pytest.mark.parametrize("durability", ["off", "lazy", "step"])
@pytest.mark.parametrize("seconds", [0.0, 0.5, 2.0])
def test_a_runtime_that_is_over_keeps_nobody_in_memory(
    durability: Durability, seconds: float
) -> None:
    app = App()
    run_virtual(app.main, durability, seconds)
    last = weakref.ref(app)
    del app
    for _ in range(3):  # what the collector does not look into goes with what it finds, by and by
        gc.collect()
    assert last() is None


# Where nothing ever waits


async def turn() -> None:
    """Do nothing."""


def in_circles(second: NodeRef, process: pe.ProcessBuilder, **options: Any) -> None:
    first = process.node("first", turn, join="each", **options)
    process.start(first)
    first.then(second).then(first)


def of_functions(process: pe.ProcessBuilder) -> None:
    in_circles(process.node("second", turn), process)


def of_guarded_functions(process: pe.ProcessBuilder) -> None:
    process.group("remote", breaker=pe.BreakerPolicy(), bulkhead=pe.Bulkhead(1))
    in_circles(process.node("second", turn, group="remote"), process, group="remote")


def of_switches(process: pe.ProcessBuilder) -> None:
    switch = process.switch("first", {"on": lambda: True}, join="each")
    process.start(switch)
    switch.on("on").then(switch)


def of_forks(process: pe.ProcessBuilder) -> None:
    of_functions(process)
    of_switches_beside = process.switch("other", {"on": lambda: True}, join="each")
    process.start(of_switches_beside)
    of_switches_beside.on("on").then(of_switches_beside)


@pytest.mark.parametrize(
    "circles",
    [of_functions, of_guarded_functions, of_switches, of_forks],
    ids=lambda circles: circles.__name__,
)
@pytest.mark.parametrize("durability", ["off", "lazy", "step"])
def test_what_never_waits_can_be_stopped_though_virtual_time_stands_still(
    circles: Callable[[pe.ProcessBuilder], None], durability: Durability
) -> None:
    builder = pe.ProcessBuilder("circles", durability=durability)
    circles(builder)
    process = builder.build()

    async def main() -> None:
        async with pe.open_runtime(store=pe.MemoryStore(), history_limit=1_000) as runtime:
            paused = await runtime.spawn(process, id="paused")
            await paused.pause()
            cancelled = await runtime.spawn(process, id="cancelled")
            other = await runtime.spawn(alone(nap))
            await cancelled.cancel("enough")
            outcome = await cancelled.result()
            assert (outcome.state, outcome.reason) == ("cancelled", "enough")
            assert len(outcome.history) <= 2_000
            assert (await other.result()).state == "completed"
            await runtime.spawn(process, id="left")

    run_virtual(main)


async def test_clean_up_may_await_in_all_three_ways(autojump_clock: MockClock) -> None:
    cleaned: list[float] = []

    async def careful() -> None:
        try:
            await trio.sleep(1_000)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(2)
            cleaned.append(trio.current_time())

    process = alone(careful)
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process)
        await trio.sleep(1)
        await handle.cancel()
        await spawn_many(runtime, process, 1)
    with trio.move_on_at(10):
        async with pe.open_runtime() as runtime:
            await spawn_many(runtime, process, 1)
            await trio.sleep_forever()
    assert cleaned == [3, 5.5, 12]


async def test_a_runtime_opened_in_a_cancelled_scope_ends_at_once(
    autojump_clock: MockClock,
) -> None:
    before = count_tasks()
    with trio.move_on_after(5, shield=True) as guard:
        with trio.CancelScope() as scope:
            scope.cancel()
            async with pe.open_runtime() as runtime:
                await runtime.spawn(alone(nap))
                await trio.sleep(1)
        assert scope.cancelled_caught
    assert not guard.cancelled_caught
    assert count_tasks() == before


async def test_an_error_in_the_block_ends_everything_and_goes_on_as_it_is(
    autojump_clock: MockClock,
) -> None:
    cleanups = CleanUps()
    results: Replies = []

    async def host() -> None:
        async with pe.open_runtime() as runtime:
            results.extend(await spawn_many(runtime, cleanups.definition(), 3))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await host()
    await check_all_cancelled(cleanups, results, "the runtime was closed")


async def test_what_is_queued_when_the_runtime_closes_is_cancelled_without_a_start(
    autojump_clock: MockClock,
) -> None:
    cleanups = CleanUps()
    async with pe.open_runtime(max_concurrent_executions=1) as runtime:
        results = await spawn_many(runtime, cleanups.definition(), 5)
    assert cleanups.begun == cleanups.done == 2
    assert [(await result).state for result in results] == ["cancelled"] * 5


async def test_nothing_can_be_spawned_while_the_runtime_closes(autojump_clock: MockClock) -> None:
    refused: list[bool] = []

    async def respawn() -> None:
        try:
            await trio.sleep_forever()
        finally:
            try:
                await runtime.spawn(alone(nap))
            except pe.RuntimeClosed:
                refused.append(True)

    async with pe.open_runtime() as runtime:
        await spawn_many(runtime, alone(respawn), 1)
    assert refused == [True]


async def test_two_runtimes_side_by_side_end_apart(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as outer:
        outlives = await outer.spawn(alone(nap))
        async with pe.open_runtime() as inner:
            ends = (await inner.spawn(alone(nap))).result()
        assert (await ends).state == "cancelled"
        assert (await outlives.result()).state == "completed"


# Idempotent


async def test_the_first_reason_is_kept_before_the_beginning_too(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime(max_concurrent_executions=1) as runtime:
        await runtime.spawn(alone(nap))
        queued = await runtime.spawn(alone(nap))
        answers = [await queued.cancel("one"), await queued.cancel("two")]
        assert answers == ["cancelled", "cancelled"]
        outcome = await queued.result()
    assert (outcome.reason, outcome.duration) == ("one", 0)


async def test_a_cancel_after_a_close_of_everything_keeps_the_reason(
    autojump_clock: MockClock,
) -> None:
    async def slow_clean_up() -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(2)

    async with trio.open_nursery() as nursery, pe.open_runtime() as runtime:
        handle = await runtime.spawn(alone(slow_clean_up))
        await trio.sleep(1)
        result = handle.result()

        async def cancel_later() -> None:
            await trio.sleep(1)
            assert await handle.cancel("late") == "cancelled"

        nursery.start_soon(cancel_later)
    assert (await result).reason == "the runtime was closed"


@pytest.mark.parametrize("mode", ["drain", "interrupt"])
async def test_a_cancel_during_a_pause_ends_it(
    mode: pe.PauseMode, autojump_clock: MockClock
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(alone(nap, then=nap))
        await trio.sleep(0.5)
        assert await handle.pause(mode) == "paused"
        assert await handle.cancel("enough") == "cancelled"
        outcome = await handle.result()
    assert (outcome.state, outcome.reason) == ("cancelled", "enough")


async def test_a_cancel_during_a_drain_answers_the_pause_and_the_resume_behind_it(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(alone(nap, then=nap))
        await trio.sleep(0.5)
        replies = [handle.pause(), handle.resume(), handle.pause("interrupt"), handle.cancel()]
        assert [await reply for reply in replies] == ["cancelled"] * 4


async def test_a_cancel_after_the_end_changes_nothing(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(alone(nap))
        await handle.result()
        assert await handle.cancel("too late") == "completed"
        assert (await handle.result()).reason is None


# Nodes that do not behave


async def test_a_cancellation_that_a_node_swallows_once_comes_again(
    autojump_clock: MockClock,
) -> None:
    async def swallow() -> None:
        for _ in range(3):
            try:
                await trio.sleep(100)
            except trio.Cancelled:
                continue

    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(alone(swallow, then=nap))
        await trio.sleep(1)
        assert await handle.cancel() == "cancelled"
        outcome = await handle.result()
    assert (outcome.duration, "second" in outcome.memory) == (1, False)


async def test_a_node_that_shields_itself_for_too_long_is_abandoned_and_named(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def stubborn() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(100)

    with caplog.at_level(logging.WARNING):
        async with pe.open_runtime(cancel_grace=3) as runtime:
            handle = await runtime.spawn(alone(stubborn, then=nap), id="order-1")
            await trio.sleep(1)
            assert await handle.cancel("enough") == "cancelled"
            assert trio.current_time() == 4
            outcome = await handle.result()
            assert (await (await runtime.spawn(alone(nap))).result()).state == "completed"
    assert (outcome.reason, outcome.memory) == ("enough", {})
    (record,) = caplog.records
    assert record.getMessage() == (
        "attempt 1 of node 'first' ignored its cancellation for 3 s and was abandoned"
    )
    named = [vars(record)[name] for name in ("execution", "node", "attempt")]
    assert named == ["order-1", "first", 1]


async def test_what_an_abandoned_node_returns_in_the_end_is_dropped(
    autojump_clock: MockClock,
) -> None:
    async def stubborn() -> str:
        with trio.CancelScope(shield=True):
            await trio.sleep(100)
        return "late"

    async with pe.open_runtime(cancel_grace=3) as runtime:
        handle = await runtime.spawn(alone(stubborn, then=nap))
        await trio.sleep(1)
        await handle.cancel()
        await trio.sleep(200)
        assert (handle.status().state, handle.status().nodes) == ("cancelled", ())
        assert (await handle.result()).memory == {}


async def test_a_node_that_raises_in_its_clean_up_does_not_change_the_end(
    autojump_clock: MockClock,
) -> None:
    async def clumsy() -> None:
        try:
            await trio.sleep(100)
        finally:
            raise ZeroDivisionError

    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(alone(clumsy))
        await trio.sleep(1)
        assert await handle.cancel("enough") == "cancelled"
        outcome = await handle.result()
        assert (outcome.state, outcome.reason, outcome.error) == ("cancelled", "enough", None)
        assert (await (await runtime.spawn(alone(nap))).result()).state == "completed"


async def test_a_node_that_raises_a_group_beside_its_cancellation_does_not_change_the_end(
    autojump_clock: MockClock,
) -> None:
    async def clumsy() -> None:
        try:
            await trio.sleep(100)
        finally:
            raise ZeroDivisionError

    async def several() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 100)
            nursery.start_soon(clumsy)

    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(alone(several))
        await trio.sleep(1)
        assert await handle.cancel() == "cancelled"
        assert (await handle.result()).error is None
        assert (await (await runtime.spawn(alone(nap))).result()).state == "completed"


async def test_a_group_that_a_node_raises_is_its_failure(autojump_clock: MockClock) -> None:
    async def several() -> None:
        raise ExceptionGroup("two faults", [ValueError("one"), KeyError("two")])

    async with pe.open_runtime() as runtime:
        outcome = await (await runtime.spawn(alone(several))).result()
    assert outcome.state == "failed"
    assert outcome.error is not None
    assert outcome.error.exception == "ExceptionGroup"
    assert "two faults" in outcome.error.message


async def test_a_node_that_leaves_a_nursery_of_its_own_takes_its_children_along(
    autojump_clock: MockClock,
) -> None:
    ended: list[int] = []

    async def child(number: int) -> None:
        try:
            await trio.sleep(100)
        finally:
            ended.append(number)

    async def parent() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(child, number)

    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(alone(parent))
        await trio.sleep(1)
        await handle.cancel()
        assert sorted(ended) == list(range(10))


@pytest.mark.parametrize("waits", [False, True], ids=["and returns", "and waits for that"])
async def test_a_node_that_cancels_its_own_execution_ends_it(
    waits: bool, autojump_clock: MockClock
) -> None:
    async def suicidal() -> str:
        handle = runtime.get(pe.current().execution)
        reply = handle.cancel("by myself")
        if waits:
            await reply
        return "done"

    async with pe.open_runtime() as runtime:
        outcome = await (await runtime.spawn(alone(suicidal, then=nap))).result()
        assert (await (await runtime.spawn(alone(nap))).result()).state == "completed"
    assert (outcome.state, outcome.reason, outcome.duration) == ("cancelled", "by myself", 0)
    assert outcome.memory == ({} if waits else {"first": "done"})


async def test_a_node_that_cancels_another_execution_goes_on(autojump_clock: MockClock) -> None:
    async def murderous() -> str:
        return await runtime.get("victim").cancel("by another")

    async with pe.open_runtime() as runtime:
        victim = await runtime.spawn(alone(nap), id="victim")
        outcome = await (await runtime.spawn(alone(murderous))).result()
        assert outcome.memory == {"first": "cancelled"}
        assert (await victim.result()).reason == "by another"


async def test_a_node_that_exits_fails_at_once_and_touches_no_other(
    autojump_clock: MockClock,
) -> None:
    attempts: list[int] = []

    async def leave(context: pe.NodeContext) -> None:
        attempts.append(context.attempt)
        sys.exit(3)

    async with pe.open_runtime() as runtime:
        other = await runtime.spawn(alone(nap))
        left = [await (await runtime.spawn(alone(leave))).result() for _ in range(5)]
        assert (await other.result()).state == "completed"
    assert attempts == [1] * 5
    assert {outcome.reason for outcome in left} == {"SystemExit: 3 (node 'first', attempt 1)"}


@pytest.mark.parametrize("runs", ["async", "thread"])
async def test_a_node_that_exits_leaves_by_its_error_port(runs: str) -> None:
    async def leave_task() -> None:
        sys.exit(3)

    def leave_thread() -> None:
        sys.exit(3)

    async def tell(error: pe.ErrorContext) -> str:
        return error.exception

    builder = pe.ProcessBuilder("left")
    leave = leave_task if runs == "async" else leave_thread
    builder.node(leave).on("error").then(builder.node(tell))
    async with pe.open_runtime() as runtime:
        outcome = await (await runtime.spawn(builder.build())).result()
    assert outcome.memory["tell"] == "SystemExit"


# Ctrl-C


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """SIGINT raises `KeyboardInterrupt`, though whoever started the tests may have it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("where", ["in the host", "in a node"])
def test_ctrl_c_reaches_the_host_and_cleans_up(where: str) -> None:
    cleanups = CleanUps()
    results: Replies = []
    ended: list[pe.Outcome] = []

    async def interrupt() -> None:
        signal.raise_signal(signal.SIGINT)

    async def host() -> None:
        async with pe.open_runtime() as runtime:
            results.extend(await spawn_many(runtime, cleanups.definition(), 3))
            if where == "in a node":
                await runtime.spawn(alone(interrupt))
            else:
                await interrupt()
            await trio.sleep_forever()

    async def main() -> None:
        try:
            await host()
        finally:
            ended.extend([await result for result in results])

    with pytest.raises(KeyboardInterrupt):
        run_virtual(main)
    assert cleanups.begun == cleanups.done == 6
    assert {outcome.state for outcome in ended} == {"cancelled"}


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_while_the_runtime_closes_does_not_cut_clean_up_short() -> None:
    cleaned: list[float] = []

    async def careful() -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(1)
                signal.raise_signal(signal.SIGINT)
                await trio.sleep(1)
            cleaned.append(trio.current_time())

    async def host() -> None:
        async with pe.open_runtime() as runtime:
            await spawn_many(runtime, alone(careful), 1)

    with pytest.raises(KeyboardInterrupt):
        run_virtual(host)
    assert cleaned == [2.5]
