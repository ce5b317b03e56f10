"""Processes in virtual time: how long would it take, where is the longest way, who is idle.

Runs the real engine under a clock that jumps, with node functions replaced by stand-ins; it is no
model of the engine. Start reading at `_simulate`, then `_stage`.
"""

from ._errors import SimulationInTrio, StuckSimulation, UnfitDurations
from ._moment import Moment, moment_of
from ._report import PathStep, SimulationReport, TaskRun
from ._simulate import simulate

__all__ = [
    "Moment",
    "PathStep",
    "SimulationInTrio",
    "SimulationReport",
    "StuckSimulation",
    "TaskRun",
    "UnfitDurations",
    "moment_of",
    "simulate",
]
