# /// script
# dependencies = ["pydantic-graph==2.68.0"]
# [tool.bench.memory]
# "pydantic-graph, one after another" = {}
# "pydantic-graph, side by side" = { side_by_side = true }
# ///
"""A chain of steps as a graph of pydantic-graph, made with its `GraphBuilder`.

The state is one object that all steps change, as its documentation shows. Its spans for tracing are
off (`auto_instrument=False`), the faster of both settings. Steps are asynchronous only.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from importlib.metadata import version
from itertools import pairwise
from typing import Any

# The types of what is not installed where types are checked are not known.
pydantic_graph: Any = import_module("pydantic_graph")

parameters = json.loads(sys.argv[1])
COUNT: int = parameters["executions"]
NAMES = [f"n{number}" for number in range(parameters["steps"])]
State = dict[str, int]


def give(number: int) -> Callable[[Any], Awaitable[None]]:
    """A step that stores its number."""

    async def step(context: Any) -> None:
        context.state[NAMES[number]] = number

    return step


def chain() -> Any:
    """The graph: steps in a row."""
    builder = pydantic_graph.GraphBuilder(
        name="chain", state_type=State, output_type=type(None), auto_instrument=False
    )
    steps = [builder.step(give(number), node_id=name) for number, name in enumerate(NAMES)]
    nodes = [builder.start_node, *steps, builder.end_node]
    for source, target in pairwise(nodes):
        builder.add(builder.edge_from(source).to(target))
    return builder.build()


async def total(graph: Any) -> int:
    """Run once; what the values add up to."""
    state: State = {}
    await graph.run(state=state)
    return sum(state.values())


async def timed() -> tuple[float, int]:
    """Seconds and the total of all values, of the second time."""
    graph = chain()
    seconds, found = 0.0, 0
    for _ in range(2):
        gc.collect()
        begin = time.perf_counter()
        if parameters.get("side_by_side"):
            found = sum(await asyncio.gather(*(total(graph) for _ in range(COUNT))))
        else:
            found = sum([await total(graph) for _ in range(COUNT)])
        seconds = time.perf_counter() - begin
    return seconds, found


seconds, values = asyncio.run(timed())
versions = {"pydantic-graph": version("pydantic-graph")}
print(json.dumps({"seconds": seconds, "total": values, "versions": versions}))
