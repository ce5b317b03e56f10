"""A whole load test: scenarios one after another, several rounds each, and the report of them."""

from __future__ import annotations

import contextlib
import gc
import math
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import trio

from .. import Options, PerformanceMetrics, Runtime, open_runtime
from ._errors import LoadTestInTrio, UnfitScenario
from ._figures import Figures, spread_of
from ._machine import facts
from ._memory import Traced
from ._report import FORMAT, LoadReport, ScenarioReport, Setup, judge
from ._round import MEGABYTE, Sample, run_round
from ._scenario import Scenario

ROUNDS = 10
ALONE = 3
MOST_TRACED = 200
CURVE_POINTS, TAIL_POINTS = 80, 20
MOST_ERRORS = 10


@attrs.frozen
class LoadProgress:
    """How far a load test is: round `round` of `rounds` (0: warming up) of a scenario."""

    scenario: str
    executions: int
    round: int
    rounds: int
    ended: int
    done: Figures | None = None
    """The figures of the round, once it is over."""


Tell = Callable[[LoadProgress], None]


def load_test(
    *scenarios: Scenario,
    rounds: int = ROUNDS,
    options: Mapping[str, Any] | None = None,
    store: str | Path | None = None,
    tell: Tell | None = None,
) -> LoadReport:
    """Run scenarios under load and report; see `measure_load`.

    Blocks, and runs an event loop of its own. Raises `LoadTestInTrio`.
    """
    if trio.lowlevel.in_trio_run():
        raise LoadTestInTrio
    return trio.run(
        partial(measure_load, *scenarios, rounds=rounds, options=options, store=store, tell=tell)
    )


async def measure_load(
    *scenarios: Scenario,
    rounds: int = ROUNDS,
    options: Mapping[str, Any] | None = None,
    store: str | Path | None = None,
    tell: Tell | None = None,
) -> LoadReport:
    """Run each scenario `rounds` times, in a runtime of its own each time, and report.

    `options` are those of the runtimes, by name; unless they say otherwise, all executions of a
    scenario may be busy at once. With a `store`, the path of an SQLite file, executions are
    durable. `tell` is called with the progress, some ten times a second. Cancelling it ends the
    executions. Raises `UnfitScenario` for fewer than one
    round, and what `open_runtime` and `spawn` raise.
    """
    if rounds < 1:
        raise UnfitScenario("all", "rounds", rounds, "a whole number from 1")
    machine, idle = facts(), await _idle_memory()
    reports = [
        await _Measurement(each, rounds, options, store, tell or _tell_nobody).run()
        for each in scenarios
    ]
    return LoadReport(FORMAT, machine, idle, tuple(reports))


async def _idle_memory() -> int:
    async with open_runtime() as runtime:
        return round(runtime.metrics().memory_usage_mb * MEGABYTE)


def _tell_nobody(progress: LoadProgress) -> None:
    pass


@attrs.frozen
class _Measurement:
    """One scenario to be measured."""

    scenario: Scenario
    rounds: int
    options: Mapping[str, Any] | None
    store: str | Path | None
    tell: Tell

    async def run(self) -> ScenarioReport:
        alone = await self._alone()
        memory = await self._memory()
        size = self._store_size()
        samples = [await self._round(number) for number in range(1, self.rounds + 1)]
        grown = self._store_size() - size
        per_execution = grown / sum(sample.executions for sample in samples)
        return report_of(
            self.scenario,
            self._setup(),
            samples,
            alone=alone,
            memory=memory,
            store=None if self.store is None else per_execution,
        )

    def _runtime(self, executions: int) -> Runtime:
        chosen = _options(self.options, executions)
        definitions = () if self.store is None else (self.scenario.definition,)
        return open_runtime(chosen, store=self.store, definitions=definitions)

    async def _alone(self) -> float:
        """The median duration of executions one after another; they warm everything up as well."""
        durations: list[float] = []
        one = attrs.evolve(self.scenario, executions=1, rate=None, pause_after=None)
        self._report_progress(0)(0)
        async with self._runtime(1) as runtime:
            for number in range(ALONE):
                sample = await run_round(one, runtime, number, _ignore)
                durations += sample.durations
        return statistics.median(durations)

    async def _memory(self) -> float:
        """Bytes of Python objects for each execution at the peak of a round."""
        count = min(self.scenario.executions, MOST_TRACED)
        some = attrs.evolve(self.scenario, executions=count)
        async with self._runtime(count) as runtime:
            await run_round(attrs.evolve(some, executions=1), runtime, 0, _ignore)
            with Traced() as traced:
                await run_round(some, runtime, 0, self._report_progress(0))
        return traced.peak / count

    async def _round(self, number: int) -> Sample:
        tell = self._report_progress(number)
        tell(0)
        gc.collect()
        async with self._runtime(self.scenario.executions) as runtime:
            sample = await run_round(self.scenario, runtime, number, tell)
            cpu = time.process_time()
        sample = _with_closing(sample, runtime.metrics(), time.process_time() - cpu)
        progress = self._progress(number, sample.executions)
        self.tell(attrs.evolve(progress, done=figures_of([sample])))
        return sample

    def _report_progress(self, number: int) -> Callable[[int], None]:
        return lambda ended: self.tell(self._progress(number, ended))

    def _progress(self, number: int, ended: int) -> LoadProgress:
        scenario = self.scenario
        return LoadProgress(scenario.name, scenario.executions, number, self.rounds, ended)

    def _store_size(self) -> int:
        """The bytes of the store's file and of its write-ahead log."""
        size = 0
        for path in () if self.store is None else (f"{self.store}", f"{self.store}-wal"):
            with contextlib.suppress(FileNotFoundError):
                size += Path(path).stat().st_size
        return size

    def _setup(self) -> Setup:
        scenario = self.scenario
        options = _options(self.options, scenario.executions)
        mode = scenario.definition.durability or options.durability
        return Setup(
            definition=str(scenario.definition),
            nodes=len(scenario.definition.nodes),
            body=scenario.body,
            executions=scenario.executions,
            rate=scenario.rate,
            paused=scenario.pause_after is not None,
            durability=None if self.store is None else mode,
            options={
                "max_concurrent_executions": options.max_concurrent_executions,
                "worker_pool_size": options.worker_pool_size,
                "history_limit": options.history_limit,
                "keep_ended": options.keep_ended,
            },
        )


def _with_closing(sample: Sample, closed: PerformanceMetrics, cpu: float) -> Sample:
    """The sample with what the store's writer has taken, also for what it wrote in the end.

    In mode `lazy` that is most of it.
    """
    if closed.store is None:
        return sample
    seconds = closed.store.commit_durations.total
    return attrs.evolve(sample, cpu_seconds=sample.cpu_seconds + cpu, commit_seconds=seconds)


def _ignore(ended: int) -> None:
    pass


def _options(given: Mapping[str, Any] | None, executions: int) -> Options:
    """Options under which every execution finds room, and is kept until it was looked at."""
    named = {"max_concurrent_executions": executions, **(given or {})}
    options = Options.from_mapping(named)
    return attrs.evolve(
        options,
        admission_queue_limit=max(options.admission_queue_limit, executions),
        keep_ended=max(options.keep_ended, executions + ALONE),
    )


def figures_of(samples: Sequence[Sample]) -> Figures:
    """What some rounds came to, together."""
    hits = sum(sample.cache_hits[0] for sample in samples)
    lookups = sum(sample.cache_hits[1] for sample in samples)
    commits = [each.commit_seconds for each in samples if each.commit_seconds is not None]
    return Figures(
        executions=sum(sample.executions for sample in samples),
        failed=sum(sample.failed for sample in samples),
        refused=sum(sample.refused for sample in samples),
        seconds=math.fsum(sample.seconds for sample in samples),
        cpu_seconds=math.fsum(sample.cpu_seconds for sample in samples),
        durations=spread_of([value for sample in samples for value in sample.durations]),
        pauses=spread_of([value for sample in samples for value in sample.pauses]),
        resumes=spread_of([value for sample in samples for value in sample.resumes]),
        peak_memory=max(sample.peak_memory for sample in samples),
        cache_hit_rate=hits / lookups if lookups else None,
        commit_seconds=math.fsum(commits) if commits else None,
    )


def report_of(
    scenario: Scenario,
    setup: Setup,
    samples: Sequence[Sample],
    *,
    alone: float,
    memory: float,
    store: float | None,
) -> ScenarioReport:
    """The report of a scenario from what its rounds have shown."""
    total = figures_of(samples)
    errors: Counter[str] = sum((sample.errors for sample in samples), Counter[str]())
    return ScenarioReport(
        name=scenario.name,
        setup=setup,
        total=total,
        rounds=tuple(figures_of([sample]) for sample in samples),
        alone=alone,
        memory_per_execution=memory,
        store_per_execution=store,
        verdicts=tuple(judge(each.figure, each.limit, total) for each in scenario.targets),
        curve=curve_of([value for sample in samples for value in sample.durations]),
        errors=dict(errors.most_common(MOST_ERRORS)),
    )


def curve_of(values: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Values in order with the share that does not exceed them, thinned to what a plot shows.

    The first and the last are always in it; of the largest hundredth there are more than elsewhere.
    """
    ordered, count = sorted(values), len(values)
    tail = count - count // 100
    places = sorted(
        {
            *range(0, count, max(1, count // CURVE_POINTS)),
            *range(tail, count, max(1, (count - tail) // TAIL_POINTS)),
            count - 1,
        }
        - {-1}
    )
    return tuple(((place + 1) / count, ordered[place]) for place in places)
