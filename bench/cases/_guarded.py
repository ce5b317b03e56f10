"""What guards cost: nodes in a group with a breaker and a bulkhead, to nodes in a group without."""

from __future__ import annotations

import logging

import attrs
import trio
import trio.testing

import processengine as pe

from .._measure import Row, compare, on_trio, row
from ._processes import chain, fork_join, nothing, run_all

LENGTH, WIDTH, WIDE = 10, 48, 1_000_000
GUARDED = pe.Group(
    "default", breaker=pe.BreakerPolicy(), bulkhead=pe.Bulkhead(WIDE), retry=pe.Retry(attempts=4)
)
FULL = pe.Group("default", breaker=pe.BreakerPolicy(), bulkhead=pe.Bulkhead(10))


def guarded(definition: pe.ProcessDefinition, group: pe.Group) -> pe.ProcessDefinition:
    """The same process, its default group with guards."""
    return attrs.evolve(definition, groups=(group,))


def guards(quick: bool) -> list[Row]:
    """Chains and a fork-join with guards, to the same without; what it costs to be held back."""
    # Breakers that open are worth a warning, but not here.
    logging.getLogger("processengine").addHandler(logging.NullHandler())
    count, forks, rounds = (20, 5, 2) if quick else (1000, 100, 15)
    line, fork = chain(LENGTH), fork_join(WIDTH)
    return [
        _against_plain(f"{count} x {LENGTH} no-op nodes", line, GUARDED, count, rounds, bar=1.2),
        _against_plain(
            f"{forks} x {WIDTH + 2}-node fork-join", fork, GUARDED, forks, rounds, bar=1.2
        ),
        _against_plain(f"{count} x {LENGTH} no-op nodes, 10 places", line, FULL, count, rounds),
        _held_back("refused, and a node instead", count, rounds, way_out="rejected"),
        _held_back("parked, and let go again", count, rounds, way_out=None),
    ]


def _against_plain(
    name: str,
    plain: pe.ProcessDefinition,
    group: pe.Group,
    count: int,
    rounds: int,
    bar: float | None = None,
) -> Row:
    return row(
        f"{name}, breaker and bulkhead",
        compare(
            on_trio(run_all, guarded(plain, group), count), on_trio(run_all, plain, count), rounds
        ),
        per=count * len(plain.nodes),
        unit="µs a node",
        scale=1e6,
        yardstick_name="the same in a plain group",
        bar=bar,
        stretch=None if bar is None else 1.1,
    )


def _held_back(name: str, count: int, rounds: int, *, way_out: str | None) -> Row:
    process = pe.ProcessBuilder("held-back")
    call = process.node("call", nothing, group=process.group("remote", breaker=pe.BreakerPolicy()))
    if way_out is not None:
        call.on(way_out).then(process.node("instead", nothing))
    return row(
        name,
        compare(
            on_trio(_isolated, process.build(), count), on_trio(run_all, chain(1), count), rounds
        ),
        per=count,
        unit="µs an execution",
        scale=1e6,
        yardstick_name="one node, let through",
    )


async def _isolated(definition: pe.ProcessDefinition, count: int) -> float:
    """As `run_all`, but all find the breaker isolated; what is parked is released by a reset."""
    async with pe.open_runtime(max_concurrent_executions=count, history_limit=1_000_000) as runtime:
        await (await runtime.spawn(definition)).result()
        group = runtime.group("remote")
        group.isolate()
        begin = trio.current_time()
        for _ in range(count):
            await runtime.spawn(definition)
        await trio.testing.wait_all_tasks_blocked()
        group.reset()
        await runtime.wait_all_ended()
        return trio.current_time() - begin
