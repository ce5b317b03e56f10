"""Executions in the store whose definitions nobody gave: the loader is asked for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

import processengine as pe
from processengine.testing import run_virtual

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


async def work() -> str:
    await trio.sleep(10)
    return "done"


def waiting(version: int = 1, id: str = "asking", **options: Any) -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder(id, version, **options)
    builder.wait("answer").then(builder.node(work))
    return builder.build()


def calling() -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder("calling")
    builder.process("child", waiting(id="child"))
    return builder.build()


class Shelf:
    """A loader that makes what it gives anew."""

    def __init__(self, *makers: Callable[[], pe.ProcessDefinition]) -> None:
        self.makers = {(make().id, make().version): make for make in makers}
        self.calls: Counter[tuple[str, int | None]] = Counter()
        self.seconds = 0.0
        self.error: Exception | None = None

    async def __call__(self, id: str, version: int | None) -> pe.ProcessDefinition | None:
        self.calls[id, version] += 1
        await trio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        make = self.makers.get((id, version or 1))
        return None if make is None else make()


async def begin(runtime: pe.Runtime) -> None:
    await runtime.spawn(waiting(), id="one")
    at_work = await runtime.spawn(waiting(), id="two")
    await trio.sleep(1)
    await at_work.signal("answer", 5)
    await trio.sleep(1)


def test_the_loader_is_asked_once_for_all_executions_of_a_definition() -> None:
    store, shelf = pe.MemoryStore(), Shelf(waiting)

    async def go_on(runtime: pe.Runtime) -> None:
        assert shelf.calls == {("asking", 1): 1}
        assert (await runtime.get("two").result()).memory == {"answer": 5, "work": "done"}
        await runtime.get("one").signal("answer", 6)
        assert (await runtime.get("one").result()).memory == {"answer": 6, "work": "done"}
        assert shelf.calls == {("asking", 1): 1}

    play_all(store, (begin, {}), (go_on, {"loader": shelf}))


@pytest.mark.parametrize(
    ("maker", "error", "why"),
    [
        (None, None, "asking v1 is not given, and the loader does not know it"),
        (lambda: waiting(timeout=5.0), None, "asking v1 has changed since it began"),
        (waiting, OSError("no network"), "asking v1 was not loaded: OSError('no network')"),
    ],
)
def test_what_the_loader_does_not_give_is_parked(
    maker: Callable[[], pe.ProcessDefinition] | None, error: Exception | None, why: str
) -> None:
    store, shelf = pe.MemoryStore(), Shelf(*([] if maker is None else [maker]))
    shelf.error = error

    async def look(runtime: pe.Runtime) -> None:
        for id in ("one", "two"):
            status = runtime.get(id).status()
            assert (status.state, why in str(status.reason)) == ("parked", True)

    async def go_on(runtime: pe.Runtime) -> None:
        assert (await runtime.get("two").result()).state == "completed"

    play_all(store, (begin, {}), (look, {"loader": shelf}), (go_on, {"loader": Shelf(waiting)}))


def test_what_was_parked_comes_back_when_its_definition_is_loaded_after_all() -> None:
    store, shelf = pe.MemoryStore(), Shelf(waiting)
    shelf.error = OSError("no network")

    async def go_on(runtime: pe.Runtime) -> None:
        shelf.error = None
        await runtime.spawn("asking v1", id="three")
        found = await runtime.find("two")
        assert (await found.result()).memory == {"answer": 5, "work": "done"}

    play_all(store, (begin, {}), (go_on, {"loader": shelf}))


def test_a_definition_that_another_calls_comes_with_it() -> None:
    store, shelf = pe.MemoryStore(), Shelf(calling)

    async def begin(runtime: pe.Runtime) -> None:
        await runtime.spawn(calling(), id="parent")
        await trio.sleep(1)

    async def go_on(runtime: pe.Runtime) -> None:
        (child,) = runtime.list(definition="child")
        await (await runtime.find(child.id)).signal("answer", 5)
        outcome = await runtime.get("parent").result()
        assert outcome.memory["child"] == {"answer": 5, "work": "done"}

    play_all(store, (begin, {}), (go_on, {"loader": shelf}))


def test_giving_a_definition_brings_back_those_parked_for_one_that_it_calls() -> None:
    store = pe.MemoryStore()

    async def begin(runtime: pe.Runtime) -> None:
        await runtime.spawn(calling(), id="parent")
        await trio.sleep(1)

    async def go_on(runtime: pe.Runtime) -> None:
        (child,) = runtime.list(definition="child", state="parked")
        runtime.define(calling())
        await (await runtime.find(child.id)).signal("answer", 5)
        assert (await runtime.get("parent").result()).state == "completed"

    play_all(store, (begin, {}), (go_on, {}))


def test_one_that_ended_long_ago_is_found_with_the_definition_loaded_for_it() -> None:
    store, shelf = pe.MemoryStore(), Shelf(waiting)

    async def end(runtime: pe.Runtime) -> None:
        handle = await runtime.spawn(waiting(), id="one")
        await handle.signal("answer", 5)
        await handle.result()

    async def find(runtime: pe.Runtime) -> None:
        assert not shelf.calls
        found = await runtime.find("one")
        assert (await found.result()).memory == {"answer": 5, "work": "done"}
        forked = await runtime.fork("one", at=1, new_id="fork")
        assert forked.status().definition == "asking v1"
        assert shelf.calls == {("asking", 1): 1}

    play_all(store, (end, {}), (find, {"loader": shelf}))


def test_an_execution_that_waits_for_its_definition_holds_up_no_other() -> None:
    store, shelf = pe.MemoryStore(), Shelf(lambda: waiting(id="slow"))
    shelf.seconds = 100.0

    async def end(runtime: pe.Runtime) -> None:
        for definition in (waiting(), waiting(id="slow")):
            handle = await runtime.spawn(definition, id=definition.id)
            await handle.signal("answer", 5)
            await handle.result()

    async def find(runtime: pe.Runtime) -> None:
        times = dict[str, float]()

        async def look(id: str) -> None:
            await runtime.find(id)
            times[id] = trio.current_time()

        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            for id in ("slow", "asking", "slow"):
                nursery.start_soon(look, id)
        assert times == {"asking": began, "slow": began + 100.0}
        assert shelf.calls == {("slow", 1): 1}

    play_all(store, (end, {}), (find, {"loader": shelf, "definitions": [waiting()]}))
