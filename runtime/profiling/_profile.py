"""Run a process many times, and look where the time goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import trio

from .. import Options, Outcome, Runtime, open_runtime
from ..definition import ProcessDefinition, check_inputs
from ..execution import Limits
from ._errors import ProfileElsewhere, UnfitProfile
from ._node_times import node_times
from ._places import owners_of
from ._report import Profile, flame_of, place_times, times_in_threads
from ._sampler import Sampler

EVERY_RECORD = 2**31
INTERVAL = 0.001


def profile(
    definition: ProcessDefinition,
    inputs: Mapping[str, Any] | None = None,
    *,
    runs: int = 100,
    at_once: int = 1,
    signals: tuple[tuple[str, Any], ...] = (),
    options: Mapping[str, Any] | None = None,
    store: str | Path | None = None,
    interval: float = INTERVAL,
) -> Profile:
    """Run so many executions, `at_once` side by side, and tell where their time goes.

    Their stacks are looked at for every `interval` seconds of computing. `signals` are sent to each
    at its start. `options` are those of the runtime, by name; with a `store` executions are
    durable. One that runs first warms everything up, and is not in it.

    Blocks, and runs an event loop of its own. Raises `ProfileElsewhere`, `UnfitProfile`,
    `InputError`, and what `open_runtime` and `spawn` raise.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if trio.lowlevel.in_trio_run() or not is_main:
        raise ProfileElsewhere
    if runs < 1 or at_once < 1 or not interval > 0:
        raise UnfitProfile(runs, at_once, interval)
    given = check_inputs(definition, inputs or {})
    chosen = Options.from_mapping(
        {"max_concurrent_executions": max(100, at_once), **(options or {})}
    )
    chosen = attrs.evolve(chosen, history_limit=EVERY_RECORD, keep_ended=max(runs + 1, at_once))
    profiling = _Profiling(definition, given, signals, chosen, store, interval)
    return trio.run(profiling.run, runs, at_once)


@attrs.frozen
class _Profiling:
    definition: ProcessDefinition
    inputs: Mapping[str, Any]
    signals: tuple[tuple[str, Any], ...]
    options: Options
    store: str | Path | None
    interval: float

    async def run(self, runs: int, at_once: int) -> Profile:
        opened = open_runtime(
            self.options,
            store=self.store,
            definitions=() if self.store is None else (self.definition,),
        )
        async with opened as runtime:
            await self._batch(runtime, 1)
            with Sampler(owners_of(self.definition), self.interval) as sampler:
                began = _Clocks.now()
                outcomes: list[Outcome] = []
                while len(outcomes) < runs:
                    outcomes += await self._batch(runtime, min(at_once, runs - len(outcomes)))
                took = _Clocks.now().since(began)
        return self._profile(outcomes, sampler, took)

    async def _batch(self, runtime: Runtime, count: int) -> list[Outcome]:
        handles = await runtime.spawn_many(self.definition, [self.inputs] * count)
        for handle in handles:
            for name, payload in self.signals:
                handle.signal(name, payload)
        return [await handle.result() for handle in handles]

    def _profile(self, outcomes: list[Outcome], sampler: Sampler, took: _Clocks) -> Profile:
        limits = Limits(self.options.retry, self.options.max_memory_per_execution)
        looks = max(1, sampler.looks)
        return Profile(
            definition=str(self.definition),
            runs=len(outcomes),
            completed=sum(outcome.state == "completed" for outcome in outcomes),
            seconds=took.wall,
            loop_cpu=took.thread,
            thread_cpu=max(0.0, took.process - took.thread - sampler.cpu_seconds),
            sampler_cpu=sampler.cpu_seconds,
            looks=sampler.looks,
            running=sampler.running,
            places=place_times(sampler.loop, took.thread),
            in_threads=times_in_threads(sampler.threads, looks, took.wall),
            nodes=node_times(self.definition, [each.history for each in outcomes], limits),
            flame=flame_of(
                str(self.definition),
                sampler.loop,
                sampler.threads,
                loop_cpu=took.thread,
                each_in_thread=took.wall / looks,
            ),
        )


@attrs.frozen
class _Clocks:
    """Seconds that have passed, that this thread has computed, and that all threads have."""

    wall: float
    thread: float
    process: float

    @classmethod
    def now(cls) -> _Clocks:
        return cls(time.perf_counter(), time.thread_time(), time.process_time())

    def since(self, began: _Clocks) -> _Clocks:
        return _Clocks(
            self.wall - began.wall, self.thread - began.thread, self.process - began.process
        )
