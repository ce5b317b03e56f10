"""The specification's "Performance Baselines", and where our figures for them are measured."""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class Baseline:
    """One of its lines: what it says, before and after its optimizations, and our cases for it."""

    what: str
    before: str
    after: str
    cases: tuple[str, ...]


NODE: Final = "specification: a node beyond its own work"
ROUTING: Final = "specification: routing, a decision among 10 connections"
ROUTING_LARGE: Final = "specification: routing, a decision among 10,000 connections"
UPDATE: Final = "specification: memory update"
ERROR: Final = "specification: error handling, to the next node"
PAUSE: Final = "specification: pause, asked to acknowledged"
BASE: Final = "specification: base execution, with history"
PER_NODE: Final = "specification: each node that has run, with history"
PAUSED: Final = "specification: paused execution in memory"
PASSIVATED: Final = "specification: paused execution, passivated"
RUNNING: Final = "specification: running 50-node execution, in a row"
RUNNING_WIDE: Final = "specification: running 50-node execution, 48 at once, with their tasks"
TIME: Final = "specification: execution of 50 nodes in a row"
TIME_WIDE: Final = "specification: execution of a 50-node fork-join"
RETRY: Final = "specification: a retry beyond its back-off"

BASELINES: Final = (
    Baseline("Execution time (50 nodes)", "150 ms", "80 ms", (TIME, TIME_WIDE)),
    Baseline("Memory per execution (50 nodes)", "50 to 55 kB", "35 kB", (RUNNING, RUNNING_WIDE)),
    Baseline("Error retry overhead", "500 ms", "200 ms", (RETRY,)),
    Baseline("Routing time", "1 to 10 ms", "< 1 ms", (ROUTING, ROUTING_LARGE)),
    Baseline("Node execution", "10 to 100 ms", "", (NODE,)),
    Baseline("Memory update", "< 1 ms", "", (UPDATE,)),
    Baseline("Error handling", "5 to 50 ms", "", (ERROR,)),
    Baseline("Pause check", "< 1 ms", "", (PAUSE,)),
    Baseline("Base execution", "5 kB", "", (BASE,)),
    Baseline("Per node", "1 kB", "", (PER_NODE,)),
    Baseline("State of a paused execution", "10 to 50 kB", "", (PAUSED, PASSIVATED)),
)
"""Its table of before and after first, then what only its table of baselines names."""
