"""What hosts put into the tree: services, actors and supervisors of their own."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import trio
from trio.testing import MockClock

import processengine as pe
from processengine.runtime._timers import Timers


class Counter:
    """Counts; `oops` makes it crash."""

    def __init__(self) -> None:
        self.count = 0

    def receive(self, message: Any, /) -> int:
        if message == "oops":
            raise ValueError(message)
        self.count += message
        return self.count


async def test_an_actor_answers_and_keeps_its_state(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        counter = await runtime.actor("counter", Counter)
        counter.tell(1)
        assert await counter.ask(2) == 3


async def test_an_actor_that_crashes_begins_anew(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        counter = await runtime.actor("counter", Counter)
        counter.tell(5)
        with pytest.raises(ValueError, match="oops"):
            await counter.ask("oops")
        with pytest.raises(pe.ActorGone, match="it is down"):
            await counter.ask(1)
        assert runtime.dead_letters.counts == {"actor is down": 1}
        await trio.sleep(10)
        assert await counter.ask(1) == 1
        host = next(child for child in runtime.tree().children if child.name == "host")
        assert [(child.name, child.kind, child.restarts) for child in host.children] == [
            ("counter", "actor", 1)
        ]


async def test_threads_may_ask_an_actor(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        counter = await runtime.actor("counter", Counter)

        def count() -> None:
            for _ in range(100):
                counter.ask(1).wait(10)

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(trio.to_thread.run_sync, count)
        assert await counter.ask(0) == 400
        assert threading.active_count() >= 1


async def test_a_service_of_the_host_outlives_the_executions(autojump_clock: MockClock) -> None:
    log: list[str] = []

    async def service() -> None:
        try:
            await trio.sleep_forever()
        finally:
            log.append("service stops")

    async def node() -> None:
        try:
            await trio.sleep_forever()
        finally:
            log.append("node stops")

    process = pe.ProcessBuilder("process")
    process.node("node", node)
    async with pe.open_runtime() as runtime:
        await runtime.supervisor.add(pe.Child("service", service))
        await runtime.spawn(process.build())
        await trio.sleep(1)
    assert log == ["node stops", "service stops"]


async def test_death_watch_gives_one_notice(autojump_clock: MockClock) -> None:
    async def mortal() -> None:
        await trio.sleep(5)
        raise ConnectionError("gone")

    async with pe.open_runtime() as runtime:
        await runtime.supervisor.add(pe.Child("mortal", mortal, "temporary"))
        end = await runtime.supervisor.watch("mortal")
    assert (end.name, end.how, end.at) == ("mortal", "crashed", 5)
    assert isinstance(end.error, ConnectionError)


async def test_a_service_that_no_restart_helps_ends_the_runtime_with_all_its_causes(
    autojump_clock: MockClock,
) -> None:
    async def hopeless() -> None:
        raise ConnectionError("no server")

    stopped = False

    async def node() -> None:
        nonlocal stopped
        try:
            await trio.sleep_forever()
        finally:
            stopped = True

    process = pe.ProcessBuilder("process")
    process.node("node", node)

    async def serve() -> None:
        async with pe.open_runtime() as runtime:
            await runtime.spawn(process.build())
            runtime.supervisor.add(pe.Child("hopeless", hopeless))
            await trio.sleep(1_000)

    with pytest.raises(pe.SupervisorGaveUp) as caught:
        await serve()
    assert stopped
    assert caught.value.supervisor == "runtime"
    [host] = caught.value.causes
    assert isinstance(host, pe.SupervisorGaveUp)
    assert [str(cause) for cause in host.causes] == ["no server"] * 4


async def test_a_service_of_the_runtime_that_crashes_is_restarted_and_nothing_is_lost(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    wake_all_due, crashes = vars(Timers)["_wake_all_due"], 0

    async def faulty(self: Timers) -> None:
        nonlocal crashes
        crashes += 1
        if crashes == 1:
            raise ZeroDivisionError
        await wake_all_due(self)

    monkeypatch.setattr(Timers, "_wake_all_due", faulty)
    process = pe.ProcessBuilder("process")
    process.delay("delay", 10)
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process.build())
        outcome = await handle.result()
        assert outcome.state == "completed"
        assert 10 < outcome.duration < 11
        services = runtime.tree().children[0]
    assert ("timers", 1) in [(child.name, child.restarts) for child in services.children]
