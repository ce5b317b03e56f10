# /// script
# dependencies = []
# [tool.bench]
# role = "yardstick"
# [tool.bench.memory]
# "by hand on trio" = {}
# ///
"""A chain of functions written by hand on trio: a task for each execution, nothing recorded."""

import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version

import trio

parameters = json.loads(sys.argv[1])
COUNT: int = parameters["executions"]


def give(number: int) -> Callable[[], Awaitable[int]]:
    """A step that gives its number."""

    async def step() -> int:
        return number

    return step


CHAIN = [(f"n{number}", give(number)) for number in range(parameters["steps"])]


async def total() -> int:
    """The total of all values."""
    ends: list[dict[str, int]] = []

    async def one() -> None:
        values: dict[str, int] = {}
        for name, step in CHAIN:
            values[name] = await step()
        ends.append(values)

    async with trio.open_nursery() as nursery:
        for _ in range(COUNT):
            nursery.start_soon(one)
    return sum(sum(values.values()) for values in ends)


async def timed() -> tuple[float, int]:
    """Seconds and the total of all values, of the second time."""
    seconds, found = 0.0, 0
    for _ in range(2):
        gc.collect()
        begin = time.perf_counter()
        found = await total()
        seconds = time.perf_counter() - begin
    return seconds, found


seconds, values = trio.run(timed)
versions = {"trio": version("trio")}
print(json.dumps({"seconds": seconds, "total": values, "versions": versions}))
