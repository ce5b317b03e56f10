# /// script
# dependencies = ["langgraph==1.2.22", "langgraph-checkpoint-sqlite==3.1.2"]
# [tool.bench.variants]
# "LangGraph" = {}
# "LangGraph, side by side" = { side_by_side = true }
# ///
"""A chain of nodes as a graph of LangGraph with its SQLite checkpointer.

`durability="sync"` is the mode of its documentation in which a step is kept before the next begins;
the checkpointer sets the write-ahead log itself. Runs one after another with `SqliteSaver` are its
fastest way here; `AsyncSqliteSaver`, for asynchronous programs, runs them side by side.
"""

import asyncio
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


def thread(number: int) -> dict[str, Any]:
    """The name under which an execution is kept."""
    return {"configurable": {"thread_id": f"execution {number}"}}


def one_after_another() -> tuple[float, int]:
    """Seconds, and the total of all values."""
    with checkpoints.SqliteSaver.from_conn_string(PATH) as saver:
        graph = chain().compile(checkpointer=saver)
        graph.invoke({"n0": 0}, thread(-1), durability="sync")
        begin = time.perf_counter()
        ends = [graph.invoke({"n0": 0}, thread(at), durability="sync") for at in range(COUNT)]
        return time.perf_counter() - begin, sum(sum(end.values()) for end in ends)


async def side_by_side() -> tuple[float, int]:
    """Seconds, and the total of all values."""
    async with asynchronous.AsyncSqliteSaver.from_conn_string(PATH) as saver:
        graph = chain().compile(checkpointer=saver)
        await graph.ainvoke({"n0": 0}, thread(-1), durability="sync")
        begin = time.perf_counter()
        ends = await asyncio.gather(
            *(graph.ainvoke({"n0": 0}, thread(at), durability="sync") for at in range(COUNT))
        )
        return time.perf_counter() - begin, sum(sum(end.values()) for end in ends)


def main() -> None:
    """Run, and print what was found."""
    if parameters.get("side_by_side"):
        seconds, total = asyncio.run(side_by_side())
    else:
        seconds, total = one_after_another()
    packages = ("langgraph", "langgraph-checkpoint-sqlite")
    versions = {name: version(name) for name in packages} | {"sqlite": sqlite3.sqlite_version}
    print(json.dumps({"seconds": seconds, "total": total, "versions": versions}))


main()
