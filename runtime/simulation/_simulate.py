"""The simulation itself: a runtime under a clock that jumps to whatever happens next."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import trio

from .. import NodeStatus, Outcome, Status, open_runtime
from ..definition import ProcessDefinition, Wait, check_inputs, recorded_durations
from ._errors import SimulationInTrio, StuckSimulation, UnfitDurations
from ._paths import Paths
from ._report import SimulationReport
from ._stage import Stage, duration_faults
from ._turnstile import Turnstile

HORIZON = 1e10
"""Seconds after which nothing is expected any more: three hundred years."""


def simulate(
    definition: ProcessDefinition,
    workers: int | None = None,
    durations: Mapping[str, float] | None = None,
    seed: int = 0,
    *,
    inputs: Mapping[str, Any] | None = None,
    signals: Iterable[tuple[str, Any]] = (),
) -> SimulationReport:
    """Run one execution in virtual time with at most `workers` functions at once (None: no bound).

    A node in `durations` takes so many seconds in place of calling its function, and has no result;
    recorded workflows bring their own durations. Other functions are called: `trio.sleep` in them
    is virtual, a plain `def` takes no time at all. `signals` are sent at the start and kept until
    they are waited for. The same `seed` gives the same report.

    Blocks, and runs an event loop of its own: from a trio or asyncio task call it in a thread.
    Raises `SimulationInTrio`, `UnfitDurations`, `InputError`, and `StuckSimulation` if the
    execution waits for ever.
    """
    if trio.lowlevel.in_trio_run():
        raise SimulationInTrio
    faults = tuple(duration_faults(definition, durations or {}))
    if faults:
        raise UnfitDurations(str(definition), faults)
    seconds = {**recorded_durations(definition), **(durations or {})}
    given = check_inputs(definition, inputs or {})
    play = _Play(definition, workers, seconds, seed, given, tuple(signals))
    from trio.testing import MockClock  # here, as it imports pytest where that is installed: 0.2 s

    return trio.run(play.perform, clock=MockClock(autojump_threshold=0))


@attrs.frozen
class _Play:
    """One simulation, ready to run."""

    definition: ProcessDefinition
    workers: int | None
    durations: Mapping[str, float]
    seed: int
    inputs: Mapping[str, Any]
    signals: tuple[tuple[str, Any], ...]

    async def perform(self) -> SimulationReport:
        turnstile = Turnstile(self.seed)
        trio.lowlevel.spawn_system_task(turnstile.run)
        stage, paths = Stage(self.durations, turnstile), Paths(self.definition)
        outcome = await self._execute(stage.staged(self.definition), paths)
        return SimulationReport(
            definition=str(self.definition),
            workers=self.workers,
            outcome=attrs.evolve(outcome, process=self.definition),
            runs=tuple(stage.runs),
            path=paths.longest(),
        )

    async def _execute(self, definition: ProcessDefinition, paths: Paths) -> Outcome:
        async with open_runtime(
            worker_pool_size=self.workers,
            execution_timeout=None,
            history_limit=0,
            seed=self.seed,
        ) as runtime:
            handle = await runtime.spawn(definition, self.inputs, id=definition.id)
            watch = handle.watch(sys.maxsize)
            for name, payload in self.signals:
                handle.signal(name, payload)
            with trio.move_on_after(HORIZON):
                outcome = await handle.result()
                async for event in watch:
                    paths.take(event)
                return outcome
            raise StuckSimulation(str(definition), _waits(definition, handle.status()))


def _waits(definition: ProcessDefinition, status: Status) -> tuple[str, ...]:
    kinds = {node.name: node.kind for node in definition.nodes}

    def wait(node: NodeStatus) -> str:
        kind = kinds[node.node]
        what = f"signal {kind.signal!r} at" if isinstance(kind, Wait) else f"{node.phase} at"
        return f"{what} node {node.node!r}"

    return tuple(wait(node) for node in status.nodes)
