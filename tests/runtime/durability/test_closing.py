"""Nobody waits for what cannot come any more, and nothing keeps a runtime from ending."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
import trio

import processengine as pe
from processengine.runtime.store import Append, CorruptExecution, StoreCorrupt, Stored
from processengine.testing import Fault, FaultyStore, run_virtual

from .._guards import core_of

FOR_EVER: dict[int, Fault] = dict.fromkeys(range(1, 1_000), "full")


class Damaged(pe.MemoryStore):
    """Loses its records, but not what it knows of each execution in a row."""

    is_damaged = False

    def commit(self, batch: Sequence[Append]) -> None:
        if self.is_damaged:
            raise StoreCorrupt("damaged", "it is damaged")
        super().commit(batch)

    def load(self, execution: str) -> Stored | None:
        if self.is_damaged:
            raise CorruptExecution(execution, 1, "it is damaged")
        return super().load(execution)


def napping() -> pe.ProcessDefinition:
    async def nap() -> None:
        await trio.sleep(5)

    process = pe.ProcessBuilder("napping")
    process.node("nap", nap)
    return process.build()


def test_who_waits_for_all_to_end_does_not_wait_for_the_last_that_is_parked() -> None:
    store, definition = Damaged(), napping()

    async def main() -> None:
        async with pe.open_runtime(store=store, wall_clock=trio.current_time) as runtime:
            await runtime.spawn(definition, id="x")
            await trio.sleep(1)
        store.is_damaged = True
        async with pe.open_runtime(
            store=store, wall_clock=trio.current_time, definitions=[definition]
        ) as runtime:
            assert runtime.get("x").status().state == "running"
            with trio.fail_after(10):
                await runtime.wait_all_ended()
            assert runtime.get("x").status().state == "parked"

    run_virtual(main)


def test_who_waits_for_all_to_end_waits_for_those_that_leave_memory_too() -> None:
    process = pe.ProcessBuilder("delayed")
    process.delay("delay", 100).then(process.delay("another", 100))

    async def main() -> None:
        async with pe.open_runtime(
            store=pe.MemoryStore(), wall_clock=trio.current_time, passivate_after=1.0
        ) as runtime:
            handle = await runtime.spawn(process.build())
            await runtime.wait_all_ended()
            assert (handle.status().state, trio.current_time()) == ("completed", 200)

    run_virtual(main)


def test_who_waits_for_all_to_end_waits_for_one_that_crashes_or_is_migrated() -> None:
    process = pe.ProcessBuilder("delayed", 1)
    process.delay("delay", 100)
    newer = pe.ProcessBuilder("delayed", 2)
    newer.delay("delay", 100)

    async def disturb(runtime: pe.Runtime) -> None:
        await trio.sleep(10)
        core_of(runtime).live["x"].crash(ValueError("a fault"))
        await trio.sleep(10)
        assert runtime.get("x").incarnation == 2
        await runtime.migrate("x", newer.build())

    async def main() -> None:
        async with pe.open_runtime(store=pe.MemoryStore(), wall_clock=trio.current_time) as runtime:
            await runtime.spawn(process.build(), id="x")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(disturb, runtime)
                await runtime.wait_all_ended()
            assert runtime.get("x").status().state == "completed"
            assert trio.current_time() == 120  # the delay begins anew

    run_virtual(main)


def test_a_spawn_that_cannot_be_stored_ends_with_the_runtime() -> None:
    store = FaultyStore(pe.MemoryStore(), FOR_EVER)

    async def spawn(runtime: pe.Runtime) -> None:
        with pytest.raises(pe.RuntimeClosed):
            await runtime.spawn(napping(), id="x")

    async def main() -> None:
        with trio.fail_after(60):
            async with (
                trio.open_nursery() as nursery,
                pe.open_runtime(store=store, wall_clock=trio.current_time) as runtime,
            ):
                nursery.start_soon(spawn, runtime)
                await trio.sleep(1)

    run_virtual(main)


def test_a_damaged_store_ends_the_runtime_though_turns_wait_for_it() -> None:
    store = Damaged()

    async def main() -> None:
        async with pe.open_runtime(store=store, wall_clock=trio.current_time) as runtime:
            handle = await runtime.spawn(napping(), id="x")
            store.is_damaged = True
            handle.update(changed=1)
            await trio.sleep_forever()

    with pytest.raises(pe.SupervisorGaveUp):
        run_virtual(main)


def test_nothing_is_fetched_for_a_runtime_that_has_ended() -> None:
    async def main() -> None:
        async with pe.open_runtime(store=pe.MemoryStore()) as runtime:
            pass
        store = core_of(runtime).store
        assert store is not None
        with trio.fail_after(1), pytest.raises(pe.RuntimeClosed):
            await store.sleepers.fetch("x")

    run_virtual(main)


async def test_threads_that_do_not_end_hold_up_neither_reading_the_store_nor_closing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trio.to_thread.current_default_thread_limiter(), "total_tokens", 2)
    begun, go, ended = threading.Barrier(3), threading.Event(), list[bool]()

    def hang() -> None:
        begun.wait(60)
        ended.append(go.wait(60))

    process = pe.ProcessBuilder("hanging")
    process.node("hang", hang)
    async with pe.open_runtime(store=tmp_path / "x.db", cancel_grace=0.01) as runtime:
        for _ in range(2):
            await runtime.spawn(process.build())
        await trio.to_thread.run_sync(begun.wait, 60, limiter=trio.CapacityLimiter(1))
        with pytest.raises(pe.UnknownExecution):
            await runtime.find("unknown")
    assert ended == []
    go.set()
