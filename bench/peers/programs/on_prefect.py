# /// script
# dependencies = ["prefect==3.9.1"]
# [tool.bench.memory]
# "Prefect, 3 executions, one after another" = { executions = 3 }
# "Prefect, 3 executions, side by side" = { executions = 3, side_by_side = true }
# ///
"""A chain of tasks as a flow of Prefect, with the server that it starts for itself.

There is no Prefect without a server: here it is the temporary one, its database in memory, the
analytics and the logs sent to it off; results are kept in memory, their default. Asynchronous flows
call tasks directly, as its documentation shows; caching of results is off (`NO_CACHE`).
"""

import asyncio
import gc
import json
import os
import sys
import time
from importlib import import_module
from importlib.metadata import version
from typing import Any

parameters = json.loads(sys.argv[1])
COUNT: int = parameters["executions"]
STEPS: int = parameters["steps"]

os.environ.update(
    PREFECT_HOME=parameters["folder"],
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE="true",
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="120",
    PREFECT_SERVER_DATABASE_CONNECTION_URL=(
        "sqlite+aiosqlite:///file::memory:?cache=shared&uri=true&check_same_thread=false"
    ),
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_LOGGING_TO_API_ENABLED="false",
    PREFECT_LOGGING_LEVEL="CRITICAL",
    PREFECT_LOGGING_SERVER_LEVEL="CRITICAL",
)
os.environ.pop("PREFECT_API_URL", None)
# The types of what is not installed where types are checked are not known.
prefect: Any = import_module("prefect")
cache_policies: Any = import_module("prefect.cache_policies")


async def _give(number: int) -> int:
    return number


give = prefect.task(name="give", cache_policy=cache_policies.NO_CACHE)(_give)


async def _chain() -> list[int]:
    return [await give(number) for number in range(STEPS)]


chain = prefect.flow(name="chain")(_chain)


async def timed() -> tuple[float, int]:
    """Seconds and the total of all values, of the second time."""
    seconds, total = 0.0, 0
    for _ in range(2):
        gc.collect()
        begin = time.perf_counter()
        if parameters.get("side_by_side"):
            values = await asyncio.gather(*(chain() for _ in range(COUNT)))
        else:
            values = [await chain() for _ in range(COUNT)]
        total = sum(map(sum, values))
        seconds = time.perf_counter() - begin
    return seconds, total


seconds, total = asyncio.run(timed())
versions = {"prefect": version("prefect")}
print(json.dumps({"seconds": seconds, "total": total, "versions": versions}))
