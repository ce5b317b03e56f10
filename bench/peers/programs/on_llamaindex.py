# /// script
# dependencies = ["llama-index-workflows==2.26.1"]
# [tool.bench.memory]
# "LlamaIndex Workflows, one after another" = {}
# "LlamaIndex Workflows, side by side" = { side_by_side = true }
# ///
"""A chain of steps as a workflow of LlamaIndex, each step with an event of its own to the next.

Values travel in the events; they could be in the store of the context as well. One workflow object
serves all runs; a run in its basic runtime, the default, has no persistence. The check of the
workflow stays on (its documentation does not recommend `disable_validation`); what it found the
first time is kept for the runs that follow.
"""

import asyncio
import gc
import json
import sys
import time
from importlib import import_module
from importlib.metadata import version
from typing import Any

# The types of what is not installed where types are checked are not known.
workflows: Any = import_module("workflows")
events: Any = import_module("workflows.events")

parameters = json.loads(sys.argv[1])
COUNT: int = parameters["executions"]
STEPS: int = parameters["steps"]


def between(number: int) -> Any:
    """The type of the event that begins step `number`."""
    if number == 0:
        return events.StartEvent
    if number == STEPS:
        return events.StopEvent
    return type(f"E{number}", (events.Event,), {"__annotations__": {"kept": dict[str, int]}})


EVENTS = [between(number) for number in range(STEPS + 1)]


Chain: Any = type("Chain", (workflows.Workflow,), {})


def add_step(number: int) -> None:
    """Give the workflow a step that stores its number and hands on what is stored."""
    following = EVENTS[number + 1]
    result = "result" if number == STEPS - 1 else "kept"

    async def give(ev: Any) -> Any:
        values: dict[str, int] = {} if number == 0 else ev.kept
        values[f"n{number}"] = number
        return following(**{result: values})

    give.__name__ = f"n{number}"
    give.__annotations__ = {"ev": EVENTS[number], "return": following}
    workflows.step(workflow=Chain)(give)


for at in range(STEPS):
    add_step(at)


async def total(workflow: Any) -> int:
    """Run once; what the values add up to."""
    return sum((await workflow.run()).values())


async def timed() -> tuple[float, int]:
    """Seconds and the total of all values, of the second time."""
    workflow = Chain()
    seconds, found = 0.0, 0
    for _ in range(2):
        gc.collect()
        begin = time.perf_counter()
        if parameters.get("side_by_side"):
            found = sum(await asyncio.gather(*(total(workflow) for _ in range(COUNT))))
        else:
            found = sum([await total(workflow) for _ in range(COUNT)])
        seconds = time.perf_counter() - begin
    return seconds, found


seconds, values = asyncio.run(timed())
versions = {"llama-index-workflows": version("llama-index-workflows")}
print(json.dumps({"seconds": seconds, "total": values, "versions": versions}))
