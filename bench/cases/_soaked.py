"""An hour of mixed load in virtual time: `python -m bench.cases._soaked CYCLES EXECUTIONS`.

Each cycle of five minutes begins executions for the first half of it, then leaves them to end; so
many each cycle. When all is quiet, memory and structures are looked at. Prints a line of JSON for
each look, so that what was seen takes no memory here, and one at the end.
"""

from __future__ import annotations

import contextlib
import json
import logging
import random
import sys
from typing import Literal

import attrs
import trio

import processengine as pe
from processengine.runtime.testing import run_virtual

from .._alone import traced
from ._lengths import Lengths, lengths

CYCLE = 300.0
"""Seconds; work for half of it, then quiet."""

DAY = 86_400.0
OPTIONS = pe.Options(
    max_concurrent_executions=50,
    execution_timeout=100.0,
    keep_ended=50,
    passivate_after=5.0,
    state_retention_days=20 / DAY,
    state_cleanup_interval_minutes=0.25,
    block_warning=None,
    seed=0,
)


@attrs.frozen(kw_only=True)
class Look:
    """What was seen at the end of a cycle: memory in bytes, and the lengths of all containers."""

    bytes: int
    lengths: Lengths


@attrs.frozen(kw_only=True)
class Soaked:
    """What has happened in all; `states` counts how the executions have ended.

    `asleep` is how many were only in the store in the middle of a cycle, at most.
    """

    states: dict[str, int]
    asleep: int
    retries: int
    dead_letters: int


class Warehouse:
    """The outside world: a call in five fails, and all of them in the middle of a cycle's work."""

    def __init__(self) -> None:
        self._random = random.Random(1)

    async def reserve(self) -> int:
        """Take a moment; perhaps fail."""
        await trio.sleep(0.2)
        is_down = CYCLE * 0.2 < trio.current_time() % CYCLE < CYCLE * 0.25
        if is_down or self._random.random() < 0.2:
            raise ConnectionError("busy")
        return self._random.randrange(1000)


async def _moment() -> None:
    await trio.sleep(0.05)


async def _twice(item: int) -> int:
    return 2 * item


def definitions() -> list[pe.ProcessDefinition]:
    """Orders in each mode of durability; all with the same node kinds and guards."""
    parcel = pe.ProcessBuilder("parcel")
    parcel.delay("packing", 3.0).then(parcel.node("ship", _moment))
    warehouse, child = Warehouse(), parcel.build()
    return [
        _order(warehouse, child, "step"),
        _order(warehouse, child, "lazy"),
        _order(warehouse, child, "off"),
    ]


def _order(
    warehouse: Warehouse, child: pe.ProcessDefinition, mode: Literal["step", "lazy", "off"]
) -> pe.ProcessDefinition:
    order = pe.ProcessBuilder(f"order-{mode}", durability=mode)
    guarded = order.group(
        "warehouse", breaker=pe.BreakerPolicy(open_seconds=3.0), bulkhead=pe.Bulkhead(10)
    )
    reserve = order.node(
        "reserve", warehouse.reserve, group=guarded, retry=pe.Retry(attempts=3, initial=0.5)
    )
    if mode != "lazy":  # those fail
        reserve.on("error").then(order.node("sorry", _moment))
    every = order.each("lines", _twice, over="lines", concurrency=2, output="doubled")
    approve = order.wait("approve", within=20.0)
    reserve.then(every).then(order.delay("cooling", 8.0)).then(approve)
    approve.on("timeout").then(order.node("late", _moment))
    approve.then(order.process("parcel", child))
    return order.build()


async def soak(cycles: int, executions: int) -> Soaked:
    """Run so many cycles, and as many executions in each."""
    store = pe.MemoryStore(clock=trio.lowlevel.current_clock().current_time)
    kinds, draws = definitions(), random.Random(2)
    async with pe.open_runtime(
        OPTIONS, store=store, definitions=kinds, wall_clock=trio.current_time
    ) as runtime:
        traced()
        asleep = 0
        for cycle in range(1, cycles + 1):
            async with trio.open_nursery() as nursery:
                for _ in range(executions):
                    nursery.start_soon(_customer, runtime, draws.choice(kinds), draws.random())
                await trio.sleep(CYCLE / 2)
                asleep = max(asleep, runtime.metrics().sleeping)
            await trio.sleep(cycle * CYCLE - trio.current_time())
            _print(Look(bytes=traced(), lengths=lengths(runtime)))
        metrics = runtime.metrics()
    return Soaked(
        states=dict(metrics.executions),
        asleep=asleep,
        retries=metrics.retries,
        dead_letters=sum(metrics.dead_letters.values()),
    )


async def _customer(runtime: pe.Runtime, kind: pe.ProcessDefinition, draw: float) -> None:
    """Order something some time, and do with the order what customers do."""
    chance = random.Random(draw)
    await trio.sleep(chance.random() * CYCLE / 2)
    order = await runtime.spawn(kind, {"lines": [1, 2, 3]})
    await trio.sleep(chance.random() * 12)
    await chance.choice([_approve, _approve, _cancel, _pause, _change, _watch, _leave])(order)


async def _approve(order: pe.ActorHandle) -> None:
    try:
        await order.signal("approve", {"by": "somebody"})
    except pe.ActorGone:
        return  # it has ended already: a dead letter
    await order.result()
    # Too late on purpose: the dead letters, of which the latest are kept, are soon as many as kept.
    with contextlib.suppress(pe.ActorGone):
        await order.signal("approve")


async def _cancel(order: pe.ActorHandle) -> None:
    await order.cancel("changed my mind")


async def _pause(order: pe.ActorHandle) -> None:
    await order.pause("interrupt")
    await trio.sleep(7.0)
    await order.resume()
    await _approve(order)


async def _change(order: pe.ActorHandle) -> None:
    with contextlib.suppress(pe.ActorGone):
        await order.update(note="in a hurry")


async def _watch(order: pe.ActorHandle) -> None:
    async for _ in order.watch():
        pass


async def _leave(_: pe.ActorHandle) -> None:
    """Forget about it: the wait times out."""


def main() -> None:
    """Run what the command line says, and print what was seen."""
    logging.getLogger("processengine").addHandler(logging.NullHandler())
    cycles, executions = map(int, sys.argv[1:])
    _print(run_virtual(soak, cycles, executions))


def _print(seen: Look | Soaked) -> None:
    print(json.dumps(attrs.asdict(seen)), flush=True)


if __name__ == "__main__":
    main()
