"""How long a pause and a resume take while many executions run."""

from __future__ import annotations

import statistics
import time

import trio

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


def pausing(quick: bool) -> list[Row]:
    """Pause by interrupting, and resume, of 500 executions that run nodes of 10 ms."""
    count = 10 if quick else 500
    pauses, resumes = trio.run(_pause_all, count)
    return [
        Row(
            case=f"{name} one of {count} running, 95th percentile",
            ours=statistics.quantiles(times, n=20)[-1] * 1e3,
            unit="ms",
            bar=10.0,
            stretch=3.0,
        )
        for name, times in (("pause", pauses), ("resume", resumes))
    ]
