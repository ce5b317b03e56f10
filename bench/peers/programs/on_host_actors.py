# /// script
# dependencies = []
# [tool.bench]
# role = "ours"
# [tool.bench.tell]
# "processengine" = {}
# [tool.bench.ask]
# "processengine" = {}
# "processengine, query of an execution" = { query = true }
# ///
"""Messages to actors of this engine under its supervision, and to an execution by its handle.

An execution answers from its memory: message number k asks for the variable of that name.
"""

import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version

import trio

import processengine as pe

parameters = json.loads(sys.argv[1])
COUNT: int = parameters["executions"]
MESSAGES: int = parameters["steps"]


class Adder:
    """Adds up what it is told; answers a number with itself, None with the sum since the last."""

    def __init__(self) -> None:
        self.sum = 0

    def receive(self, message: int | None) -> int:
        """Take a message."""
        if message is None:
            found, self.sum = self.sum, 0
            return found
        self.sum += message
        return message


async def tell(runtime: pe.Runtime) -> Callable[[], Awaitable[int]]:
    """Numbers to actors, which give the sums in the end."""
    actors = [await runtime.actor(f"adder {at}", Adder) for at in range(COUNT)]

    async def once() -> int:
        for actor in actors:
            for number in range(MESSAGES):
                actor.tell(number)
        return sum([await actor.ask(None) for actor in actors])

    return once


async def ask(runtime: pe.Runtime) -> Callable[[], Awaitable[int]]:
    """Numbers to actors, which answer each."""
    actors = [await runtime.actor(f"adder {at}", Adder) for at in range(COUNT)]

    async def once() -> int:
        total = 0
        for actor in actors:
            for number in range(MESSAGES):
                total += await actor.ask(number)
        return total

    return once


async def query(runtime: pe.Runtime) -> Callable[[], Awaitable[int]]:
    """Names to executions that wait, which answer with the variable."""
    builder = pe.ProcessBuilder("waiting")
    builder.wait("go")
    names = [f"v{number}" for number in range(MESSAGES)]
    memory = {name: number for number, name in enumerate(names)}
    handles = [await runtime.spawn(builder.build(), memory) for _ in range(COUNT)]

    async def once() -> int:
        total = 0
        for handle in handles:
            for name in names:
                total += (await handle.query(name))[name]
        return total

    return once


async def timed() -> tuple[float, int]:
    """Seconds and the total of all values, of the second time."""
    seconds, total = 0.0, 0
    work = query if parameters.get("query") else {"tell": tell, "ask": ask}[parameters["work"]]
    async with pe.open_runtime() as runtime:
        once = await work(runtime)
        for _ in range(2):
            gc.collect()
            begin = time.perf_counter()
            total = await once()
            seconds = time.perf_counter() - begin
    return seconds, total


seconds, total = trio.run(timed)
versions = {"processengine": version("processengine")}
print(json.dumps({"seconds": seconds, "total": total, "versions": versions}))
