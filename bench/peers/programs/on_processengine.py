# /// script
# dependencies = []
# [tool.bench.variants]
# "processengine" = { side_by_side = true }
# "processengine, one after another" = { side_by_side = false }
# ///
"""A chain of nodes on this engine; every step is on the disk before the next begins."""

import json
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

import apsw
import trio

import processengine as pe

parameters = json.loads(sys.argv[1])
COUNT: int = parameters["executions"]


def node(number: int) -> Callable[[], Awaitable[int]]:
    """A node that gives its number."""

    async def give() -> int:
        return number

    return give


def chain(steps: int) -> pe.ProcessDefinition:
    """Nodes in a row."""
    builder = pe.ProcessBuilder("chain")
    last = builder.node("n0", node(0))
    for number in range(1, steps):
        last = last.then(builder.node(f"n{number}", node(number)))
    return builder.build()


async def run(definition: pe.ProcessDefinition, path: Path) -> tuple[float, int]:
    """Seconds, and the total of all values."""
    values: list[int] = []

    async def one(runtime: pe.Runtime) -> None:
        end = await (await runtime.spawn(definition)).result()
        values.extend(end.memory.values())

    async with pe.open_runtime(
        store=path, definitions=[definition], durability="step", max_concurrent_executions=COUNT
    ) as runtime:
        await one(runtime)
        values.clear()
        begin = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for _ in range(COUNT):
                if parameters["side_by_side"]:
                    nursery.start_soon(one, runtime)
                else:
                    await one(runtime)
        return time.perf_counter() - begin, sum(values)


seconds, total = trio.run(run, chain(parameters["steps"]), Path(parameters["folder"]) / "store.db")
versions = {"processengine": version("processengine"), "sqlite": apsw.sqlite_lib_version()}
print(json.dumps({"seconds": seconds, "total": total, "versions": versions}))
