# /// script
# dependencies = ["langgraph==1.2.24", "langgraph-checkpoint-sqlite==3.1.2"]
# [tool.bench.durable]
# "LangGraph, one after another" = {}
# "LangGraph, side by side" = { side_by_side = true }
# [tool.bench.memory]
# "LangGraph, one after another" = {}
# "LangGraph, side by side" = { side_by_side = true }
# ///
"""A chain of nodes as a graph of LangGraph, with its SQLite checkpointer or without one.

`durability="sync"` is the mode of its documentation in which a step is kept before the next begins;
the checkpointer sets the write-ahead log itself. Runs one after another use `SqliteSaver`, those
side by side `AsyncSqliteSaver`, which is for asynchronous programs. Without a
checkpointer, which is optional, `invoke` keeps nothing of a run but its state.
"""

import asyncio
import gc
import json
import sqlite3
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

# The types of what is not installed where types are checked are not known.
graphs: Any = import_module("langgraph.graph")
checkpoints: Any = import_module("langgraph.checkpoint.sqlite")
asynchronous: Any = import_module("langgraph.checkpoint.sqlite.aio")
typing_extensions: Any = import_module("typing_extensions")

parameters = json.loads(sys.argv[1])
NAMES = [f"n{number}" for number in range(parameters["steps"])]
COUNT: int = parameters["executions"]
PATH = str(Path(parameters["folder"]) / "langgraph.sqlite")


def node(number: int) -> Callable[[Any], dict[str, int]]:
    """A node that stores its number."""
    return lambda state: {f"n{number}": number}


def chain() -> Any:
    """The graph, with a field of the state for each node."""
    state = typing_extensions.TypedDict("State", dict.fromkeys(NAMES, int), total=False)
    graph = graphs.StateGraph(state)
    before = graphs.START
    for number, name in enumerate(NAMES):
        graph.add_node(f"give {name}", node(number))
        graph.add_edge(before, f"give {name}")
        before = f"give {name}"
    graph.add_edge(before, graphs.END)
    return graph


def options(saver: Any, again: int, number: int) -> dict[str, Any]:
    """How to run an execution; with a checkpointer, under which name and how safely it is kept."""
    if saver is None:
        return {}
    thread = {"thread_id": f"execution {again} {number}"}
    return {"config": {"configurable": thread}, "durability": "sync"}


def one_after_another(saver: Any) -> tuple[float, int]:
    """Seconds and the total of all values, of the second time."""
    graph = chain().compile(checkpointer=saver)
    seconds, total = 0.0, 0
    for again in range(2):
        gc.collect()
        begin = time.perf_counter()
        ends = [graph.invoke({"n0": 0}, **options(saver, again, at)) for at in range(COUNT)]
        total = sum(sum(end.values()) for end in ends)
        seconds = time.perf_counter() - begin
    return seconds, total


async def side_by_side(saver: Any) -> tuple[float, int]:
    """Seconds and the total of all values, of the second time."""
    graph = chain().compile(checkpointer=saver)
    seconds, total = 0.0, 0
    for again in range(2):
        gc.collect()
        begin = time.perf_counter()
        ends = await asyncio.gather(
            *(graph.ainvoke({"n0": 0}, **options(saver, again, at)) for at in range(COUNT))
        )
        total = sum(sum(end.values()) for end in ends)
        seconds = time.perf_counter() - begin
    return seconds, total


async def durably_side_by_side() -> tuple[float, int]:
    """Seconds and the total of all values, of the second time."""
    async with asynchronous.AsyncSqliteSaver.from_conn_string(PATH) as saver:
        return await side_by_side(saver)


def timed() -> tuple[float, int]:
    """Seconds and the total of all values, of the second time."""
    is_durable = parameters["work"] == "durable"
    if parameters.get("side_by_side"):
        return asyncio.run(durably_side_by_side() if is_durable else side_by_side(None))
    if not is_durable:
        return one_after_another(None)
    with checkpoints.SqliteSaver.from_conn_string(PATH) as saver:
        return one_after_another(saver)


def main() -> None:
    """Run, and print what was found."""
    seconds, total = timed()
    packages = ("langgraph", "langgraph-checkpoint-sqlite")
    versions = {name: version(name) for name in packages} | {"sqlite": sqlite3.sqlite_version}
    print(json.dumps({"seconds": seconds, "total": total, "versions": versions}))


main()
