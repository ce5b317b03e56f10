# /// script
# dependencies = ["dbos==3.4.0"]
# [tool.bench.durable]
# "DBOS, one after another" = {}
# "DBOS, side by side" = { side_by_side = true }
# "DBOS, write-ahead log, one after another" = { journal = "wal" }
# "DBOS, write-ahead log, side by side" = { journal = "wal", side_by_side = true }
# ///
"""A chain of steps as a workflow of DBOS on a SQLite file.

Its documentation names the file in `system_database_url` and leaves the rest to it; it then keeps
SQLite's default journal. The journal mode stays with the file, so it can be set before. That is not
in its documentation, which recommends Postgres for production. Workflows are called one after
another, or begun by `start_workflow`, which runs them side by side in threads that write to the one
file in turn.
"""

import gc
import json
import sqlite3
import sys
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

# The types of what is not installed where types are checked are not known.
DBOS: Any = import_module("dbos").DBOS

parameters = json.loads(sys.argv[1])
STEPS: int = parameters["steps"]
COUNT: int = parameters["executions"]


def _give(number: int) -> int:
    return number


step = DBOS.step(name="give")(_give)


def _chain() -> list[int]:
    return [step(number) for number in range(STEPS)]


chain = DBOS.workflow(name="chain")(_chain)


def one_after_another() -> int:
    """The total of all values."""
    return sum(sum(chain()) for _ in range(COUNT))


def side_by_side() -> int:
    """The total of all values."""
    handles = [DBOS.start_workflow(chain) for _ in range(COUNT)]
    return sum(sum(handle.get_result()) for handle in handles)


def main() -> None:
    """Run, and print what was found."""
    path = Path(parameters["folder"]) / "dbos.sqlite"
    if "journal" in parameters:
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA journal_mode={parameters['journal']}")
        connection.close()
    DBOS(
        config={
            "name": "bench-peers",
            "system_database_url": f"sqlite:///{path}",
            "log_level": "WARNING",
        }
    )
    DBOS.launch()
    seconds, total = 0.0, 0
    for _ in range(2):
        gc.collect()
        begin = time.perf_counter()
        total = side_by_side() if parameters.get("side_by_side") else one_after_another()
        seconds = time.perf_counter() - begin
    DBOS.destroy()
    versions = {"dbos": version("dbos"), "sqlite": sqlite3.sqlite_version}
    print(json.dumps({"seconds": seconds, "total": total, "versions": versions}))


main()
