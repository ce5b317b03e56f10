"""What it brings that executions share the text of their variables' names: time and memory."""

from __future__ import annotations

import gc
import itertools
import json
import time
import tracemalloc

import trio

import processengine as pe

from .._measure import Row, compare, on_trio, row

TEXT = '{"customer_number": 1, "shipping_text": "x", "discount_share": 2.0}'
READS = 10


async def read(customer_number: int, shipping_text: str, discount_share: float) -> None:
    """Reads three variables; what it returns is written to a fourth."""


def process() -> pe.ProcessDefinition:
    """Nodes in a row that read what the execution was given."""
    builder = pe.ProcessBuilder("reading")
    start = builder.wait("go")
    nodes = [start, *(builder.node(f"read-{number}", read) for number in range(READS))]
    for one, following in itertools.pairwise(nodes):
        one.then(following)
    return builder.build()


def decoded() -> dict[str, object]:
    """Inputs as they come over a wire: each time with names of their own."""
    inputs: dict[str, object] = json.loads(TEXT)
    return inputs


def own_inputs(shared: bool, count: int) -> list[dict[str, object]]:
    """Inputs of many executions; `shared`: with the same names for all, as `sys.intern` gives."""
    names = {name: name for name in decoded()}
    each = [decoded() for _ in range(count)]
    return [{names[name]: value for name, value in one.items()} for one in each] if shared else each


async def reads_and_writes(count: int, shared: bool) -> float:
    """Seconds in which executions memory is read and written, whose names are shared or not.

    The memory of each is replaced after it was begun, as the engine shares names by itself.
    """
    definition = process()
    given = own_inputs(shared, count)
    options = pe.Options(history_limit=0, keep_ended=0, max_concurrent_executions=count)
    async with pe.open_runtime(options) as runtime:
        core = runtime._core  # pyright: ignore[reportPrivateUsage]  # memory is nobody else's
        assert core is not None
        handles = await runtime.spawn_many(definition, given)
        for handle, own in zip(handles, given, strict=True):
            core.live[handle.id].state.memory = own
        begin = time.perf_counter()
        for handle in handles:
            handle.signal("go")
        await runtime.wait_all_ended()
        return time.perf_counter() - begin


async def bytes_each(count: int, shared: bool) -> float:
    """Bytes that the names take in each idle execution."""
    builder = pe.ProcessBuilder("idle")
    builder.wait("go")
    definition = builder.build()
    options = pe.Options(max_concurrent_executions=count, history_limit=0, keep_ended=0)
    async with pe.open_runtime(options) as runtime:
        core = runtime._core  # pyright: ignore[reportPrivateUsage]  # memory is nobody else's
        assert core is not None
        await runtime.spawn(definition, decoded())
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(count):
            handle = await runtime.spawn(definition, decoded())
            if not shared:
                core.live[handle.id].state.memory = decoded()
        gc.collect()
        taken = (tracemalloc.get_traced_memory()[0] - before) / count
        tracemalloc.stop()
        return taken


def names(quick: bool) -> list[Row]:
    """Shared names to those that every execution has of its own."""
    count, rounds = (50, 2) if quick else (1000, 11)
    shared, own = (trio.run(bytes_each, 100 if quick else 5000, way) for way in (True, False))
    return [
        row(
            f"reading three variables {READS} times, names shared",
            compare(
                on_trio(reads_and_writes, count, True),
                on_trio(reads_and_writes, count, False),
                rounds,
            ),
            per=count * READS,
            unit="µs a node",
            scale=1e6,
            yardstick_name="names of their own",
        ),
        Row(
            case="idle execution with three variables, names shared",
            ours=shared,
            unit="bytes",
            yardstick=own,
            yardstick_name="names of their own",
        ),
    ]
