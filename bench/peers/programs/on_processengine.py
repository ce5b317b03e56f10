# /// script
# dependencies = []
# [tool.bench]
# role = "ours"
# [tool.bench.durable]
# "processengine, side by side" = { side_by_side = true }
# "processengine, one after another" = { side_by_side = false }
# [tool.bench.memory]
# "processengine, side by side" = { side_by_side = true }
# "processengine, one after another" = { side_by_side = false }
# ///
"""A chain of nodes on this engine, as its options are by default: history on.

With a store every step is on the disk before the next begins.
"""

import gc
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


def store() -> Path | None:
    """The file, if there is to be one."""
    return Path(parameters["folder"]) / "store.db" if parameters["work"] == "durable" else None


async def ends(runtime: pe.Runtime, definition: pe.ProcessDefinition) -> list[pe.Outcome]:
    """How as many executions as are wanted have ended."""
    if parameters["side_by_side"]:
        handles = await runtime.spawn_many(definition, [None] * COUNT)
        return [await handle.result() for handle in handles]
    return [await (await runtime.spawn(definition)).result() for _ in range(COUNT)]


async def run(definition: pe.ProcessDefinition) -> tuple[float, int]:
    """Seconds and the total of all values, of the second time."""
    seconds, total = 0.0, 0
    async with pe.open_runtime(
        store=store(), definitions=[definition], max_concurrent_executions=COUNT
    ) as runtime:
        for _ in range(2):
            gc.collect()
            begin = time.perf_counter()
            total = sum(sum(end.memory.values()) for end in await ends(runtime, definition))
            seconds = time.perf_counter() - begin
    return seconds, total


seconds, total = trio.run(run, chain(parameters["steps"]))
versions = {"processengine": version("processengine")}
if parameters["work"] == "durable":
    versions["sqlite"] = apsw.sqlite_lib_version()
print(json.dumps({"seconds": seconds, "total": total, "versions": versions}))
