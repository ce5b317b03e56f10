# /// script
# dependencies = []
# [tool.bench]
# role = "yardstick"
# [tool.bench.memory]
# "by hand on asyncio" = {}
# [tool.bench.tell]
# "asyncio.Queue, one way" = {}
# [tool.bench.ask]
# "asyncio.Queue, there and back" = {}
# ///
"""The same work written by hand on asyncio: a task for each execution, or for each receiver."""

import asyncio
import gc
import json
import platform
import sys
import time
from collections.abc import Awaitable, Callable

parameters = json.loads(sys.argv[1])
COUNT: int = parameters["executions"]
STEPS: int = parameters["steps"]


def give(number: int) -> Callable[[], Awaitable[int]]:
    """A step that gives its number."""

    async def step() -> int:
        return number

    return step


CHAIN = [(f"n{number}", give(number)) for number in range(STEPS)]


async def one() -> int:
    """One execution; what its values add up to."""
    values: dict[str, int] = {}
    for name, step in CHAIN:
        values[name] = await step()
    return sum(values.values())


async def memory() -> int:
    """A task for each execution."""
    return sum(await asyncio.gather(*(asyncio.create_task(one()) for _ in range(COUNT))))


async def tell() -> int:
    """Messages to one task after the other, which adds them up."""
    return sum([await told() for _ in range(COUNT)])


async def told() -> int:
    """What one receiver's messages add up to."""
    queue: asyncio.Queue[int] = asyncio.Queue()

    async def receive() -> int:
        return sum([await queue.get() for _ in range(STEPS)])

    task = asyncio.create_task(receive())
    for number in range(STEPS):
        queue.put_nowait(number)
    return await task


async def ask() -> int:
    """Questions to one task after the other, each answered before the next."""
    return sum([await answered() for _ in range(COUNT)])


async def answered() -> int:
    """What one receiver's answers add up to."""
    there: asyncio.Queue[int] = asyncio.Queue()
    back: asyncio.Queue[int] = asyncio.Queue()

    async def answer() -> None:
        for _ in range(STEPS):
            back.put_nowait(await there.get())

    task = asyncio.create_task(answer())
    total = 0
    for number in range(STEPS):
        there.put_nowait(number)
        total += await back.get()
    await task
    return total


async def timed() -> tuple[float, int]:
    """Seconds and the total of all values, of the second time."""
    work = {"memory": memory, "tell": tell, "ask": ask}[parameters["work"]]
    seconds, total = 0.0, 0
    for _ in range(2):
        gc.collect()
        begin = time.perf_counter()
        total = await work()
        seconds = time.perf_counter() - begin
    return seconds, total


seconds, total = asyncio.run(timed())
versions = {"python": platform.python_version()}
print(json.dumps({"seconds": seconds, "total": total, "versions": versions}))
