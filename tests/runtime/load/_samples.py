"""Reports made up for what is decided about them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import attrs

import processengine as pe
from processengine.loadtest import Figures, LoadReport, Scenario, ScenarioReport, Setup, Spread

MACHINE = {"processor": "any", "cores": "2", "load at the start": "0.1"}


def figures(
    *,
    executions: int = 100,
    failed: int = 0,
    seconds: float = 1.0,
    cpu: float = 0.1,
    duration: float | None = 0.1,
    commit: float | None = None,
) -> Figures:
    """A round whose durations are all about the same."""
    spread = None
    if duration is not None:
        worst = duration * 1.5
        spread = Spread(executions, duration, duration, duration * 1.2, duration * 1.3, worst)
    return Figures(
        executions=executions,
        failed=failed,
        refused=0,
        seconds=seconds,
        cpu_seconds=cpu,
        durations=spread,
        commit_seconds=commit,
    )


def scenario_report(
    rounds: Sequence[Figures],
    *,
    name: str = "some",
    executions: int = 100,
    total: Figures | None = None,
    alone: float = 0.05,
    memory: float = 2000.0,
    store: float | None = None,
) -> ScenarioReport:
    """A scenario with these rounds."""
    options = {"max_concurrent_executions": 100, "keep_ended": 1000}
    setup = Setup("some v1", 10, "noop", executions, None, False, None, options)
    return ScenarioReport(
        name=name,
        setup=setup,
        total=total or rounds[0],
        rounds=tuple(rounds),
        alone=alone,
        memory_per_execution=memory,
        store_per_execution=store,
        verdicts=(),
        curve=((0.5, 0.1), (1.0, 0.2)),
        errors={},
    )


def load_report(*scenarios: ScenarioReport) -> LoadReport:
    """A report of these scenarios."""
    return LoadReport(1, MACHINE, 50_000_000, scenarios)


def noisy_rounds(random: Random, count: int, *, slower: float = 1.0) -> list[Figures]:
    """Rounds as a shared machine gives them: a tenth up or down, and one in ten twice as long."""
    rounds: list[Figures] = []
    for _ in range(count):
        noise = random.gauss(1.0, 0.1) * (2.0 if random.random() < 0.1 else 1.0)
        factor = max(0.5, noise) * slower
        rounds.append(figures(seconds=factor, cpu=0.1 * factor, duration=0.1 * factor))
    return rounds


async def nothing() -> None:
    """A node that does nothing."""


def small(**changes: Any) -> Scenario:
    """Five executions of two nodes."""
    process = pe.ProcessBuilder("small")
    process.node("a", nothing).then(process.node("b", nothing))
    return attrs.evolve(Scenario(name="small", definition=process.build(), executions=5), **changes)
