# /// script
# dependencies = ["spiffworkflow==3.2.0"]
# [tool.bench.memory]
# "SpiffWorkflow, one after another" = {}
# ///
"""A chain of tasks as a workflow of SpiffWorkflow, on its core library.

The core's own task specifications run functions without the engine for scripts that its BPMN part,
which is built on the core, puts in between. Its loggers are set to warnings: below the level of
information they collect every task's data for each line of the log, wanted or not. It keeps the
tree of all tasks. There is no asynchronous way; executions run one after another.
"""

import gc
import json
import logging
import sys
import time
from importlib import import_module
from importlib.metadata import version
from typing import Any

# The types of what is not installed where types are checked are not known.
specs: Any = import_module("SpiffWorkflow.specs")
SimpleTask: Any = import_module("SpiffWorkflow.specs.Simple").Simple
WorkflowSpec: Any = import_module("SpiffWorkflow.specs.WorkflowSpec").WorkflowSpec
Workflow: Any = import_module("SpiffWorkflow.workflow").Workflow

parameters = json.loads(sys.argv[1])
COUNT: int = parameters["executions"]
NAMES = [f"n{number}" for number in range(parameters["steps"])]

for logger in ("spiff.task", "spiff.workflow"):
    logging.getLogger(logger).setLevel(logging.WARNING)


class Give(SimpleTask):  # type: ignore[misc]  # not installed here
    """A task that stores its number."""

    number = 0

    def _run_hook(self, my_task: Any) -> bool:
        my_task.data[self.name] = self.number
        return True


def chain() -> Any:
    """The specification: tasks in a row."""
    spec = WorkflowSpec("chain", addstart=True)
    last = spec.start
    for number, name in enumerate(NAMES):
        task = Give(spec, name)
        task.number = number
        last.connect(task)
        last = task
    return spec


SPEC = chain()


def total() -> int:
    """Run once; what the values add up to."""
    workflow = Workflow(SPEC)
    workflow.run_all()
    return sum(workflow.last_task.data[name] for name in NAMES)


seconds, values = 0.0, 0
for _ in range(2):
    gc.collect()
    begin = time.perf_counter()
    values = sum(total() for _ in range(COUNT))
    seconds = time.perf_counter() - begin
versions = {"spiffworkflow": version("spiffworkflow")}
print(json.dumps({"seconds": seconds, "total": values, "versions": versions}))
