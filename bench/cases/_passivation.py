"""Executions that wait for a signal and have left memory: what is left, and what brings them back.

`python -m bench.cases._passivation COUNT` prints the figures of so many, as JSON.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
import tracemalloc
from pathlib import Path

import attrs
import trio

import processengine as pe

from .._alone import traced
from .._scratch import scratch

INPUTS: dict[str, object] = {"number": 1, "text": "x", "share": 2.0}
AFTER = 0.2
WOKEN = 1000


@attrs.frozen(kw_only=True)
class Figures:
    """Bytes of each; seconds to wake one (median and 95th percentile), and to recover all."""

    bytes: float
    wake: float
    wake_slow: float
    recovery: float


def waiting() -> pe.ProcessDefinition:
    """One node, which waits for the signal `go`."""
    builder = pe.ProcessBuilder("idle")
    builder.wait("go")
    return builder.build()


def opened(path: Path, definition: pe.ProcessDefinition, count: int) -> pe.Runtime:
    """A runtime that lets go of what has been idle for a moment."""
    return pe.open_runtime(
        store=path,
        definitions=[definition],
        passivate_after=AFTER,
        max_concurrent_executions=count,
        admission_queue_limit=count,
        keep_ended=0,
    )


async def measure(count: int, folder: Path) -> Figures:
    """Spawn so many and let them be passivated; wake some; close, and open again."""
    definition, path = waiting(), folder / "store.db"
    async with opened(path, definition, count) as runtime:
        before = traced()
        await _spawn(runtime, definition, count)
        await _wait_passivated(runtime)
        size = (traced() - before) / count
        tracemalloc.stop()
        times = await _wake(runtime, random.Random(0).sample(range(count), min(WOKEN, count // 2)))
    begin = time.perf_counter()
    async with opened(path, definition, count):
        recovery = time.perf_counter() - begin
    return Figures(
        bytes=size,
        wake=statistics.median(times),
        wake_slow=statistics.quantiles(times, n=20)[-1],
        recovery=recovery,
    )


async def _spawn(runtime: pe.Runtime, definition: pe.ProcessDefinition, count: int) -> None:
    """In portions, so that neither tasks nor the queue of the store are what is measured."""
    for start in range(0, count, WOKEN):
        async with trio.open_nursery() as nursery:
            for number in range(start, min(start + WOKEN, count)):
                nursery.start_soon(_spawn_one, runtime, definition, number)


async def _spawn_one(runtime: pe.Runtime, definition: pe.ProcessDefinition, number: int) -> None:
    await runtime.spawn(definition, INPUTS, id=f"idle-{number}")


async def _wait_passivated(runtime: pe.Runtime) -> None:
    while not repr(runtime).endswith(" live=0>"):  # noqa: ASYNC110 - no event tells
        await trio.sleep(AFTER)


async def _wake(runtime: pe.Runtime, numbers: list[int]) -> list[float]:
    """Seconds from a signal to the end of the execution that waited for it, one after another."""
    times: list[float] = []
    for number in numbers:
        handle = runtime.get(f"idle-{number}")
        begin = time.perf_counter()
        end = handle.result()
        await handle.signal("go")
        await end
        times.append(time.perf_counter() - begin)
    return times


def main() -> None:
    """Measure the number of executions that the command line names."""
    with scratch() as folder:
        figures = trio.run(measure, int(sys.argv[1]), folder)
    print(json.dumps(attrs.asdict(figures)))


if __name__ == "__main__":
    main()
