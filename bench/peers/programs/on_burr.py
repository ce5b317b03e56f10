# /// script
# dependencies = ["apache-burr==0.43.0"]
# [tool.bench.memory]
# "Burr, one after another" = {}
# "Burr, side by side" = { side_by_side = true }
# ///
"""A chain of actions as an application of Burr, without tracker and persister.

The graph is built once and given to every application: what `GraphBuilder` and `with_graph` are for
by their documentation. What an application keeps is its state; hooks, tracking and persistence are
only there if asked for, and they are not. `run` is its synchronous way, `arun` the other.
"""

import asyncio
import gc
import json
import sys
import time
from importlib import import_module
from importlib.metadata import version
from itertools import pairwise
from typing import Any

# The types of what is not installed where types are checked are not known.
core: Any = import_module("burr.core")
graphs: Any = import_module("burr.core.graph")

parameters = json.loads(sys.argv[1])
COUNT: int = parameters["executions"]
NAMES = [f"n{number}" for number in range(parameters["steps"])]
LAST = NAMES[-1]


def give(number: int) -> Any:
    """An action that stores its number."""
    name = NAMES[number]

    def synchronous(state: Any) -> Any:
        return state.update(**{name: number})

    async def asynchronous(state: Any) -> Any:
        return state.update(**{name: number})

    chosen = asynchronous if parameters.get("side_by_side") else synchronous
    return core.action(reads=[], writes=[name])(chosen)


actions = {name: give(number) for number, name in enumerate(NAMES)}
builder = graphs.GraphBuilder().with_actions(**actions)
graph = builder.with_transitions(*pairwise(NAMES)).build()


def application() -> Any:
    """One execution."""
    return core.ApplicationBuilder().with_graph(graph).with_entrypoint(NAMES[0]).build()


def total(state: Any) -> int:
    """What the values of one execution add up to."""
    return sum(state[name] for name in NAMES)


def one_after_another() -> int:
    """The total of all values."""
    return sum(total(application().run(halt_after=[LAST])[2]) for _ in range(COUNT))


async def side_by_side() -> int:
    """The total of all values."""
    runs = (application().arun(halt_after=[LAST]) for _ in range(COUNT))
    return sum(total(state) for _, _, state in await asyncio.gather(*runs))


async def timed() -> tuple[float, int]:
    """Seconds and the total of all values, of the second time."""
    seconds, found = 0.0, 0
    for _ in range(2):
        gc.collect()
        begin = time.perf_counter()
        found = await side_by_side() if parameters.get("side_by_side") else one_after_another()
        seconds = time.perf_counter() - begin
    return seconds, found


seconds, values = asyncio.run(timed())
versions = {"apache-burr": version("apache-burr")}
print(json.dumps({"seconds": seconds, "total": values, "versions": versions}))
