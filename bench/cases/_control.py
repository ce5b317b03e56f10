"""How long a pause and a resume take while many executions run, or are there."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence

import trio
import trio.testing

import processengine as pe

from .._measure import Row
from ._processes import chain, sleep


async def _pause_all(count: int) -> tuple[list[float], list[float]]:
    definition = chain(1000, sleep)
    async with pe.open_runtime(max_concurrent_executions=count) as runtime:
        handles = [await runtime.spawn(definition) for _ in range(count)]
        await trio.sleep(0.1)
        pauses: list[float] = []
        resumes: list[float] = []
        for handle in handles:
            begin = time.perf_counter()
            await handle.pause("interrupt")
            pauses.append(time.perf_counter() - begin)
        for handle in handles:
            begin = time.perf_counter()
            await handle.resume()
            resumes.append(time.perf_counter() - begin)
        return pauses, resumes


async def _pause_some(count: int, some: int) -> list[float]:
    builder = pe.ProcessBuilder("waiting")
    builder.wait("go")
    definition = builder.build()
    async with pe.open_runtime(max_concurrent_executions=count) as runtime:
        handles = await runtime.spawn_many(definition, [None] * count)
        await trio.testing.wait_all_tasks_blocked()
        pauses: list[float] = []
        for handle in random.Random(0).sample(handles, some):
            begin = time.perf_counter()
            await handle.pause()
            pauses.append(time.perf_counter() - begin)
        return pauses


def pausing(quick: bool) -> list[Row]:
    """Pause by interrupting, and resume, of 500 that run nodes of 10 ms; pause of one in 100,000.

    Each of the 100,000 waits for a signal.
    """
    count, many = (10, 100) if quick else (500, 100_000)
    pauses, resumes = trio.run(_pause_all, count)
    among_many = trio.run(_pause_some, many, min(many, 1000))
    return [
        _row(f"pause one of {count} running", pauses, 10.0, 3.0),
        _row(f"resume one of {count} running", resumes, 10.0, 3.0),
        _row(f"pause one of {many:,} live", among_many, 1.0, 0.1),
    ]


def _row(what: str, times: Sequence[float], bar: float, stretch: float) -> Row:
    return Row(
        case=f"{what}, 95th percentile",
        ours=statistics.quantiles(times, n=20)[-1] * 1e3,
        unit="ms",
        bar=bar,
        stretch=stretch,
    )
