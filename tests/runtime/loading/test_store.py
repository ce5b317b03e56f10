"""A loader over a store: what is published there is found, in another life of the host too."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

import processengine as pe
from processengine.runtime.store import KeptDefinition
from processengine.testing import run_virtual


async def pack(order: str) -> str:
    return f"{order}, packed"


TYPES = pe.NodeTypes()
TYPES.register(pack)


def packing(version: int = 1, node: str = "pack") -> pe.ProcessDefinition:
    """It waits for the signal `order`, and packs that."""
    builder = pe.ProcessBuilder("packing", version)
    builder.wait("order").then(builder.node(node, pack))
    return builder.build()


def calling() -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder("calling")
    builder.process("child", packing())
    return builder.build()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[pe.Store]:
    in_memory = request.param == "memory"
    store = pe.MemoryStore() if in_memory else pe.SqliteStore(tmp_path / "orders.db")
    yield store
    store.close()


async def test_what_is_published_is_found_as_the_same(store: pe.Store) -> None:
    loader = pe.StoreLoader(store, TYPES)
    published = {version: packing(version, f"pack-{version}") for version in (9, 10, 2)}
    for each in published.values():
        await loader.publish(each)
    assert await loader("packing", 9) == published[9]
    assert await loader("packing", 2) == published[2]
    assert await loader("packing", None) == published[10]
    assert await loader("packing", 3) is None
    assert await loader("Packing", None) is None


async def test_a_version_is_published_once(store: pe.Store) -> None:
    loader = pe.StoreLoader(store, TYPES)
    await loader.publish(packing())
    await loader.publish(packing())
    with pytest.raises(
        pe.DefinitionConflict, match="packing v1 is kept with the content"
    ) as caught:
        await loader.publish(packing(node="other"))
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert await loader("packing", 1) == packing()


async def test_what_is_published_is_listed_and_can_be_deleted(store: pe.Store) -> None:
    loader = pe.StoreLoader(store, TYPES)
    versions = range(120, 0, -1)  # more than a page
    for version in versions:
        await loader.publish(packing(version))
    published = await loader.published()
    assert [each.place for each in published] == [("packing", n) for n in sorted(versions)]
    assert published[-1].hash == packing(120).hash
    assert await loader.unpublish("packing", 120)
    assert not await loader.unpublish("packing", 120)
    assert await loader("packing", 120) is None
    assert await loader("packing", None) == packing(119)
    await loader.publish(packing(120, node="other"))


async def test_what_unfinished_executions_run_is_deleted_by_force_only(store: pe.Store) -> None:
    loader = pe.StoreLoader(store, TYPES)
    await loader.publish(packing(1))
    await loader.publish(packing(2))
    async with pe.open_runtime(store=store, loader=loader) as runtime:
        for id in ("one", "two"):
            await runtime.spawn("packing v1", id=id)
    words = r"packing v1 is run by executions that have not ended: 'one', 'two'$"
    with pytest.raises(pe.DefinitionInUse, match=words) as caught:
        await loader.unpublish("packing", 1)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert await loader.unpublish("packing", 2)
    assert await loader.unpublish("packing", 1, in_use="delete")
    async with pe.open_runtime(store=store, loader=loader) as runtime:
        assert runtime.get("one").status().state == "parked"
        await loader.publish(packing(1))
        await runtime.definition("packing", 1)
        await (await runtime.find("one")).signal("order", "tea")
        await (await runtime.find("one")).result()
        await (await runtime.find("two")).cancel()
    assert await loader.unpublish("packing", 1)


def test_the_first_of_many_that_run_it_are_named() -> None:
    error = pe.DefinitionInUse("orders", 3, ("a", "b"), 12)
    assert str(error) == (
        "definition orders v3 is run by executions that have not ended: 'a', 'b' and 10 more"
    )


async def test_what_a_document_cannot_say_is_refused_and_not_kept(store: pe.Store) -> None:
    loader = pe.StoreLoader(store, TYPES)
    builder = pe.ProcessBuilder("choosing")
    builder.switch("which", {"large": lambda order: order > 5})
    with pytest.raises(pe.DefinitionError, match=r"nodes\.which\.cases\[0\]\.when"):
        await loader.publish(builder.build())
    assert store.definition("choosing") is None


async def test_a_definition_comes_with_those_that_it_calls(store: pe.Store) -> None:
    loader = pe.StoreLoader(store, TYPES)
    await loader.publish(calling())
    assert await loader("calling", None) == calling()
    assert await loader("packing", None) is None


async def test_a_function_that_is_not_registered_is_a_fault(store: pe.Store) -> None:
    await pe.StoreLoader(store, TYPES).publish(packing())
    with pytest.raises(pe.DefinitionError, match=r"packing v1: 1 fault\n.*nodes\.pack\.type"):
        await pe.StoreLoader(store)("packing", 1)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"id": "\xff"}'])
async def test_a_damaged_document_is_told(body: bytes) -> None:
    store = pe.MemoryStore()
    store.put_definition(KeptDefinition("packing", 1, "0123", body))
    with pytest.raises(pe.DefinitionError, match="packing"):
        await pe.StoreLoader(store, TYPES)("packing", None)


async def test_what_it_cannot_use_is_refused() -> None:
    with pytest.raises(pe.BadArgument, match="the path of a file, or a Store"):
        pe.StoreLoader(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(pe.BadArgument, match="a process definition"):
        await pe.StoreLoader(pe.MemoryStore()).publish("packing")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_an_execution_goes_on_in_another_runtime_that_has_only_the_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "orders.db"
    loader = pe.StoreLoader(path, TYPES)
    await loader.publish(packing())
    async with pe.open_runtime(store=path, loader=loader) as runtime:
        await runtime.spawn("packing", id="one")
    async with pe.open_runtime(store=path, loader=pe.StoreLoader(str(path), TYPES)) as runtime:
        handle = runtime.get("one")
        assert str(handle.status().definition) == "packing v1"
        await handle.signal("order", "tea")
        assert (await handle.result()).memory == {"order": "tea", "pack": "tea, packed"}
        with pytest.raises(pe.UnknownDefinition):
            await runtime.spawn("packing v2")


async def test_a_running_host_finds_what_is_published_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    async with pe.open_runtime(store=path, loader=pe.StoreLoader(path, TYPES)) as runtime:
        with pytest.raises(pe.UnknownDefinition):
            await runtime.definition("packing")
        await pe.StoreLoader(path, TYPES).publish(packing(1))
        assert await runtime.definition("packing") == packing(1)
        await pe.StoreLoader(path, TYPES).publish(packing(2))
        assert await runtime.definition("packing") == packing(1)
        runtime.forget_definitions("packing")
        assert await runtime.definition("packing") == packing(2)


@pytest.mark.parametrize("publishes", ["before", "after"])
def test_an_execution_whose_definition_is_only_in_the_store_comes_back(publishes: str) -> None:
    store = pe.MemoryStore()
    loader = pe.StoreLoader(store, TYPES)

    async def main() -> None:
        async with pe.open_runtime(store=store, wall_clock=trio.current_time) as runtime:
            await runtime.spawn(calling(), id="parent")
            await trio.sleep(1)
        if publishes == "before":
            await loader.publish(calling())
        async with pe.open_runtime(
            store=store, wall_clock=trio.current_time, loader=loader
        ) as runtime:
            if publishes == "after":
                assert runtime.get("parent").status().state == "parked"
                await loader.publish(calling())
                await runtime.definition("calling", 1)
            await (await runtime.find("parent/child.1")).signal("order", "tea")
            outcome = await (await runtime.find("parent")).result()
            assert outcome.memory["child"] == {"order": "tea", "pack": "tea, packed"}

    run_virtual(main)
