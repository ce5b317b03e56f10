"""The specification's baselines, measured here; each bar is its number after optimization.

Where it gives a range the bar is the lower end. Its times include the work of its nodes, which it
does not describe; the nodes here do nothing, so that what is measured is the engine's share.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Awaitable, Callable

import trio
import trio.testing

import processengine as pe
from processengine.runtime.definition import RoutingMap

from .. import _baselines as baselines
from .._alone import in_a_process
from .._measure import Row
from ._processes import chain, fork_join, nothing, run_all

Seconds = Callable[[], Awaitable[float]]


def specification(quick: bool) -> list[Row]:
    """Times of what the specification names, then sizes."""
    rounds, count = (2, 20) if quick else (11, 500)
    return [*_times(rounds, count), *_sizes(count)]


def _times(rounds: int, count: int) -> list[Row]:
    node = functools.partial(_a_node, count)
    return [
        _milliseconds(baselines.TIME, 80.0, rounds, functools.partial(_alone, chain(50))),
        _milliseconds(baselines.TIME_WIDE, 80.0, rounds, functools.partial(_alone, fork_join(48))),
        _milliseconds(baselines.RETRY, 200.0, rounds, functools.partial(_a_retry, count)),
        Row(case=baselines.ROUTING, ours=_a_decision(11, rounds), unit="ms", bar=1.0),
        Row(case=baselines.ROUTING_LARGE, ours=_a_decision(10_001, rounds), unit="ms", bar=1.0),
        _milliseconds(baselines.NODE, 10.0, rounds, node),
        _milliseconds(baselines.UPDATE, 1.0, rounds, functools.partial(_an_update, count)),
        _milliseconds(baselines.ERROR, 5.0, rounds, functools.partial(_an_error, count)),
        _milliseconds(baselines.PAUSE, 1.0, rounds, functools.partial(_a_pause, count)),
    ]


def _sizes(count: int) -> list[Row]:
    module = f"{__package__}._sizes"
    return [
        Row(case=case, ours=in_a_process(module, call), unit="bytes", bar=bar)
        for case, call, bar in (
            (baselines.RUNNING, f"running_in_a_row, {count}", 35_000.0),
            (baselines.RUNNING_WIDE, f"running_at_once, {count // 10}", None),
            (baselines.BASE, f"base, {count}", 5_000.0),
            (baselines.PER_NODE, f"per_node, {count}", 1_000.0),
            (baselines.PAUSED, f"paused, {count}", 10_000.0),
            (baselines.PASSIVATED, f"passivated, {count * 4}", 10_000.0),
        )
    ]


def _milliseconds(case: str, bar: float, rounds: int, work: Seconds) -> Row:
    times = [trio.run(work) for _ in range(rounds + 1)]
    return Row(case=case, ours=statistics.median(times[1:]) * 1e3, unit="ms", bar=bar)


async def _alone(definition: pe.ProcessDefinition) -> float:
    """Seconds of one execution, with nothing else to do."""
    return await run_all(definition, 1)


async def _a_node(count: int) -> float:
    return await run_all(chain(10), count) / (count * 10)


async def _fails() -> None:
    raise ConnectionError("busy")


async def _a_retry(count: int) -> float:
    """Seconds of a retry, and of the failure before it; the back-off is none."""
    retries = 10
    process = pe.ProcessBuilder("retried")
    again = pe.Retry(attempts=retries + 1, initial=0.0, jitter="none")
    process.node("fails", _fails, retry=again).on("error").then(process.node("after", nothing))
    return await run_all(process.build(), count) / (count * retries)


async def _an_error(count: int) -> float:
    """Seconds of a node that fails, from its start to that of the node that its failure is for."""
    process = pe.ProcessBuilder("handled")
    node = process.node("fails", _fails, retry=pe.NO_RETRY)
    node.on("error").then(process.node("after", nothing))
    return await run_all(process.build(), count) / count


def _a_decision(length: int, rounds: int) -> float:
    """Milliseconds to find where a token goes next, in a chain of so many nodes."""
    nodes = RoutingMap(chain(length)).nodes[:-1]
    times: list[float] = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for node in nodes:
            assert node.exit("out").targets
        times.append((time.perf_counter() - begin) / len(nodes))
    return statistics.median(times) * 1e3


def _waiting() -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("waiting")
    process.wait("go")
    return process.build()


async def _an_update(count: int) -> float:
    """Seconds of a variable written by a message, from asking to the answer."""
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(_waiting())
        begin = time.perf_counter()
        for number in range(count):
            await handle.update(number=number)
        return (time.perf_counter() - begin) / count


async def _a_pause(count: int) -> float:
    """Seconds of a pause of an execution that waits, from asking to the answer."""
    async with pe.open_runtime(max_concurrent_executions=count) as runtime:
        handles = [await runtime.spawn(_waiting()) for _ in range(count)]
        await trio.testing.wait_all_tasks_blocked()
        begin = time.perf_counter()
        for handle in handles:
            await handle.pause()
        return (time.perf_counter() - begin) / count
