"""Runs whose instructions are counted from outside: `python -m bench.cases._counted SHARE`.

`SHARE` is the part of the full size that is run. Between the runs it marks where one ends, by a
call that nothing else makes. Alike every time: the clock stands still, though it passes for a real
one, so that time slices end by their number of jobs; chance is seeded; the garbage collector is
off.
"""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Callable
from unittest import mock

import attrs
import trio

import processengine as pe

from ._guarded import GUARDED, guarded
from ._processes import chain, fork_join

MARK = "getppid"
"""The function of the C library by which a run is marked."""


@attrs.frozen
class Counted:
    """A process, how many executions of it are run at first (then twice as many), and where to."""

    name: str
    unit: str
    definition: pe.ProcessDefinition
    executions: int
    parts: int
    store: Callable[[], pe.Store | None] = lambda: None

    def executions_at(self, share: float) -> int:
        """How many are run at first, of a part of the full size."""
        return max(1, round(self.executions * share))


COUNTED = [
    Counted("10 no-op nodes in a row", "a node", chain(10), 500, 10),
    Counted("the same, breaker and bulkhead", "a node", guarded(chain(10), GUARDED), 500, 10),
    Counted("50-node fork-join, no-op", "a node", fork_join(48), 50, 50),
    Counted("execution of one node, spawned to ended", "each", chain(1), 1000, 1),
    Counted("10 no-op nodes, step, in memory", "a node", chain(10), 100, 10, pe.MemoryStore),
]


class StillClock(trio.abc.Clock):
    """It is always the same moment."""

    def start_clock(self) -> None:
        """There is nothing to start."""

    def current_time(self) -> float:
        """The moment."""
        return 0.0

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Seconds until a deadline, were it to come."""
        return max(0.0, deadline)


async def run(counted: Counted, executions: int) -> None:
    """Run so many executions side by side, as `bench.cases._processes.run_all` does."""
    options = pe.Options(
        max_concurrent_executions=executions,
        history_limit=1_000_000,
        block_warning=None,
        passivate_after=None,
        seed=0,
    )
    async with pe.open_runtime(
        options, store=counted.store(), definitions=[counted.definition]
    ) as runtime:
        for _ in range(executions):
            await runtime.spawn(counted.definition)
        await runtime.wait_all_ended()


def main() -> None:
    """Run each once to warm up, then once and twice its executions, each between two marks."""
    share = float(sys.argv[1])
    gc.disable()
    for counted in COUNTED:
        once = counted.executions_at(share)
        for executions in (once, once, 2 * once):
            with (
                mock.patch("trio._core._run._r", random.Random(0)),
                mock.patch("processengine.runtime._groups.is_time_real", return_value=True),
            ):
                trio.run(run, counted, executions, clock=StillClock())
            os.getppid()


if __name__ == "__main__":
    main()
