"""What docs/concepts.md says of messages that come twice, too early, too late, from elsewhere."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import trio
from trio.testing import MockClock

import processengine as pe


async def work(seconds: float = 1.0) -> str:
    await trio.sleep(seconds)
    return "done"


def two_steps() -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("two-steps")
    process.node("first", work).then(process.node("second", work))
    return process.build()


def waiting(within: float | None = None) -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("waiting")
    process.wait("answer", within=within)
    return process.build()


def delayed(seconds: float) -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("delayed")
    process.delay("delay", seconds)
    return process.build()


def failing(attempts: int = 2) -> pe.ProcessDefinition:
    async def fail(context: pe.NodeContext) -> None:
        raise ValueError(f"attempt {context.attempt}")

    process = pe.ProcessBuilder("failing")
    process.node(fail, retry=pe.Retry(attempts=attempts, initial=100, jitter="none"))
    return process.build()


# Pause


async def test_a_pause_is_answered_when_the_attempts_in_flight_have_ended(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await trio.sleep(0.5)
        assert await handle.pause() == "paused"
        assert trio.current_time() == 1
        assert [(node.node, node.phase) for node in handle.status().nodes] == [("second", "ready")]


async def test_a_pause_that_comes_first_is_answered_at_once_and_nothing_begins(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        assert await handle.pause() == "paused"
        assert trio.current_time() == 0
        await trio.sleep(10)
        [first] = handle.status().nodes
        assert (first.node, first.phase, first.attempt) == ("first", "ready", 1)
        await handle.resume()
        assert (await handle.result()).duration == 12


async def test_an_interrupting_pause_starts_its_attempts_again_on_resume(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await trio.sleep(0.5)
        assert await handle.pause(mode="interrupt") == "paused"
        assert trio.current_time() == 0.5
        await handle.resume()
        assert (await handle.result()).duration == 2.5


async def test_a_second_pause_gets_the_same_answer(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        first, second = handle.pause(), handle.pause()
        assert (await first, await second, await handle.pause()) == ("paused",) * 3


async def test_a_pause_that_comes_before_the_first_node_holds_it(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime(max_concurrent_executions=1) as runtime:
        ahead = await runtime.spawn(two_steps())
        queued = await runtime.spawn(two_steps())
        assert queued.status().state == "queued"
        assert await queued.pause() == "paused"
        await ahead.result()
        await trio.sleep(10)
        assert queued.status().state == "paused"
        await queued.resume()
        assert (await queued.result()).state == "completed"


async def test_a_pause_holds_an_attempt_that_waits_for_a_worker_and_does_not_wait_for_it(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime(worker_pool_size=1) as runtime:
        ahead = await runtime.spawn(two_steps())
        behind = await runtime.spawn(two_steps())
        before = trio.current_time()
        assert await behind.pause() == "paused"
        assert trio.current_time() == before
        await ahead.result()
        await trio.sleep(10)
        assert behind.status().state == "paused"
        await behind.resume()
        assert (await behind.result()).state == "completed"


async def test_a_pause_that_the_end_overtakes_is_answered_with_the_end(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await trio.sleep(1.5)
        assert await handle.pause() == "completed"


async def test_timeouts_stand_still_during_a_pause(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(execution_timeout=20) as runtime:
        handle = await runtime.spawn(waiting(within=10))
        await trio.sleep(4)
        await handle.pause()
        await trio.sleep(1000)
        await handle.resume()
        assert (await handle.result()).duration == pytest.approx(1010)


async def test_timeouts_run_during_a_pause_that_says_so(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(execution_timeout=20) as runtime:
        handle = await runtime.spawn(waiting())
        await handle.pause(timeouts="run")
        outcome = await handle.result()
    assert (outcome.state, outcome.duration) == ("timed_out", 20)


async def test_a_delay_that_ran_out_during_a_pause_is_over_on_resume(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(delayed(10))
        await trio.sleep(1)
        await handle.pause()
        await trio.sleep(1000)
        assert handle.status().state == "paused"
        await handle.resume()
        assert (await handle.result()).duration == pytest.approx(1001)


# Resume


async def test_a_resume_of_something_that_runs_changes_nothing(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        assert await handle.resume() == "running"
        assert (await handle.result()).duration == 2


async def test_a_resume_during_a_drain_comes_after_it(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        paused, resumed = handle.pause(), handle.resume()
        assert (await paused, await resumed) == ("paused", "running")
        assert (await handle.result()).duration == 2


# Cancel


async def test_a_cancel_stops_attempts_and_keeps_the_first_reason(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await trio.sleep(0.5)
        first, second = handle.cancel("one"), handle.cancel("two")
        assert (await first, await second) == ("cancelled", "cancelled")
        outcome = await handle.result()
    assert (outcome.reason, outcome.duration, outcome.memory) == ("one", 0.5, {})


async def test_a_cancel_beats_a_pause(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await trio.sleep(0.5)
        paused, cancelled = handle.pause(), handle.cancel()
        assert (await paused, await cancelled) == ("cancelled", "cancelled")


async def test_clean_up_gets_a_bounded_grace(autojump_clock: MockClock) -> None:
    async def stubborn() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(100)

    process = pe.ProcessBuilder("stubborn")
    process.node(stubborn)
    async with pe.open_runtime(cancel_grace=3) as runtime:
        handle = await runtime.spawn(process.build())
        await trio.sleep(1)
        await handle.cancel()
        assert trio.current_time() == 4


# Signal


async def test_a_signal_that_comes_before_its_wait_is_kept(autojump_clock: MockClock) -> None:
    process = pe.ProcessBuilder("late")
    process.node("first", work).then(process.wait("answer"))
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process.build())
        await handle.signal("answer", 42)
        assert (await handle.result()).memory["answer"] == 42


async def test_of_two_signals_the_wait_takes_the_first(autojump_clock: MockClock) -> None:
    process = pe.ProcessBuilder("twice")
    process.node("first", work).then(process.wait("answer"))
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process.build())
        for payload in 1, 2:
            await handle.signal("answer", payload)
        assert (await handle.result()).memory["answer"] == 1


async def test_a_signal_that_comes_during_a_pause_is_handed_out_on_resume(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())
        await handle.pause()
        await handle.signal("answer", 42)
        assert "answer" not in await handle.query()
        await handle.resume()
        assert (await handle.result()).memory["answer"] == 42


async def test_a_wait_without_a_timeout_port_fails_when_time_is_up(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        outcome = await (await runtime.spawn(waiting(within=10))).result()
    assert (outcome.state, outcome.duration) == ("failed", 10)


# Update and query


async def test_an_update_during_a_pause_is_seen_by_what_starts_on_resume(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await trio.sleep(0.5)
        await handle.pause()
        await handle.update(seconds=5.0)
        assert await handle.query("seconds") == {"seconds": 5.0}
        await handle.resume()
        assert (await handle.result()).duration == 6


async def test_a_query_for_a_missing_variable_fails(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        with pytest.raises(pe.NoSuchVariable):
            await handle.query("nowhere")


# Retry and skip


async def test_a_retry_cuts_a_back_off_short(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(failing())
        await trio.sleep(1)
        assert handle.status().nodes[0].phase == "backing_off"
        await handle.retry("fail")
        outcome = await handle.result()
    assert (outcome.state, outcome.duration) == ("failed", 1)
    assert outcome.error is not None
    assert outcome.error.attempt == 2


async def test_a_skip_leaves_a_node_without_its_result(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await trio.sleep(0.5)
        await handle.skip("first")
        outcome = await handle.result()
    assert (outcome.duration, outcome.memory) == (1.5, {"second": "done"})


@pytest.mark.parametrize("order", [pe.ActorHandle.retry, pe.ActorHandle.skip])
async def test_retry_and_skip_fail_where_control_is_not(
    order: Callable[[pe.ActorHandle, str], pe.Reply[None]], autojump_clock: MockClock
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        with pytest.raises(pe.NotAtNode):
            await order(handle, "second")


# After the end


async def test_after_the_end_control_is_answered_with_the_end(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await handle.result()
        answers = [await handle.pause(), await handle.resume(), await handle.cancel()]
        assert answers == ["completed"] * 3
        assert runtime.dead_letters.counts == {"already ended": 3}


async def test_after_the_end_everything_else_fails(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await handle.result()
        replies: list[Awaitable[object]] = [
            handle.signal("answer"),
            handle.update(seconds=1),
            handle.query(),
            handle.retry("first"),
            handle.skip("first"),
        ]
        for reply in replies:
            with pytest.raises(pe.ActorGone):
                await reply
        assert runtime.dead_letters.counts == {"already ended": 5}


async def test_what_comes_while_the_end_is_under_way_is_a_dead_letter_too(
    autojump_clock: MockClock,
) -> None:
    async def clean_up() -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(1)

    process = pe.ProcessBuilder("slow_to_end")
    process.node("clean_up", clean_up)
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process.build())
        await trio.sleep(1)
        cancelled = handle.cancel()
        for reply in (handle.signal("late"), handle.update(late=True)):
            with pytest.raises(pe.ActorGone, match="it has ended, cancelled"):
                await reply
        assert runtime.dead_letters.counts == {"already ended": 2}
        assert await cancelled == "cancelled"


async def test_result_and_status_can_be_had_after_the_end(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await handle.result()
        assert (await handle.result()).state == handle.status().state == "completed"
        assert [event async for event in handle.watch()] == []


async def test_once_forgotten_an_execution_is_unknown(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(keep_ended=0) as runtime:
        handle = await runtime.spawn(two_steps())
        await handle.result()
        with pytest.raises(pe.UnknownExecution):
            handle.status()
        with pytest.raises(pe.UnknownExecution):
            await handle.pause()


async def test_leaving_the_runtime_ends_what_runs(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        result = handle.result()
    assert (await result).state == "cancelled"
    with pytest.raises(pe.RuntimeClosed):
        await handle.pause()
    with pytest.raises(pe.RuntimeClosed):
        handle.status()
    with pytest.raises(pe.RuntimeClosed):
        await runtime.spawn(two_steps())


# Spawn


async def test_a_second_spawn_of_an_id_gives_the_same_execution(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        first = await runtime.spawn(two_steps(), {"seconds": 1.0}, id="one")
        assert await runtime.spawn(two_steps(), {"seconds": 1.0}, id="one") == first
        await first.result()
        assert await runtime.spawn(two_steps(), {"seconds": 1.0}, id="one") == first
        with pytest.raises(pe.ExecutionConflict):
            await runtime.spawn(two_steps(), {"seconds": 2.0}, id="one")
        with pytest.raises(pe.ExecutionConflict):
            await runtime.spawn(waiting(), {"seconds": 1.0}, id="one")


async def test_a_spawn_beyond_the_queue_is_refused(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(max_concurrent_executions=1, admission_queue_limit=1) as runtime:
        for _ in range(2):
            await runtime.spawn(two_steps())
        with pytest.raises(pe.AdmissionRefused):
            await runtime.spawn(two_steps())


# From elsewhere


async def test_a_handle_works_in_a_thread(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())

        def in_a_thread() -> object:
            handle.signal("answer", "from a thread").wait(timeout=10)
            return handle.result().wait(timeout=10).memory["answer"]

        autojump_clock.autojump_threshold = float("inf")
        assert await trio.to_thread.run_sync(in_a_thread) == "from a thread"


async def test_a_handle_works_in_asyncio(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())

        async def in_asyncio() -> object:
            await handle.signal("answer", "from asyncio")
            return (await handle.result()).memory["answer"]

        autojump_clock.autojump_threshold = float("inf")
        answer = await trio.to_thread.run_sync(lambda: asyncio.run(in_asyncio()))
    assert answer == "from asyncio"


async def test_a_blocking_wait_is_refused_where_it_would_stop_everything(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await trio.sleep(0.5)
        with pytest.raises(RuntimeError, match="await"):
            handle.pause().wait()


async def test_a_handle_pickles(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        again: pe.ActorHandle = pickle.loads(pickle.dumps(handle))
        assert again == handle
        assert await again.cancel() == "cancelled"


async def test_messages_of_one_sender_keep_their_order(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())
        for number in range(100):
            handle.update(last=number)
        assert await handle.query("last") == {"last": 99}


async def test_a_cancelled_waiter_leaves_its_message_sent(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await trio.sleep(0.5)
        with trio.move_on_after(0.1) as scope:
            await handle.pause()
        assert scope.cancelled_caught
        await trio.sleep(10)
        assert handle.status().state == "paused"


async def test_a_slow_watcher_is_told_what_it_missed(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        watch = handle.watch(capacity=1)
        await handle.result()
        events = [event async for event in watch]
    assert len(events) == 2
    assert isinstance(events[1], pe.Missed)


# The finer points


async def test_an_interrupt_after_a_drain_interrupts(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await trio.sleep(0.5)
        draining, interrupted = handle.pause(), handle.pause(mode="interrupt")
        assert (await draining, await interrupted) == ("paused", "paused")
        assert trio.current_time() == 0.5


async def test_an_attempt_that_completes_in_spite_of_a_cancel_is_in_the_memory(
    autojump_clock: MockClock,
) -> None:
    async def stubborn() -> str:
        with trio.CancelScope(shield=True):
            await trio.sleep(1)
        return "sent"

    process = pe.ProcessBuilder("stubborn")
    process.node("first", stubborn).then(process.node("second", work))
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process.build())
        await trio.sleep(0.5)
        assert await handle.cancel() == "cancelled"
        assert (await handle.result()).memory == {"first": "sent"}


async def test_of_two_waits_the_one_that_waits_longest_takes_the_signal(
    autojump_clock: MockClock,
) -> None:
    process = pe.ProcessBuilder("two-waits")
    process.node("first", work).then(process.wait("later", "answer"))
    process.wait("sooner", "answer")
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process.build())
        await trio.sleep(2)
        await handle.signal("answer", 1)
        assert await handle.query("sooner") == {"sooner": 1}
        assert [node.node for node in handle.status().nodes] == ["later"]
        await handle.cancel()


async def test_no_more_than_a_thousand_signals_are_kept(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        for _ in range(1000):
            await handle.signal("nobody")
        with pytest.raises(pe.TooManySignals):
            await handle.signal("nobody")


async def test_an_update_may_write_a_variable_of_any_name() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())
        await handle.update(**{"self": 1, "two words": 2})
        assert await handle.query() == {"self": 1, "two words": 2}


async def test_an_update_that_is_too_large_writes_nothing(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(max_memory_per_execution=10_000) as runtime:
        handle = await runtime.spawn(two_steps())
        with pytest.raises(pe.MemoryLimitExceeded):
            await handle.update(small=1, large="x" * 20_000)
        assert await handle.query() == {}


async def test_an_attempt_in_flight_does_not_see_an_update(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await trio.sleep(0.5)
        await handle.update(seconds=5.0)
        assert (await handle.result()).duration == 6


async def test_a_retry_interrupts_an_attempt_in_flight(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        await trio.sleep(0.5)
        await handle.retry("first")
        assert (await handle.result()).duration == 2.5


async def test_what_was_given_is_copied(autojump_clock: MockClock) -> None:
    given = {"numbers": [1, 2]}
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting(), given)
        given["numbers"].append(3)
        assert await handle.query("numbers") == {"numbers": [1, 2]}
        await handle.cancel()


async def test_inputs_that_are_not_declared_are_refused(autojump_clock: MockClock) -> None:
    process = pe.ProcessBuilder("declared", inputs=("seconds",))
    process.node(work)
    async with pe.open_runtime() as runtime:
        for inputs in {}, {"second": 1.0}:
            with pytest.raises(pe.InputError):
                await runtime.spawn(process.build(), inputs)
        assert runtime.list() == []


async def test_a_handle_of_another_life_is_refused(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(two_steps())
        stale = pe.ActorHandle(handle.runtime_id, handle.id, handle.incarnation + 1)
        with pytest.raises(pe.StaleIncarnation):
            await stale.cancel()
        assert handle.status().state == "running"


async def test_what_is_queued_can_be_paused_resumed_and_cancelled(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime(max_concurrent_executions=1) as runtime:
        await runtime.spawn(two_steps())
        queued = await runtime.spawn(two_steps())
        assert (await queued.pause(), await queued.resume()) == ("paused", "queued")
        assert await queued.cancel() == "cancelled"
        assert (await queued.result()).duration == 0


async def test_a_thread_can_watch(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())
        watch = handle.watch()
        await handle.signal("answer")

        def in_a_thread() -> list[object]:
            return list(iter(lambda: watch.next(timeout=10), None))

        autojump_clock.autojump_threshold = float("inf")
        events = await trio.to_thread.run_sync(in_a_thread)
    assert isinstance(events[-1], pe.StateEvent)
    assert events[-1].state == "completed"


async def test_the_default_is_three_retries_at_random_times(autojump_clock: MockClock) -> None:
    async def fail() -> None:
        raise ValueError

    process = pe.ProcessBuilder("failing")
    process.node(fail)
    async with pe.open_runtime() as runtime:
        outcome = await (await runtime.spawn(process.build())).result()
    assert outcome.error is not None
    assert outcome.error.attempt == 4
    assert 0 < outcome.duration < 1 + 2 + 4


async def test_a_flood_from_a_thread_is_refused_not_lost(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(mailbox_capacity=2) as runtime:
        handle = await runtime.spawn(waiting())

        def flood() -> list[pe.Reply[None]]:
            return [handle.update(number=number) for number in range(10)]

        autojump_clock.autojump_threshold = float("inf")
        with ThreadPoolExecutor() as pool:
            replies = pool.submit(flood).result()  # the runtime's thread takes nothing meanwhile
        for reply in replies[:2]:
            await reply
        for reply in replies[2:]:
            with pytest.raises(pe.MailboxFull):
                await reply
        assert runtime.dead_letters.counts == {"mailbox full": 8}
        await handle.cancel()
