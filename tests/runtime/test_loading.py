"""Definitions by name: given ones, loaded ones, and one load for all who want the same."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

import processengine as pe
from processengine.testing import run_virtual


async def work() -> str:
    return "done"


def process(id: str, version: int = 1) -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder(id, version)
    builder.wait("go").then(builder.node(work))
    return builder.build()


class Shelf:
    """A loader over definitions made anew for every load, that takes some time for each."""

    def __init__(self, *names: str, seconds: float = 1.0) -> None:
        self.names = [name.split(" v") for name in names]
        self.seconds = seconds
        self.calls: Counter[tuple[str, int | None]] = Counter()
        self.error: Exception | None = None

    async def __call__(self, id: str, version: int | None) -> pe.ProcessDefinition | None:
        self.calls[id, version] += 1
        await trio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        versions = [int(number) for name, number in self.names if name == id]
        wanted = max(versions, default=0) if version is None else version
        return process(id, wanted) if wanted in versions else None


# By name


@pytest.mark.parametrize("version", ["9223372036854775808", "1" + 30 * "0", 5000 * "9"])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_version_beyond_all_numbers_is_unknown(
    tmp_path: Path, kind: str, version: str
) -> None:
    with closing(pe.MemoryStore() if kind == "memory" else pe.SqliteStore(tmp_path / "a.db")) as at:
        async with pe.open_runtime(store=at, loader=pe.StoreLoader(at)) as runtime:
            with pytest.raises(pe.UnknownDefinition, match=f"no definition 'orders v{version}'"):
                await runtime.spawn(f"orders v{version}")


async def test_the_largest_version_is_published_loaded_and_run(tmp_path: Path) -> None:
    types = pe.NodeTypes()
    types.register(work)
    largest = process("orders", 2**63 - 1)
    loader = pe.StoreLoader(tmp_path / "a.db", types)
    await loader.publish(largest)
    async with pe.open_runtime(store=tmp_path / "a.db", loader=loader) as runtime:
        handle = await runtime.spawn(f"orders v{2**63 - 1}")
        handle.signal("go")
        assert str((await handle.result()).process) == str(largest)


@pytest.mark.parametrize(
    ("name", "meant"), [("orders", "orders v3"), ("orders v1", "orders v1"), ("v2", "v2 v7")]
)
async def test_a_name_with_or_without_a_version_is_spawned(
    autojump_clock: MockClock, name: str, meant: str
) -> None:
    async with pe.open_runtime(loader=Shelf("orders v1", "orders v3", "v2 v7")) as runtime:
        handle = await runtime.spawn(name)
        handle.signal("go")
        outcome = await handle.result()
        assert (str(outcome.process), outcome.memory["work"]) == (meant, "done")
        (many,) = await runtime.spawn_many(name, [None])
        assert many.status().definition == meant


async def test_given_definitions_need_no_loader(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(definitions=[process("orders", 2)]) as runtime:
        runtime.define(process("orders", 1))
        assert str(await runtime.definition("orders")) == "orders v2"
        assert (await runtime.spawn("orders v1")).status().definition == "orders v1"
        with pytest.raises(pe.UnknownDefinition, match=r"no definition 'other' \(given: orders\)"):
            await runtime.spawn("other")


async def test_the_newest_is_that_of_both_the_given_and_the_loaded(
    autojump_clock: MockClock,
) -> None:
    shelf = Shelf("orders v3", "bills v1")
    mine = [process("orders", 2), process("bills", 1), process("letters", 4)]
    async with pe.open_runtime(definitions=mine, loader=shelf) as runtime:
        assert str(await runtime.definition("orders")) == "orders v3"
        assert await runtime.definition("bills") is mine[1]
        assert await runtime.definition("letters") is mine[2]
        assert await runtime.definition("orders", 2) is mine[0]
        assert shelf.calls["orders", 2] == 0


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"id": "orders"}, "got {'id': 'orders'}"),
        (process("other"), "got other v1"),
        (process("orders", 2), "got orders v2"),
    ],
)
async def test_a_loader_that_gives_something_else_is_told_so(found: object, said: str) -> None:
    async def load(id: str, version: int | None) -> object:
        return found

    loader: pe.Loader = load  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    async with pe.open_runtime(loader=loader) as runtime:
        with pytest.raises(pe.BadLoad, match=said):
            await runtime.spawn("orders v1")


async def test_what_cannot_be_called_is_no_loader() -> None:
    with pytest.raises(pe.BadArgument, match="loader: expected an async function"):
        pe.open_runtime(loader="definitions")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# Kept


async def test_what_was_loaded_is_the_same_object_until_it_expires(
    autojump_clock: MockClock,
) -> None:
    shelf = Shelf("orders v1")
    async with pe.open_runtime(loader=shelf) as runtime:
        first = await runtime.definition("orders", 1)
        for _ in range(6):
            await trio.sleep(599)
            assert await runtime.definition("orders", 1) is first
        await trio.sleep(599)  # an hour since it was loaded
        assert await runtime.definition("orders", 1) is not first
        await trio.sleep(600)
        await runtime.definition("orders", 1)
        assert shelf.calls["orders", 1] == 3
        counts = runtime.caches["definitions"]
        assert (counts.hits, counts.misses, counts.expirations) == (6, 3, 2)


async def test_the_newest_is_one_object_with_its_version(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(loader=Shelf("orders v1")) as runtime:
        exact = await runtime.definition("orders", 1)
        assert await runtime.definition("orders") is exact
        runtime.forget_definitions("bills")
        assert await runtime.definition("orders") is exact
        runtime.forget_definitions("orders")
        newest = await runtime.definition("orders")
        assert newest is not exact
        assert await runtime.definition("orders", 1) is newest


async def test_a_load_begun_before_it_was_to_be_forgotten_is_not_kept(
    autojump_clock: MockClock,
) -> None:
    shelf = Shelf("orders v1")
    async with pe.open_runtime(loader=shelf) as runtime, trio.open_nursery() as nursery:
        nursery.start_soon(runtime.definition, "orders")
        await trio.sleep(0.5)
        shelf.names = [["orders", "2"]]
        runtime.forget_definitions()
        assert str(await runtime.definition("orders")) == "orders v2"
        await trio.sleep(5)
        assert str(await runtime.definition("orders")) == "orders v2"
        assert shelf.calls["orders", None] == 2


async def test_executions_of_one_definition_loaded_twice_share_their_group(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime(loader=Shelf("orders v1")) as runtime:
        first = await runtime.spawn("orders")
        runtime.forget_definitions()
        second = await runtime.spawn("orders")
        assert runtime.caches["routing"].size == 2
        assert len(runtime.tree().children[1].children) == 1
        for handle in (first, second):
            handle.signal("go")
            assert (await handle.result()).state == "completed"


async def test_a_failed_load_is_told_to_all_and_not_kept(autojump_clock: MockClock) -> None:
    shelf, told = Shelf("orders v1"), list[str]()
    shelf.error = OSError("no network")

    async def spawn(runtime: pe.Runtime) -> None:
        with pytest.raises(OSError, match="no network"):
            await runtime.spawn("orders")
        told.append("no network")

    async with pe.open_runtime(loader=shelf) as runtime:
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(spawn, runtime)
        assert (len(told), shelf.calls["orders", None]) == (5, 1)
        shelf.error = None
        assert (await runtime.spawn("orders")).status().definition == "orders v1"
        with pytest.raises(pe.UnknownDefinition):
            await runtime.spawn("orders v2")
        with pytest.raises(pe.UnknownDefinition):
            await runtime.spawn("orders v2")
        assert shelf.calls["orders", 2] == 2


async def test_a_runtime_that_is_left_does_not_wait_for_a_load(autojump_clock: MockClock) -> None:
    refused = list[str]()

    async def spawn(runtime: pe.Runtime) -> None:
        with pytest.raises(pe.RuntimeClosed):
            await runtime.spawn("orders")
        refused.append("orders")

    slow = Shelf("orders v1", seconds=1e6)
    async with trio.open_nursery() as nursery, pe.open_runtime(loader=slow) as runtime:
        nursery.start_soon(spawn, runtime)
        await trio.sleep(1)
    assert refused == ["orders"]
    assert trio.current_time() < 1e5


# One load for all

LOAD = 1.03


@given(
    st.randoms(use_true_random=False),
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), min_size=2, max_size=8),
    st.booleans(),
)
def test_concurrent_first_spawns_load_and_compile_once_whoever_gives_up(
    random: Random, drawn: list[tuple[int, int]], fails: bool
) -> None:
    """Callers come at a time and wait for so long at most; no two things happen at one moment."""
    callers = [(begin / 10, patience / 10 + 0.05) for begin, patience in drawn]
    shelf, told = Shelf("orders v1", seconds=LOAD), dict[int, str]()
    shelf.error = OSError("no network") if fails else None

    async def call(runtime: pe.Runtime, number: int) -> None:
        begin, patience = callers[number]
        await trio.sleep(begin)
        told[number] = "gave up"
        with trio.move_on_after(patience):
            try:
                await runtime.spawn("orders", id=f"order-{number}")
                told[number] = "spawned"
            except OSError:
                told[number] = "failed"

    async def main() -> None:
        async with pe.open_runtime(loader=shelf, seed=0) as runtime:
            async with trio.open_nursery() as nursery:
                for number in range(len(callers)):
                    nursery.start_soon(call, runtime, number)
            counts = runtime.caches["routing"]
            spawned = sum(each == "spawned" for each in told.values())
            assert counts.misses == (1 if spawned else 0)
            assert len(runtime.list()) == spawned

    run_virtual(main, random=random)
    assert loads_expected(callers, told, fails) == shelf.calls["orders", None]


def loads_expected(callers: list[tuple[float, float]], told: dict[int, str], fails: bool) -> int:
    """Also checks what each was told: those with patience for the load in which they came."""
    ends, loads = -1.0, 0
    for number in sorted(range(len(callers)), key=lambda number: callers[number][0]):
        begin, patience = callers[number]
        if ends < begin and (fails or not loads):
            ends, loads = begin + LOAD, loads + 1
        met = "failed" if fails else "spawned"
        assert told[number] == ("gave up" if begin + patience < ends else met)
    return loads
