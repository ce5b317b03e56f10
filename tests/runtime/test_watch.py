"""Watching an execution: what is told, in which order, and how a watch ends."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

import processengine as pe


async def nap() -> str:
    await trio.sleep(1)
    return "done"


def two_steps() -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("two-steps")
    process.node("first", nap).then(process.node("second", nap))
    return process.build()


def waiting() -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("waiting")
    process.wait("answer")
    return process.build()


def word(event: pe.Event) -> str:
    """An event in a word or two."""
    if isinstance(event, pe.NodeEvent):
        return f"{event.node} {event.kind}"
    if isinstance(event, pe.StateEvent):
        return f"is {event.state}"
    if isinstance(event, pe.MessageEvent):
        return f"took {event.message}"
    return f"missed {event.count}"


async def words(watch: pe.Watch[pe.Event]) -> list[str]:
    return [word(event) async for event in watch]


# Order and end


async def test_events_come_in_the_order_in_which_things_happened(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        watch = handle.watch()
        await handle.result()
        assert await words(watch) == [
            "first started", "first completed", "second started", "second completed",
            "is completed",
        ]  # fmt: skip


async def test_times_of_events_never_go_back(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        times = [event.at async for event in handle.watch() if not isinstance(event, pe.Missed)]
    assert times == sorted(times) == [0, 1, 1, 2, 2]


async def test_control_messages_and_states_are_told_between_the_nodes(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        watch = handle.watch()
        await trio.sleep(0.5)
        await handle.pause()
        await handle.resume()
        await trio.sleep(0.5)
        await handle.cancel("enough")
        events = [event async for event in watch]
    assert [word(event) for event in events] == [
        "first started", "took pause", "is pausing", "first completed", "is paused",
        "took resume", "is running", "second started", "took cancel", "second interrupted",
        "is cancelled",
    ]  # fmt: skip
    assert isinstance(events[-1], pe.StateEvent)
    assert events[-1].reason == "enough"


async def test_a_watch_begins_with_what_happens_from_then_on(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await trio.sleep(1.5)
        assert await words(handle.watch()) == ["second completed", "is completed"]


async def test_a_watch_of_something_queued_tells_its_beginning(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(max_concurrent_executions=1) as runtime:
        await runtime.spawn(two_steps())
        queued = await runtime.spawn(two_steps())
        assert (await words(queued.watch()))[:2] == ["is running", "first started"]


async def test_a_watch_ends_with_the_execution_however_that_ends(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())
        watch = handle.watch()
        await handle.cancel()
        assert (await words(watch))[-1] == "is cancelled"
        assert await words(watch) == []


async def test_a_watch_ends_when_the_runtime_closes(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        watch = (await runtime.spawn(waiting())).watch()
    assert (await words(watch))[-1] == "is cancelled"


async def test_two_watchers_are_told_the_same(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        one, other = handle.watch(), handle.watch()
        assert await words(one) == await words(other) != []


async def test_a_watcher_changes_nothing_in_the_outcome(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        watched, alone = [await runtime.spawn(two_steps()) for _ in range(2)]
        watch = watched.watch()
        one, other = await watched.result(), await alone.result()
        watch.close()
    assert (one.state, one.memory, one.duration) == (other.state, other.memory, other.duration)
    assert [type(r.message) for r in one.history] == [type(r.message) for r in other.history]


# Slow watchers


async def test_a_slow_watcher_is_told_what_it_missed_where_it_missed_it(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())
        await wait_all_tasks_blocked()
        watch = handle.watch(capacity=2)
        for number in range(10):
            await handle.update(number=number)
        assert word(await anext(watch)) == "took update"
        await handle.signal("answer")
        assert await words(watch) == ["took update", "missed 8", "took signal", "missed 2"]


async def test_what_a_watcher_gets_and_what_it_missed_are_all_there_was(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())
        slow, fast = handle.watch(capacity=3), handle.watch()
        for number in range(20):
            await handle.update(number=number)
            if number == 10:
                await anext(slow)
        await handle.signal("answer")
        events = [event async for event in slow]
        total = len(await words(fast))
    missed = sum(event.count for event in events if isinstance(event, pe.Missed))
    assert 1 + missed + sum(not isinstance(event, pe.Missed) for event in events) == total


async def test_a_watcher_that_never_looks_does_not_hold_the_engine_up(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        watch = handle.watch(capacity=1)
        outcome = await handle.result()
        assert repr(watch) == "<Watch waiting=1 missed=4 ended=True>"
    assert (outcome.state, outcome.duration) == ("completed", 2)


# Close and release


async def test_a_closed_watch_ends_at_once_and_drops_what_waited(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        watch = handle.watch(capacity=1)
        await trio.sleep(1.5)
        watch.close()
        assert await words(watch) == []
        assert (await handle.result()).state == "completed"
        assert await words(watch) == []


async def test_a_close_wakes_who_waits_for_the_next_event(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime, trio.open_nursery() as nursery:
        handle = await runtime.spawn(waiting())
        watch = handle.watch()
        told: list[str] = []

        async def follow() -> None:
            told.extend(await words(watch))
            told.append("over")

        nursery.start_soon(follow)
        await wait_all_tasks_blocked()
        watch.close()
        await wait_all_tasks_blocked()
        assert told[-1] == "over"
        await handle.cancel()


async def test_a_dropped_watch_is_released_and_no_longer_told(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        watch = handle.watch()
        await trio.sleep(0.5)
        released = weakref.ref(watch)
        del watch
        gc.collect()
        assert released() is None
        assert (await handle.result()).state == "completed"


async def test_a_loop_over_a_watch_may_be_left_and_entered_again(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        watch = handle.watch()
        async for event in watch:
            if word(event) == "first completed":
                break
        assert await words(watch) == ["second started", "second completed", "is completed"]


async def test_a_cancelled_wait_for_an_event_loses_none(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        watch = handle.watch()
        told: list[str] = []
        while "is completed" not in told:
            with trio.move_on_after(0.3):
                told.append(word(await anext(watch)))
    assert told == [
        "first started", "first completed", "second started", "second completed", "is completed",
    ]  # fmt: skip


# In a plain thread


async def test_next_times_out_in_a_thread_and_can_be_called_again() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())
        await handle.query()
        await wait_all_tasks_blocked()
        watch = handle.watch()

        def follow() -> list[str]:
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    watch.next(timeout=0.001)
            handle.signal("answer")
            told: list[str] = []
            while (event := watch.next(timeout=30)) is not None:
                told.append(word(event))
            return told

        told = await trio.to_thread.run_sync(follow)
    assert told == ["took signal", "answer completed", "is completed"]


def count_events() -> int:
    """How many `threading.Event` there are."""
    gc.collect()
    return sum(isinstance(each, threading.Event) for each in gc.get_objects())


async def test_a_thread_that_polls_leaves_nothing_behind() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())
        await wait_all_tasks_blocked()
        watch = handle.watch()

        def poll() -> int:
            before = count_events()
            for _ in range(50):
                with pytest.raises(TimeoutError):
                    watch.next(timeout=0)
            return count_events() - before

        assert await trio.to_thread.run_sync(poll) < 50
        await handle.cancel()


async def test_a_close_from_another_thread_wakes_a_thread_that_waits() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())
        await wait_all_tasks_blocked()
        watch = handle.watch()
        closer = threading.Timer(0.002, watch.close)
        closer.start()
        assert await trio.to_thread.run_sync(watch.next, 30) is None
        closer.join()
        await handle.cancel()
