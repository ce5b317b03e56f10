"""Handles from elsewhere: plain threads, asyncio in another thread, asyncio as trio's host."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import outcome
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

import processengine as pe
from processengine.actors import Message, Signal, TurnLoop

T = TypeVar("T")

THREADS = 8
TIMEOUT = 30
"""In seconds; reached only when an answer never comes."""


def waiting() -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("waiting")
    process.wait("answer")
    return process.build()


def endless() -> pe.ProcessDefinition:
    """A process that goes round and round, with a checkpoint each time."""
    process = pe.ProcessBuilder("endless")
    node = process.node("node", trio.lowlevel.checkpoint, join="any")
    node.then(node)
    process.start(node)
    return process.build()


def read_to_the_end(watch: pe.Watch[pe.Event]) -> list[pe.Event]:
    """All events of a watch, in a plain thread."""
    events: list[pe.Event] = []
    while (event := watch.next(TIMEOUT)) is not None:
        events.append(event)
    return events


async def in_threads(call: Callable[[int], T], count: int = THREADS) -> list[T]:
    """Call a function in so many plain threads at the same time."""
    barrier = threading.Barrier(count)

    def begin_together(number: int) -> T:
        barrier.wait(TIMEOUT)
        return call(number)

    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(begin_together, number) for number in range(count)]
        return [await trio.to_thread.run_sync(future.result) for future in futures]


# Plain threads


async def test_eight_threads_control_one_execution_at_once() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(endless())

        def control(number: int) -> list[str]:
            states: list[str] = []
            for _ in range(20):
                states.append(handle.pause().wait(TIMEOUT))
                states.append(handle.status().state)
                handle.update(**{f"v{number}": number}).wait(TIMEOUT)
                states.append(handle.resume().wait(TIMEOUT))
            return states

        states = await in_threads(control)
        assert {state for each in states for state in each[::3]} == {"paused"}
        memory = await handle.query(*[f"v{number}" for number in range(THREADS)])
        assert memory == {f"v{number}": number for number in range(THREADS)}
        assert await handle.cancel("enough") == "cancelled"
        assert (await handle.result()).reason == "enough"


async def test_eight_threads_that_cancel_get_the_same_outcome() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(endless())

        def cancel(number: int) -> tuple[str, str | None]:
            state = handle.cancel(f"by {number}").wait(TIMEOUT)
            return state, handle.result().wait(TIMEOUT).reason

        answers = await in_threads(cancel)
    assert len(set(answers)) == 1
    assert answers[0][0] == "cancelled"
    assert answers[0][1] in {f"by {number}" for number in range(THREADS)}


async def test_eight_threads_watch_the_same_end() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())
        await wait_all_tasks_blocked()
        watching = threading.Barrier(THREADS)

        def follow(number: int) -> list[pe.Event]:
            watch = handle.watch()
            handle.query().wait(TIMEOUT)  # what was sent before has been taken too
            if watching.wait(TIMEOUT) == 0:
                handle.signal("answer", number)
            return read_to_the_end(watch)

        seen = await in_threads(follow)
    kinds = [
        [(type(event).__name__, getattr(event, "kind", "")) for event in each] for each in seen
    ]
    assert all(each == kinds[0] for each in kinds)
    assert [getattr(each[-1], "state", "") for each in seen] == ["completed"] * THREADS


async def test_a_thread_that_watches_and_then_signals_is_told_of_the_signal() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())
        await wait_all_tasks_blocked()
        watches: list[pe.Watch[pe.Event]] = []

        def watch_and_signal() -> pe.Watch[pe.Event]:
            watch = handle.watch()
            handle.signal("answer")
            return watch

        with ThreadPoolExecutor(1) as pool:
            # While trio works off what threads have sent, more of that comes in.
            token = trio.lowlevel.current_trio_token()
            token.run_sync_soon(lambda: watches.append(pool.submit(watch_and_signal).result()))
            await handle.result()
        (watch,) = watches
        events = [event async for event in watch]
    assert [type(event) for event in events] == [pe.MessageEvent, pe.NodeEvent, pe.StateEvent]


async def test_threads_that_watch_lose_no_event_and_no_end() -> None:
    """A consumer and the engine race for the same watch, again and again."""
    async with pe.open_runtime() as runtime:
        gate = pe.ProcessBuilder("gate")
        gate.wait("go").then(gate.node("node", trio.lowlevel.checkpoint))
        handles = [await runtime.spawn(gate.build()) for _ in range(THREADS * 20)]
        await wait_all_tasks_blocked()

        def follow(number: int) -> list[int]:
            counts: list[int] = []
            for handle in handles[number::THREADS]:
                watch = handle.watch()
                handle.signal("go")
                counts.append(len(read_to_the_end(watch)))
            return counts

        counts = await in_threads(follow)
    assert len({count for each in counts for count in each}) == 1


async def test_messages_of_one_thread_keep_their_order_among_those_of_others() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())

        def send(number: int) -> list[int]:
            seen: list[int] = []
            for count in range(50):
                handle.update(**{f"v{number}": count})
                seen.append(handle.query(f"v{number}").wait(TIMEOUT)[f"v{number}"])
            return seen

        # A query is a control message and overtakes an update, by one at most: the next one waits.
        for seen in await in_threads(send_first(handle, send)):
            assert seen == sorted(seen)
            assert seen[-1] in (48, 49)
        await handle.cancel()


def send_first(handle: pe.ActorHandle, send: Callable[[int], T]) -> Callable[[int], T]:
    def call(number: int) -> T:
        handle.update(**{f"v{number}": 0}).wait(TIMEOUT)
        return send(number)

    return call


async def test_every_message_is_handled_or_a_dead_letter() -> None:
    async with pe.open_runtime(mailbox_capacity=3) as runtime:
        handle = await runtime.spawn(endless())

        def flood(number: int) -> Counter[str]:
            replies: list[pe.Reply[Any]] = [handle.update(last=number) for _ in range(100)]
            return Counter(map(ending, replies))

        results = sum(await in_threads(flood), Counter[str]())
        await handle.cancel()
        dead = runtime.dead_letters.counts
        assert results["answered"] + results["MailboxFull"] == THREADS * 100
        assert dead.get("mailbox full", 0) == results["MailboxFull"]
        assert len(runtime.dead_letters.latest) <= 100


def ending(reply: pe.Reply[Any]) -> str:
    """How a message ended."""
    try:
        reply.wait(TIMEOUT)
    except pe.ProcessEngineError as error:
        return type(error).__name__
    return "answered"


async def test_messages_that_race_with_the_end_are_all_answered() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(endless())

        def race(number: int) -> Counter[str]:
            replies: list[pe.Reply[Any]] = []
            for count in range(50):
                if number == count == 7:
                    replies.append(handle.cancel())
                replies += [handle.pause(), handle.query(), handle.signal("x"), handle.resume()]
            return Counter(map(ending, replies))

        results = sum(await in_threads(race), Counter[str]())
        assert results.total() == THREADS * 200 + 1
        assert set(results) <= {"answered", "ActorGone"}
        assert handle.status().state == "cancelled"


async def test_messages_that_race_with_the_close_of_the_runtime_are_all_answered() -> None:
    results: list[Counter[str]] = []
    async with trio.open_nursery() as nursery, pe.open_runtime() as runtime:
        handle = await runtime.spawn(endless())
        sent = trio.Event()
        token = trio.lowlevel.current_trio_token()

        def race(number: int) -> Counter[str]:
            replies: list[pe.Reply[Any]] = []
            for count in range(200):
                if number == 0 and count == 20:
                    token.run_sync_soon(sent.set)
                replies += [handle.query(), handle.signal(f"x{number}")]
            return Counter(map(ending, replies))

        async def collect() -> None:
            results.extend(await in_threads(race))

        nursery.start_soon(collect)
        await sent.wait()
    total = sum(results, Counter[str]())
    assert total.total() == THREADS * 400
    assert set(total) <= {"answered", "ActorGone", "RuntimeClosed", "TooManySignals"}


async def test_a_handle_of_a_closed_runtime_fails_in_a_thread_too() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())
    assert await in_threads(lambda _: ending(handle.pause())) == ["RuntimeClosed"] * THREADS


async def test_an_answer_that_does_not_come_in_time_times_out_and_leaves_the_message() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())

        def ask() -> str:
            result = handle.result()
            try:
                result.wait(0.001)
            except TimeoutError as error:
                handle.signal("answer").wait(TIMEOUT)
                assert result.wait(TIMEOUT).state == "completed"
                return str(error)
            return ""

        assert await trio.to_thread.run_sync(ask) == "no answer within 0.001 s"


# Counts


class Talker:
    """An actor that says so many things to itself when it is spoken to, and looks at the counts."""

    def __init__(self, turns: TurnLoop[Talker], more: int) -> None:
        self._turns = turns
        self._more = more
        self.refused = 0
        self.seen: list[tuple[int, int]] = []

    def receive(self, message: Message, reply: pe.Reply[object] | None) -> None:
        more, self._more = self._more, 0
        for _ in range(more):
            self.refused += not self._turns.post(self, Signal("again"))
        self.seen.append((self._turns.accepted, self._turns.handled + self._turns.pending))

    def crash(self, error: Exception) -> None:
        raise error


@given(st.lists(st.integers(0, 20), min_size=1, max_size=5), st.integers(1, 10))
def test_what_was_accepted_is_handled_or_pending_and_the_rest_was_refused(
    mores: list[int], capacity: int
) -> None:
    turns: TurnLoop[Talker] = TurnLoop(capacity)
    talkers = [Talker(turns, more) for more in mores]
    for talker in talkers:
        turns.post(talker, Signal("first"))
    assert all(accepted == others for talker in talkers for accepted, others in talker.seen)
    refused = sum(talker.refused for talker in talkers)
    assert (turns.accepted, turns.pending) == (turns.handled, 0)
    assert turns.handled == len(mores) + sum(mores) - refused
    assert refused == sum(max(0, more - capacity) for more in mores)


# Addresses


async def test_a_handle_of_another_life_is_refused_from_everywhere_and_counted() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())
        stale = pe.ActorHandle(handle.runtime_id, handle.id, 2)
        for reply in (stale.cancel(), stale.pause(), stale.signal("answer")):
            with pytest.raises(pe.StaleIncarnation) as caught:
                await reply
            assert (caught.value.incarnation, caught.value.current) == (2, 1)
        assert await in_threads(lambda _: ending(stale.cancel())) == ["StaleIncarnation"] * THREADS
        assert runtime.dead_letters.counts == {"stale incarnation": 3 + THREADS}
        letter = runtime.dead_letters.latest[0]
        assert (letter.address, letter.why) == (handle.id, "stale incarnation")
        assert handle.status().state == "waiting"
        await handle.cancel()


async def test_a_pickled_handle_works_in_a_thread() -> None:
    async with pe.open_runtime() as runtime:
        data = pickle.dumps(await runtime.spawn(waiting()))

        def answer(number: int) -> str:
            handle: pe.ActorHandle = pickle.loads(data)
            handle.signal("answer", number)
            return handle.result().wait(TIMEOUT).state

        assert await in_threads(answer) == ["completed"] * THREADS


# asyncio in another thread


async def test_tasks_of_an_asyncio_loop_in_another_thread_control_an_execution() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(endless())

        async def control(number: int) -> tuple[str, str]:
            for _ in range(10):
                await handle.pause()
                await handle.resume()
            return await handle.cancel(f"by {number}"), (await handle.result()).state

        async def main() -> list[tuple[str, str]]:
            async with asyncio.timeout(TIMEOUT):
                return await asyncio.gather(*map(control, range(THREADS)))

        answers = await trio.to_thread.run_sync(lambda: asyncio.run(main()))
    assert answers == [("cancelled", "cancelled")] * THREADS


async def test_an_asyncio_task_follows_an_execution_to_its_end() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())

        async def follow() -> list[pe.Event]:
            watch = handle.watch()
            await handle.signal("answer")
            async with asyncio.timeout(TIMEOUT):
                return [event async for event in watch]

        events = await trio.to_thread.run_sync(lambda: asyncio.run(follow()))
    assert isinstance(events[-1], pe.StateEvent)
    assert events[-1].state == "completed"


async def test_an_asyncio_task_that_is_cancelled_leaves_its_message_sent() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())

        async def give_up() -> None:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await handle.result()
            await handle.signal("answer")

        await trio.to_thread.run_sync(lambda: asyncio.run(give_up()))
        assert (await handle.result()).state == "completed"


async def test_a_blocking_wait_is_refused_inside_an_event_loop() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(waiting())
        with pytest.raises(RuntimeError, match="a trio task must `await`"):
            handle.result().wait()
        with pytest.raises(RuntimeError, match="a trio task must `await`"):
            handle.watch().next()

        async def in_asyncio() -> None:
            with pytest.raises(RuntimeError, match="an asyncio task must `await`"):
                handle.result().wait()

        await trio.to_thread.run_sync(lambda: asyncio.run(in_asyncio()))
        await handle.cancel()


# asyncio as the host of trio


def run_as_guest(program: Callable[[], Awaitable[T]], host: Callable[[], Awaitable[None]]) -> T:
    """Run a trio program as the guest of an asyncio one, both in this thread, to both ends."""

    async def main() -> T:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[outcome.Outcome[T]] = loop.create_future()
        trio.lowlevel.start_guest_run(
            program,
            run_sync_soon_threadsafe=lambda call: _drop(loop.call_soon_threadsafe(call)),
            run_sync_soon_not_threadsafe=lambda call: _drop(loop.call_soon(call)),
            done_callback=done.set_result,
            host_uses_signal_set_wakeup_fd=True,
        )
        async with asyncio.timeout(TIMEOUT):
            await host()
            return (await done).unwrap()

    return asyncio.run(main())


def _drop(_: object) -> None:
    pass


class Guest:
    """A runtime that is open until it is told otherwise, and one execution in it."""

    def __init__(self, process: pe.ProcessDefinition) -> None:
        self._process = process
        self.opened = asyncio.Event()
        self.may_close = trio.Event()
        self.handle: pe.ActorHandle

    async def __call__(self) -> dict[str, int]:
        async with pe.open_runtime() as runtime:
            self.handle = await runtime.spawn(self._process)
            self.opened.set()
            await runtime.wait_all_ended()
            return dict(runtime.dead_letters.counts)


def test_an_asyncio_host_in_the_same_thread_controls_an_execution() -> None:
    guest = Guest(endless())
    seen: list[str] = []

    async def host() -> None:
        await guest.opened.wait()
        for _ in range(10):
            seen.append(await guest.handle.pause())
            seen.append(guest.handle.status().state)
            await guest.handle.update(last=1)
            await guest.handle.resume()
        seen.append(await guest.handle.cancel("by the host"))

    assert run_as_guest(guest, host) == {}
    assert seen == ["paused"] * 20 + ["cancelled"]


def test_an_asyncio_host_wakes_a_guest_that_has_nothing_to_do() -> None:
    guest = Guest(waiting())
    ends: list[str] = []

    async def host() -> None:
        await guest.opened.wait()
        for _ in range(20):  # the guest has gone to sleep by now
            await asyncio.sleep(0)
        await guest.handle.signal("answer", 42)
        ends.append("signalled")

    run_as_guest(guest, host)
    assert ends == ["signalled"]


def test_an_asyncio_host_follows_an_execution_and_waits_for_its_outcome() -> None:
    guest = Guest(waiting())
    events: list[pe.Event] = []

    async def follow() -> None:
        events.extend([event async for event in guest.handle.watch()])

    async def host() -> None:
        await guest.opened.wait()
        following = asyncio.create_task(follow())
        result = guest.handle.result()
        await asyncio.sleep(0)
        guest.handle.signal("answer", 42)
        assert (await result).memory == {"answer": 42}
        await following

    run_as_guest(guest, host)
    assert isinstance(events[-1], pe.StateEvent)
    assert events[-1].state == "completed"


def test_several_tasks_of_an_asyncio_host_cancel_the_same_execution() -> None:
    guest = Guest(endless())
    answers: list[str] = []

    async def host() -> None:
        await guest.opened.wait()
        answers.extend(await asyncio.gather(*(gather_cancel(guest.handle, n) for n in range(5))))

    run_as_guest(guest, host)
    assert answers == ["cancelled"] * 5


async def gather_cancel(handle: pe.ActorHandle, number: int) -> str:
    return await handle.cancel(f"by {number}")
