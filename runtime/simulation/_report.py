"""What a simulation tells: every run of a node function, and what follows from them."""

from __future__ import annotations

import itertools
from typing import Literal

import attrs

from .. import Outcome
from ..execution import EndState

RunOutcome = Literal["completed", "failed", "cancelled"]


@attrs.frozen
class TaskRun:
    """One attempt of one node function: virtual seconds since the execution was spawned.

    `execution` tells those of child executions apart; `item` is that of an each node.
    """

    execution: str
    node: str
    step: int
    attempt: int
    item: int | None
    started: float
    ended: float
    outcome: RunOutcome

    @property
    def duration(self) -> float:
        """Seconds from start to end."""
        return self.ended - self.started


@attrs.frozen
class PathStep:
    """One step on the longest way: the seconds from its start to its end."""

    node: str
    step: int
    seconds: float


@attrs.frozen(kw_only=True)
class SimulationReport:
    """How a simulated execution went; all times are virtual seconds.

    `runs` are in order of their ends. `path` is the longest way through the steps that were
    executed, by their measured durations (waits and back-offs included, queueing before them not).
    """

    definition: str
    workers: int | None
    outcome: Outcome = attrs.field(repr=False)
    runs: tuple[TaskRun, ...] = attrs.field(repr=False)
    path: tuple[PathStep, ...] = attrs.field(repr=False)

    @property
    def state(self) -> EndState:
        """How the execution ended."""
        return self.outcome.state

    @property
    def makespan(self) -> float:
        """Seconds from spawn to end."""
        return self.outcome.duration

    @property
    def critical_path(self) -> float:
        """The length of `path`: no number of workers could have been quicker."""
        return sum(step.seconds for step in self.path)

    @property
    def tasks(self) -> int:
        """How many steps ran a function; an item of an each node counts as one."""
        return len({(run.execution, run.step) for run in self.runs})

    @property
    def attempts(self) -> int:
        """How often a function was run."""
        return len(self.runs)

    @property
    def peak_concurrency(self) -> int:
        """How many functions ran at once at most; one that takes no time is beside none."""
        starts = [(run.started, 1) for run in self.runs]
        ends = [(run.ended, -1) for run in self.runs]
        levels = itertools.accumulate(change for _, change in sorted(starts + ends))
        return max(levels, default=0) or min(1, len(self.runs))

    @property
    def busy(self) -> float:
        """Seconds that all functions took together."""
        return sum(run.duration for run in self.runs)

    @property
    def utilisation(self) -> float:
        """The share of their time that workers were busy, from 0 to 1.

        Where there was no bound, as many workers count as were needed at the peak.
        """
        offered = (self.workers or self.peak_concurrency) * self.makespan
        return self.busy / offered if offered else 0.0
