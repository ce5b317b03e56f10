"""What it costs to have every step on a disk, to appending the same records to a bare log."""

from __future__ import annotations

import functools
import statistics
import time
from pathlib import Path
from typing import Literal

import trio

import processengine as pe

from .._measure import Row, compare, row
from .._scratch import scratch
from ._processes import chain
from ._raw_log import LogRow, append, stored_rows

Mode = Literal["step", "lazy"]
LENGTH = 10
INTERVAL = 0.001


async def run_all(
    definition: pe.ProcessDefinition, count: int, path: Path, mode: Mode, lags: list[float]
) -> float:
    """Seconds from the first spawn until so many executions have ended, and are on the disk.

    `lags` gets how many seconds too late a task woke that slept for a millisecond, every time.
    """
    beating = trio.CancelScope()
    async with (
        trio.open_nursery() as nursery,
        pe.open_runtime(
            store=path,
            definitions=[definition],
            durability=mode,
            max_concurrent_executions=count,
            admission_queue_limit=count,
        ) as runtime,
    ):
        await (await runtime.spawn(definition)).result()
        nursery.start_soon(_heartbeat, beating, lags)
        begin = time.perf_counter()
        await runtime.spawn_many(definition, [None] * count)
        await runtime.wait_all_ended()
        ended = time.perf_counter()
        beating.cancel()
    # What `lazy` has not written yet is written when the runtime closes.
    return (time.perf_counter() if mode == "lazy" else ended) - begin


async def _heartbeat(scope: trio.CancelScope, lags: list[float]) -> None:
    with scope:
        while True:
            begin = time.perf_counter()
            try:
                await trio.sleep(INTERVAL)
            finally:
                lags.append(max(0.0, time.perf_counter() - begin - INTERVAL))


def _run(definition: pe.ProcessDefinition, count: int, mode: Mode, lags: list[float]) -> float:
    with scratch() as folder:
        return trio.run(run_all, definition, count, folder / "store.db", mode, lags)


def _log(rows: list[LogRow]) -> float:
    with scratch() as folder:
        return append(folder / "log.db", rows)


def _rows_of(definition: pe.ProcessDefinition, count: int) -> list[LogRow]:
    """The records that such executions leave."""
    with scratch() as folder:
        lags: list[float] = []
        trio.run(run_all, definition, count, folder / "store.db", "step", lags)
        return stored_rows(folder / "store.db")


def durable_chains(quick: bool) -> list[Row]:
    """1000 executions of 10 no-op nodes on a SQLite file, each step durable, and lazily so."""
    count, rounds = (20, 2) if quick else (1000, 9)
    definition = chain(LENGTH)
    records = _rows_of(definition, count)
    return [
        each
        for mode in ("step", "lazy")
        for each in _against_log(mode, definition, count, records, rounds)
    ]


def _against_log(
    mode: Mode, definition: pe.ProcessDefinition, count: int, records: list[LogRow], rounds: int
) -> list[Row]:
    lags: list[float] = []
    times = compare(
        functools.partial(_run, definition, count, mode, lags),
        functools.partial(_log, records),
        rounds,
    )
    name = f"{count} x {LENGTH} no-op nodes, {mode}"
    to_log = row(
        name,
        times,
        per=count * LENGTH,
        unit="µs a node",
        scale=1e6,
        yardstick_name="a bare log, batches of 256",
        bar=3.0,
        stretch=2.0,
    )
    lag = Row(
        case=f"{name}: event loop's lag, 99th percentile",
        ours=statistics.quantiles(lags, n=100)[-1] * 1e3,
        unit="ms",
        bar=5.0,
    )
    return [to_log, lag]
