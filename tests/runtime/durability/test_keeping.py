"""What is kept of executions, for how long, and what it takes to have them go on."""

from __future__ import annotations

import functools
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import trio

import processengine as pe
from processengine.runtime import _journal
from processengine.runtime.store import ExecutionHead, LoopWriter, Record
from processengine.testing import run_virtual

from .._guards import core_of

DAY = 86_400.0
Play = Callable[[pe.Runtime], Awaitable[None]]


def play_all(store: pe.MemoryStore, *plays: tuple[Play, dict[str, Any]]) -> None:
    """Play each in a runtime of its own, with its options."""

    async def main() -> None:
        for play, options in plays:
            given: dict[str, Any] = {"execution_timeout": None, "seed": 0, **options}
            async with pe.open_runtime(
                store=store, wall_clock=trio.current_time, **given
            ) as runtime:
                await play(runtime)

    run_virtual(main)


def waiting(version: int = 1, id: str = "asking", **options: Any) -> pe.ProcessDefinition:
    process = pe.ProcessBuilder(id, version, **options)
    process.wait("answer")
    return process.build()


def ending(how: Callable[[], Awaitable[object]], **options: Any) -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("ending", **options)
    process.node("work", how, retry=pe.NO_RETRY)
    return process.build()


async def work() -> int:
    return 1


async def fail() -> int:
    raise ValueError("no")


def heads(store: pe.MemoryStore) -> dict[str, ExecutionHead]:
    return {each.id: each for each in store.heads() if isinstance(each, ExecutionHead)}


# Definitions


def test_without_its_definition_an_execution_is_parked_until_that_is_given() -> None:
    store, definition = pe.MemoryStore(), waiting()

    async def begin(runtime: pe.Runtime) -> None:
        await runtime.spawn(definition, id="one")
        await runtime.spawn(definition, id="two")
        await trio.sleep(1)

    async def parked(runtime: pe.Runtime) -> None:
        handle = runtime.get("one")
        status = handle.status()
        assert (status.state, status.in_memory) == ("parked", False)
        assert status.reason == "the definition asking v1 is not given"
        for sent in (handle.signal("answer"), handle.pause(), handle.result()):
            with pytest.raises(pe.ExecutionParked, match="asking v1 is not given"):
                await sent
        assert [each.id for each in runtime.list(state="parked")] == ["one", "two"]
        runtime.define(definition)
        await handle.signal("answer", 5)
        assert (await handle.result()).memory == {"answer": 5}

    async def spawned(runtime: pe.Runtime) -> None:
        assert runtime.get("two").status().state == "parked"
        await runtime.spawn(definition, id="three")
        handle = await runtime.find("two")
        await handle.signal("answer", 6)
        assert (await handle.result()).memory == {"answer": 6}

    play_all(store, (begin, {}), (parked, {}), (spawned, {}))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (waiting(2), "asking v1 is not given, only v2"),
        (waiting(timeout=5.0), "the definition asking v1 has changed since it began"),
    ],
)
def test_the_reason_says_what_is_there_instead(given: pe.ProcessDefinition, why: str) -> None:
    store, definition = pe.MemoryStore(), waiting()

    async def begin(runtime: pe.Runtime) -> None:
        await runtime.spawn(definition, id="one")

    async def look(runtime: pe.Runtime) -> None:
        assert why in str(runtime.get("one").status().reason)

    play_all(store, (begin, {}), (look, {"definitions": [given]}))


def test_a_damaged_record_parks_its_execution_and_no_other() -> None:
    store, definition = pe.MemoryStore(), waiting()

    async def begin(runtime: pe.Runtime) -> None:
        for id in ("good", "bad"):
            await runtime.spawn(definition, id=id)
        await trio.sleep(1)

    async def look(runtime: pe.Runtime) -> None:
        entry = store._entries["bad"]  # pyright: ignore[reportPrivateUsage]
        body = bytearray(entry.records[1].body)
        body[-1] ^= 1
        entry.records[1] = Record(2, bytes(body))
        with pytest.raises(pe.ExecutionParked, match="record 2 of execution 'bad' is corrupt"):
            await runtime.get("bad").signal("answer")
        assert runtime.get("bad").status().state == "parked"
        handle = runtime.get("good")
        await handle.signal("answer", 1)
        assert (await handle.result()).state == "completed"

    play_all(store, (begin, {}), (look, {"definitions": [definition]}))


# How long


def test_what_has_ended_is_deleted_after_its_time() -> None:
    store = pe.MemoryStore()
    kept = {"failed": 2 * DAY}
    options = {"state_retention_days": 1.0, "state_cleanup_interval_minutes": 60.0}

    async def play(runtime: pe.Runtime) -> None:
        await runtime.spawn(waiting(), id="waits")
        await runtime.spawn(ending(work), id="completed")
        await runtime.spawn(ending(fail, retention=kept), id="failed")
        await trio.sleep(0.5 * DAY)
        assert set(heads(store)) == {"waits", "completed", "failed"}
        await trio.sleep(DAY)
        assert set(heads(store)) == {"waits", "failed"}
        await trio.sleep(DAY)
        assert set(heads(store)) == {"waits"}

    play_all(store, (play, options))


def test_without_a_retention_it_is_kept_for_ever() -> None:
    store = pe.MemoryStore()

    async def play(runtime: pe.Runtime) -> None:
        await (await runtime.spawn(ending(work), id="one")).result()
        await trio.sleep(400 * DAY)
        assert heads(store)["one"].expires is None

    play_all(store, (play, {"state_retention_days": None}))


# Modes


def test_a_process_says_itself_how_it_is_stored() -> None:
    store = pe.MemoryStore()

    async def play(runtime: pe.Runtime) -> None:
        await runtime.spawn(waiting(durability="off"), id="off")
        await runtime.spawn(waiting(durability="step"), id="step")
        await runtime.spawn(waiting(durability="lazy"), id="lazy")
        assert set(heads(store)) == {"step"}
        await trio.sleep(1.5)
        assert set(heads(store)) == {"step", "lazy"}
        off = runtime.get("off").result()
        runtime.get("off").cancel("over")
        assert (await off).state == "cancelled"

    play_all(store, (play, {}))


def test_the_mode_is_no_part_of_the_content() -> None:
    assert waiting(durability="lazy").hash == waiting(retention=5.0).hash == waiting().hash


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        ({"durability": "never"}, "durability: expected one of step, lazy, off, got 'never'"),
        ({"retention": -1}, "retention: expected a number of seconds above 0, got -1"),
        ({"retention": {"done": 1}}, "retention: expected one of completed, failed, cancelled"),
        ({"retention": {"failed": 0}}, "retention.failed: expected a number of seconds above 0"),
    ],
)
def test_what_does_not_fit_is_told(option: dict[str, Any], fault: str) -> None:
    with pytest.raises(pe.DefinitionError) as caught:
        waiting(**option)
    assert fault in str(caught.value)


@pytest.mark.parametrize("mode", ["step", "lazy"])
def test_a_value_that_cannot_be_stored_is_found_when_it_comes(mode: str) -> None:
    store = pe.MemoryStore()

    async def lock() -> object:
        return threading.Lock()

    async def play(runtime: pe.Runtime) -> None:
        outcome = await (await runtime.spawn(ending(lock), id="one")).result()
        assert outcome.state == "failed"
        assert outcome.error is not None
        assert outcome.error.exception == "processengine.UnstorableValue"
        assert "a value of type _thread.lock cannot be stored (at value)" in outcome.error.message
        handle = await runtime.spawn(waiting(), id="two")
        for sent in (handle.signal("answer", trio.Lock()), handle.update(x=trio.Lock())):
            with pytest.raises(pe.UnstorableValue, match=r"trio\.Lock"):
                await sent
        with pytest.raises(pe.UnstorableValue, match="Lock"):
            await runtime.spawn(waiting(), {"x": trio.Lock()}, id="three")
        assert "three" not in [each.id for each in runtime.list()]
        await handle.signal("answer", 1)
        assert (await handle.result()).memory == {"answer": 1}

    play_all(store, (play, {"durability": mode}))


# Who waits to begin


def test_queued_executions_survive_with_their_inputs() -> None:
    store = pe.MemoryStore()

    async def long(x: int) -> int:
        await trio.sleep(10)
        return x

    process = pe.ProcessBuilder("long", inputs=["x"])
    process.node("work", long)
    definition = process.build()

    async def begin(runtime: pe.Runtime) -> None:
        for number in range(3):
            await runtime.spawn(definition, {"x": number}, id=f"e{number}")
        assert runtime.get("e2").status().state == "queued"
        assert heads(store)["e2"].state == "queued"

    async def go_on(runtime: pe.Runtime) -> None:
        await runtime.wait_all_ended()
        outcomes = [await (await runtime.find(f"e{number}")).result() for number in range(3)]
        assert [outcome.memory["work"] for outcome in outcomes] == [0, 1, 2]

    options = {"max_concurrent_executions": 1, "definitions": [definition]}
    play_all(store, (begin, options), (go_on, options))


def test_many_are_spawned_with_one_wait_or_none_of_them() -> None:
    commits: list[int] = []

    class Counting(pe.MemoryStore):
        def commit(self, batch: Any) -> None:
            commits.append(len(batch))
            super().commit(batch)

    store = Counting()

    async def play(runtime: pe.Runtime) -> None:
        definition = waiting()
        handles = await runtime.spawn_many(definition, [{"x": n} for n in range(20)])
        assert len({handle.id for handle in handles}) == 20
        assert commits == [20]
        again = await runtime.spawn_many(definition, [{"x": 0}, None], ids=[handles[0].id, "new"])
        assert again[0] == handles[0]
        assert again[1].id == "new"
        with pytest.raises(pe.BadArgument, match="2 names that differ"):
            await runtime.spawn_many(definition, [None, None], ids=["a", "a"])
        with pytest.raises(pe.UnstorableValue):
            await runtime.spawn_many(definition, [None, {"x": trio.Lock()}])
        with pytest.raises(pe.AdmissionRefused):
            await runtime.spawn_many(definition, [None] * 2000)
        assert len(runtime.list()) == 21

    play_all(store, (play, {"admission_queue_limit": 100}))


def test_whoever_spawns_an_id_again_gets_its_handle_once_that_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_journal, "LoopWriter", partial(LoopWriter, delay=lambda: 1.0))
    store, definition = pe.MemoryStore(), waiting()
    stored: list[bool] = []

    async def spawn(runtime: pe.Runtime) -> None:
        await runtime.spawn(definition, id="one")
        stored.append(store.load("one") is not None)

    async def spawn_many(runtime: pe.Runtime) -> None:
        await runtime.spawn_many(definition, [None, None], ids=["one", "two"])
        stored.extend(store.load(id) is not None for id in ("one", "two"))

    async def begin(runtime: pe.Runtime) -> None:
        async with trio.open_nursery() as nursery:
            for call in (spawn, spawn, spawn_many, spawn):
                nursery.start_soon(call, runtime)

    play_all(store, (begin, {}))
    assert stored == [True] * 5


def test_what_sleeps_is_not_brought_back_once_the_runtime_closes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_journal, "LoopWriter", partial(LoopWriter, delay=lambda: 1.0))
    store, definition = pe.MemoryStore(), waiting()
    late: list[pe.Reply[Any]] = []

    async def leave(runtime: pe.Runtime) -> None:
        asleep = await runtime.spawn(definition, id="asleep")
        await trio.sleep(10)
        assert not asleep.status().in_memory
        awake = await runtime.spawn(definition, id="awake")
        awake.update(x=1)  # takes a second to be stored, for which the other one waits
        late.append(asleep.signal("answer", 1))
        late.append(asleep.result())

    async def look(runtime: pe.Runtime) -> None:
        for reply in late:
            with pytest.raises(pe.RuntimeClosed):
                await reply
        assert runtime.get("asleep").status().state == "waiting"

    later = {"definitions": [definition]}
    play_all(store, (leave, {"passivate_after": 1.0}), (look, later))


def test_whoever_waits_for_an_execution_that_cannot_be_read_is_told() -> None:
    store, definition = pe.MemoryStore(), waiting()

    async def play(runtime: pe.Runtime) -> None:
        handle = await runtime.spawn(definition, id="bad")
        await trio.sleep(10)
        assert not handle.status().in_memory
        entry = store._entries["bad"]  # pyright: ignore[reportPrivateUsage]
        entry.records[0] = Record(1, b"\xff")
        result = handle.result()
        assert not result.is_done()
        for told in (handle.signal("answer", 1), result):
            with trio.fail_after(10), pytest.raises(pe.ExecutionParked, match="cannot be"):
                await told

    play_all(store, (play, {"passivate_after": 1.0}))


def test_the_row_of_an_execution_tells_what_it_waits_for_and_how_large_it_is() -> None:
    store = pe.MemoryStore()
    process = pe.ProcessBuilder("row")
    process.delay("later", 30.0).then(process.wait("answer"))
    definition = process.build()

    async def play(runtime: pe.Runtime) -> None:
        handle = await runtime.spawn(definition, {"text": "x" * 10_000}, id="one")
        await trio.sleep(1)
        head = heads(store)["one"]
        assert head.state == "waiting"
        assert head.due == pytest.approx(30.0)
        assert head.size > 10_000
        await handle.cancel()
        assert heads(store)["one"].due is None

    play_all(store, (play, {}))


# Children


def calling() -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("calling")
    process.process("call", waiting())
    return process.build()


def called_in_vain() -> pe.MemoryStore:
    """What a crash leaves between the turn that calls a child and the first one of that."""
    store = pe.MemoryStore()

    async def begin(runtime: pe.Runtime) -> None:
        await runtime.spawn(calling(), id="x")
        await trio.sleep(20)

    play_all(store, (begin, {}))
    assert store.delete(["x/call.1"]) == 1
    return store


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit takes two seconds, and so does it to look for an execution."""
    writer = functools.partial(LoopWriter, delay=lambda: 2.0)
    monkeypatch.setattr(_journal, "LoopWriter", writer)


@pytest.mark.usefixtures("slow_disk")
def test_a_parent_stays_in_memory_while_its_child_is_looked_for() -> None:
    async def go_on(runtime: pe.Runtime) -> None:
        await trio.sleep(20)
        await runtime.get("x/call.1").signal("answer", 1)
        assert (await (await runtime.find("x")).result()).state == "completed"

    play_all(called_in_vain(), (go_on, {"definitions": [calling()], "passivate_after": 0.5}))


@pytest.mark.usefixtures("slow_disk")
@pytest.mark.parametrize("act", ["cancel", "pause"])
def test_a_child_learns_what_its_parent_was_told_while_it_was_looked_for(act: str) -> None:
    async def go_on(runtime: pe.Runtime) -> None:
        handle = runtime.get("x")
        await trio.sleep(2.1)  # now it is in memory, and its child is not
        with trio.fail_after(30):
            assert await getattr(handle, act)() == {"cancel": "cancelled", "pause": "paused"}[act]

    play_all(called_in_vain(), (go_on, {"definitions": [calling()]}))


# What sleepers have in common


def test_what_sleeping_executions_have_in_common_is_kept_once_and_while_they_sleep() -> None:
    async def play(runtime: pe.Runtime) -> None:
        definition = waiting()
        handles = [await runtime.spawn(definition) for _ in range(3)]
        handles.append(await runtime.spawn(waiting(id="other")))
        await trio.sleep(20)
        sleepers = core_of(runtime).store.sleepers
        assert len(sleepers.asleep) == 4
        assert len({id(sort) for sort in sleepers.asleep.values()}) == 2
        assert len(sleepers._sorts) == 2
        for handle in handles[1:]:
            await handle.signal("answer", 1)
        assert len(sleepers._sorts) == 1
        await handles[0].signal("answer", 1)
        assert len(sleepers._sorts) == 0

    play_all(pe.MemoryStore(), (play, {"passivate_after": 1.0}))


# Breakers


def test_breakers_of_recovered_executions_probe_first() -> None:
    store = pe.MemoryStore()
    group = pe.Group("bank", breaker=pe.BreakerPolicy(probes=1))
    running: list[int] = []

    async def call() -> None:
        running.append(1)
        await trio.sleep(5)

    process = pe.ProcessBuilder("calling")
    process.node("call", call, group=group)
    definition = process.build()

    async def begin(runtime: pe.Runtime) -> None:
        await runtime.spawn_many(definition, [None] * 10)
        await trio.sleep(1)
        assert runtime.group("bank").status().breaker == "closed"

    async def go_on(runtime: pe.Runtime) -> None:
        running.clear()
        assert runtime.group("bank").status().breaker == "half_open"
        await trio.sleep(1)
        assert len(running) == 1
        await runtime.wait_all_ended()
        assert runtime.group("bank").status().breaker == "closed"
        assert len(running) == 10

    play_all(store, (begin, {}), (go_on, {"definitions": [definition]}))


# Who is the host


def test_one_runtime_at_a_time_runs_what_is_in_a_store() -> None:
    store = pe.MemoryStore()

    async def play(runtime: pe.Runtime) -> None:
        with pytest.raises(pe.StoreInUse):
            async with pe.open_runtime(store=store):
                pass
        await (await runtime.spawn(ending(work))).result()

    play_all(store, (play, {}), (play, {}))


def test_an_execution_that_another_host_has_taken_is_given_up() -> None:
    store = pe.MemoryStore()

    async def play(runtime: pe.Runtime) -> None:
        handle = await runtime.spawn(waiting(), id="one")
        await trio.sleep(1)
        store.release()
        store.take_over()  # somebody else
        with pytest.raises(pe.ProcessEngineError, match="incarnation 1 cannot write"):
            await handle.signal("answer", 1)
        assert not any(each.id == "one" for each in runtime.list())
        stored = store.load("one")
        assert stored is not None
        assert stored.head.seq == 2

    play_all(store, (play, {}))
