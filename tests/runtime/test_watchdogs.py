"""Watchdogs: what is said of a blocked event loop, and of attempts that do not stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Awaitable, Callable

import attrs
import pytest
import trio
from trio.testing import MockClock

import processengine as pe
from processengine.runtime._watchdog import Block, Sight, sight_of, warn_of, watch, watchdogs

Span = tuple[float, float]
Work = Callable[..., Awaitable[object]]
A, B = (pe.NodeContext(id, 1, "work v1", "work", 3, 2) for id in ("a", "b"))


@attrs.define
class FakeLoop:
    """Turns but for some spans of time; `at` says what it works for, `ends` when it is left."""

    blocks: tuple[Span, ...] = ()
    at: Callable[[float], pe.NodeContext | None] = lambda _: A
    ends: float = 10.0
    time: float = 0.0
    asked: list[float] = attrs.field(factory=list[float])

    def now(self) -> float:
        return self.time

    def ask(self) -> None:
        self.asked.append(self.time)

    def has_answered(self) -> bool:
        return any(not begin <= self.asked[-1] or self.time >= end for begin, end in self._around())

    def _around(self) -> list[Span]:
        here = [span for span in self.blocks if span[0] <= self.asked[-1] < span[1]]
        return here or [(self.time + 1, 0)]

    def wait(self, seconds: float) -> bool:
        self.time += seconds
        return self.time < self.ends

    def look(self) -> Sight:
        return Sight(self.at(self.time), (("work.py", 7, f"at {self.time:g}"),))


def blocks_seen(loop: FakeLoop) -> list[Block]:
    seen: list[Block] = []
    watch(loop, 1.0, seen.append)
    return seen


# The decision


def test_a_loop_that_turns_is_asked_once_per_limit_and_never_warned_of() -> None:
    loop = FakeLoop()
    assert blocks_seen(loop) == []
    assert loop.asked == list(range(10))


def test_a_block_is_warned_of_once_with_the_attempt_and_the_time() -> None:
    [block] = blocks_seen(FakeLoop(blocks=((2.0, 7.0),)))
    assert block.sight.attempt == A
    assert block.seconds == pytest.approx(1.1)


def test_every_block_has_its_own_warning() -> None:
    assert len(blocks_seen(FakeLoop(blocks=((1.0, 3.0), (5.2, 9.0))))) == 1 + 1


def test_a_block_shorter_than_the_limit_is_not_told_of() -> None:
    assert blocks_seen(FakeLoop(blocks=((2.0, 2.9),))) == []


def test_a_block_that_ends_while_it_is_looked_at_is_not_told_of() -> None:
    assert blocks_seen(FakeLoop(blocks=((2.0, 3.05),))) == []


def test_no_attempt_is_blamed_if_the_looks_differ() -> None:
    [block] = blocks_seen(FakeLoop(((2.0, 7.0),), lambda now: A if now < 3.05 else B))
    assert block.sight.attempt is None
    assert block.sight.stack == (("work.py", 7, "at 3.1"),)


def test_a_watch_ends_in_the_middle_of_a_block() -> None:
    for ends, count in ((3.0, 0), (3.05, 0), (5.0, 1)):
        assert len(blocks_seen(FakeLoop(blocks=((2.0, 90.0),), ends=ends))) == count


# What is said


def test_a_warning_names_execution_node_attempt_seconds_and_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    warn_of(Block(Sight(A, (("nodes.py", 7, "work"),)), 1.1))
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message == (
        "attempt 2 of node 'work' of execution 'a' blocks the event loop, for 1.1 s so far, at\n"
        '  File "nodes.py", line 7, in work'
    )
    named = {name: record.__dict__[name] for name in ("execution", "node", "attempt")}
    assert named == {"execution": "a", "node": "work", "attempt": 2}


def test_a_block_that_is_nobodys_is_told_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    warn_of(Block(Sight(None, (("host.py", 7, "serve"),)), 2.0))
    assert caplog.messages == [
        'the event loop is blocked, for 2 s so far, at\n  File "host.py", line 7, in serve'
    ]


def node(
    work: Callable[..., Awaitable[object]], hedge: pe.Hedge | None = None
) -> pe.ProcessBuilder:
    process = pe.ProcessBuilder("blocking")
    process.node("work", work, idempotent=hedge is not None, hedge=hedge)
    return process


def seen_from_another_thread() -> list[Sight]:
    """What another thread sees of this one."""
    sights: list[Sight] = []
    here = threading.get_ident()

    def look() -> None:
        sights.append(sight_of(here))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return sights


@pytest.mark.parametrize("hedge", [None, pe.Hedge(5)], ids=["plain", "hedged"])
async def test_the_attempt_is_found_from_another_thread_with_the_frames_of_its_function_only(
    autojump_clock: MockClock, hedge: pe.Hedge | None
) -> None:
    async def work() -> None:
        await trio.sleep(1)
        sights.extend(seen_from_another_thread())

    sights: list[Sight] = []
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(node(work, hedge).build(), id="x")
        await handle.result()
    [sight] = sights
    assert sight.attempt is not None
    assert (sight.attempt.execution, sight.attempt.node) == ("x", "work")
    assert [name for _, _, name in sight.stack][:2] == ["work", "seen_from_another_thread"]


async def test_a_task_that_a_node_has_started_belongs_to_its_attempt(
    autojump_clock: MockClock,
) -> None:
    async def helper() -> None:
        sights.extend(seen_from_another_thread())

    async def work() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(helper)

    sights: list[Sight] = []
    async with pe.open_runtime() as runtime:
        await (await runtime.spawn(node(work).build(), id="x")).result()
    [sight] = sights
    assert sight.attempt is not None
    assert sight.attempt.execution == "x"
    assert [name for _, _, name in sight.stack][:2] == ["helper", "seen_from_another_thread"]


async def test_code_outside_of_attempts_belongs_to_none(autojump_clock: MockClock) -> None:
    async with pe.open_runtime():
        [sight] = seen_from_another_thread()
    assert sight.attempt is None
    assert "seen_from_another_thread" in [name for _, _, name in sight.stack]


# The service


async def test_a_virtual_clock_has_no_watchdog(autojump_clock: MockClock) -> None:
    assert watchdogs(1.0) == ()
    async with pe.open_runtime(block_warning=0.001) as runtime:
        services = runtime.tree().children[0]
    assert [child.name for child in services.children] == ["timers"]


async def test_the_watchdog_is_a_service_whose_thread_ends_with_the_runtime() -> None:
    before = set(threading.enumerate())
    async with pe.open_runtime(block_warning=60) as runtime:
        services = runtime.tree().children[0]
        assert [child.name for child in services.children] == ["timers", "watchdog"]
        assert len(set(threading.enumerate()) - before) == 1
    assert set(threading.enumerate()) <= before


async def test_without_a_limit_there_is_no_watchdog() -> None:
    async with pe.open_runtime(block_warning=None) as runtime:
        assert len(runtime.tree().children[0].children) == 1


@pytest.mark.slow
async def test_a_node_that_blocks_the_event_loop_is_warned_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> None:
        time.sleep(0.2)  # noqa: ASYNC251 - what this is about

    async with pe.open_runtime(block_warning=0.05) as runtime:
        await (await runtime.spawn(node(work).build(), id="x")).result()
    whose = "attempt 1 of node 'work' of execution 'x' blocks the event loop"
    [record] = [each for each in caplog.records if each.message.startswith(whose)]
    assert [line.split(" in ")[1] for line in record.message.splitlines() if "File" in line] == [
        "work"
    ]


# Attempts that do not stop


async def clings() -> None:
    with trio.CancelScope(shield=True):
        await trio.sleep(60)


def clinging(**options: object) -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("clinging")
    process.node("cling", clings, **options)  # type: ignore[arg-type]  # those of `node`
    return process.build()


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if "told to stop" in message]


COMPLAINT = "attempt 1 of node 'cling' of execution 'x' was told to stop 5 s ago and still runs"


async def test_an_attempt_that_ignores_an_interrupting_pause_is_warned_of_after_the_grace(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with pe.open_runtime(cancel_grace=5) as runtime:
        handle = await runtime.spawn(clinging(), id="x")
        await trio.sleep(1)
        handle.pause("interrupt")
        await trio.sleep(4.9)
        assert complaints(caplog) == []
        await trio.sleep(0.2)
        assert complaints(caplog) == [COMPLAINT]
        await trio.sleep(30)
        assert complaints(caplog) == [COMPLAINT]
    [record] = [each for each in caplog.records if each.message == COMPLAINT]
    assert (record.__dict__["execution"], record.__dict__["attempt"]) == ("x", 1)


async def test_an_attempt_that_ignores_its_timeout_is_warned_of(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with pe.open_runtime(cancel_grace=5) as runtime:
        handle = await runtime.spawn(clinging(timeout=2, retry=pe.NO_RETRY), id="x")
        await handle.result()
    assert complaints(caplog) == [COMPLAINT]


async def test_an_attempt_that_stops_in_time_is_not_warned_of(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def tidies_up() -> None:
        try:
            await trio.sleep(60)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(3)

    async with pe.open_runtime(cancel_grace=5) as runtime:
        handle = await runtime.spawn(node(tidies_up).build(), id="x")
        await trio.sleep(1)
        await handle.pause("interrupt")
        await handle.resume()
        await handle.result()
    assert complaints(caplog) == []


async def test_an_abandoned_attempt_is_told_of_once_as_abandoned(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with pe.open_runtime(cancel_grace=5) as runtime:
        handle = await runtime.spawn(clinging(), id="x")
        await trio.sleep(1)
        await handle.cancel()
        await trio.sleep(20)
    assert complaints(caplog) == []
    assert [message for message in caplog.messages if "abandoned" in message] == [
        "attempt 1 of node 'cling' ignored its cancellation for 5 s and was abandoned"
    ]


async def test_a_warning_is_not_recorded(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(cancel_grace=5) as runtime:
        handle = await runtime.spawn(clinging(), id="x")
        await trio.sleep(1)
        handle.pause("interrupt")
        await trio.sleep(100)
        history = (await handle.result()).history
    names = [type(record.message).__name__ for record in history]
    assert names == ["Begin", "Pause", "Completed"]
