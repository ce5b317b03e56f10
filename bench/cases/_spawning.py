"""What it costs that compiled definitions are kept in a cache with a bound and an age."""

from __future__ import annotations

import builtins
import time

import processengine as pe
from processengine.runtime.execution import Program

from .._measure import Row, compare, on_trio, row


def _idle() -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder("idle")
    builder.wait("go")
    return builder.build()


async def lookups(count: int, cached: bool) -> float:
    """Look-ups of one compiled definition: in the cache, or in a bare dict by the same key."""
    definition = _idle()
    async with pe.open_runtime() as runtime:
        core = runtime._core  # pyright: ignore[reportPrivateUsage]  # the look-up by itself
        assert core is not None
        bare: dict[int, Program] = {builtins.id(definition): core.program(definition)}

        def look_up(key: pe.ProcessDefinition) -> Program:
            return bare[builtins.id(key)]

        find = core.program if cached else look_up
        begin = time.perf_counter()
        for _ in range(count):
            find(definition)
        return time.perf_counter() - begin


async def spawns(count: int) -> float:
    """Executions begun one by one, of a definition that is in the cache."""
    definition = _idle()
    async with pe.open_runtime(max_concurrent_executions=count, history_limit=0) as runtime:
        await runtime.spawn(definition)
        begin = time.perf_counter()
        for _ in range(count):
            await runtime.spawn(definition)
        return time.perf_counter() - begin


def spawning(quick: bool) -> list[Row]:
    """A hit to a bare look-up, and a whole spawn to a hit."""
    count, rounds = (200, 2) if quick else (5_000, 11)
    hit, bare = on_trio(lookups, count, True), on_trio(lookups, count, False)
    cases = (
        ("compiled definition found in the cache", hit, bare, "in a dict"),
        ("spawn of a cached definition", on_trio(spawns, count), hit, "finding it in the cache"),
    )
    return [
        row(
            name,
            compare(ours, yardstick, rounds),
            per=count,
            unit="µs each",
            scale=1e6,
            yardstick_name=yardstick_name,
        )
        for name, ours, yardstick, yardstick_name in cases
    ]
