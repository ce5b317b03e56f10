"""One round of a scenario: executions are spawned, and what they took is noted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

import attrs
import trio

from .. import ActorHandle, AdmissionRefused, PerformanceMetrics, Runtime, Status
from ._scenario import Scenario

TICK_SECONDS = 0.1
"""Between two looks at how far a round is. A shorter round is not looked at before its end."""

MOST_WORDS = 200
MEGABYTE = 1024 * 1024

Tell = Callable[[int], None]
"""Takes how many executions have ended."""


@attrs.frozen(kw_only=True)
class Sample:
    """What one round has shown, raw; times are in seconds, `errors` count failures by their text.

    A duration is from spawn to end. Where executions come at a rate it begins when the execution
    was due instead: if the machine falls behind and it comes late, that delay is part of what it
    took (leaving it out is known as coordinated omission). `cache_hits` are of so many look-ups in
    the runtime's caches; `commit_seconds` is how long the store was committing:
    known only when the runtime has closed.
    """

    executions: int
    seconds: float
    cpu_seconds: float
    durations: tuple[float, ...]
    failed: int
    refused: int
    pauses: tuple[float, ...] = ()
    resumes: tuple[float, ...] = ()
    errors: Counter[str] = attrs.field(factory=Counter[str])
    peak_memory: int = 0
    cache_hits: tuple[int, int] = (0, 0)
    commit_seconds: float | None = None


async def run_round(scenario: Scenario, runtime: Runtime, seed: int, tell: Tell) -> Sample:
    """Run all executions of a scenario in a runtime, and wait for their ends.

    `seed` decides when they come, where they come at a rate. The runtime must keep as many ended
    executions as the scenario has. Cancelling it leaves them to the runtime.
    """
    return await _Round(scenario, runtime, tell).run(seed)


class _Round:
    def __init__(self, scenario: Scenario, runtime: Runtime, tell: Tell) -> None:
        self._scenario = scenario
        self._runtime = runtime
        self._tell = tell
        self._handles: list[ActorHandle] = []
        self._late: dict[str, float] = {}
        self._refused = 0
        self._pauses: list[float] = []
        self._resumes: list[float] = []
        self._peak = 0

    async def run(self, seed: int) -> Sample:
        before = self._look()
        async with trio.open_nursery() as ticking:
            ticking.start_soon(self._tick, self._ended(before))
            cpu, began = time.process_time(), trio.current_time()
            async with trio.open_nursery() as nursery:
                if self._scenario.rate is None:
                    await self._spawn_all(nursery)
                else:
                    await self._spawn_at_rate(nursery, self._scenario.rate, seed)
            await self._runtime.wait_all_ended()
            seconds, cpu = trio.current_time() - began, time.process_time() - cpu
            ticking.cancel_scope.cancel()
        return self._sample(seconds, cpu, before, self._look())

    def _look(self) -> PerformanceMetrics:
        metrics = self._runtime.metrics()
        self._peak = max(self._peak, round(metrics.memory_usage_mb * MEGABYTE))
        return metrics

    def _ended(self, metrics: PerformanceMetrics) -> int:
        """How many of the scenario's own definition have ended: children do not count."""
        own = str(self._scenario.definition)
        return sum(
            sum(each.executions.values()) for each in metrics.definitions if each.definition == own
        )

    async def _tick(self, before: int) -> None:
        """Look at the memory, and tell how far it is."""
        while True:
            await trio.sleep(TICK_SECONDS)
            self._tell(self._ended(self._look()) - before)

    # Spawning

    async def _spawn_all(self, nursery: trio.Nursery) -> None:
        scenario = self._scenario
        inputs = [scenario.inputs] * scenario.executions
        self._handles += await self._runtime.spawn_many(scenario.definition, inputs)
        for handle in self._handles if scenario.signals else ():
            self._send_signals(handle)
        if scenario.pause_after is not None:
            for handle in self._handles:
                nursery.start_soon(self._pause, handle, scenario.pause_after)

    async def _spawn_at_rate(self, nursery: trio.Nursery, rate: float, seed: int) -> None:
        begin = trio.current_time()
        for due in arrivals(rate, self._scenario.executions, Random(seed)):
            await trio.sleep_until(begin + due)
            # A task each, as a spawn may have to wait for the store: the next is due all the same.
            nursery.start_soon(self._spawn, begin + due)

    async def _spawn(self, due: float) -> None:
        late, scenario = trio.current_time() - due, self._scenario
        try:
            handle = await self._runtime.spawn(scenario.definition, scenario.inputs)
        except AdmissionRefused:
            self._refused += 1
            return
        self._handles.append(handle)
        self._late[handle.id] = late
        self._send_signals(handle)
        if scenario.pause_after is not None:
            await self._pause(handle, scenario.pause_after)

    def _send_signals(self, handle: ActorHandle) -> None:
        for name, payload in self._scenario.signals:
            handle.signal(name, payload)

    async def _pause(self, handle: ActorHandle, after: float) -> None:
        """Pause and resume it once it has begun; one that has ended before counts for neither."""
        await trio.sleep(after)
        while any(node.phase == "queued" for node in handle.status().nodes):  # noqa: ASYNC110 - its begin is not told
            await trio.sleep(after or TICK_SECONDS)
        asked = trio.current_time()
        if await handle.pause() != "paused":
            return
        paused = trio.current_time()
        await handle.resume()
        self._pauses.append(paused - asked)
        self._resumes.append(trio.current_time() - paused)

    # What came of it

    def _sample(
        self, seconds: float, cpu: float, before: PerformanceMetrics, after: PerformanceMetrics
    ) -> Sample:
        durations: list[float] = []
        errors: Counter[str] = Counter()
        for handle in self._handles:
            status = handle.status()
            assert status.ended_at is not None
            late = self._late.get(handle.id, 0.0)
            durations.append(status.ended_at - status.spawned_at + late)
            if status.state != "completed":
                errors[_failure_words(status)] += 1
        return Sample(
            executions=self._scenario.executions,
            seconds=seconds,
            cpu_seconds=cpu,
            durations=tuple(durations),
            failed=errors.total(),
            refused=self._refused,
            pauses=tuple(self._pauses),
            resumes=tuple(self._resumes),
            errors=errors,
            peak_memory=self._peak,
            cache_hits=_hits(before, after),
        )


def _hits(before: PerformanceMetrics, after: PerformanceMetrics) -> tuple[int, int]:
    """How often the caches had what was looked for, and how often they were asked."""
    hits = misses = 0
    for name, now in after.caches.items():
        then = before.caches[name]
        hits += now.hits - then.hits
        misses += now.misses - then.misses
    return hits, hits + misses


def _failure_words(status: Status) -> str:
    """Why an execution did not complete: alike for those that failed alike, at whatever node."""
    if status.error is None:
        return status.reason or status.state
    return f"{status.error.exception}: {status.error.message}"[:MOST_WORDS]


def arrivals(rate: float, count: int, random: Random) -> Iterator[float]:
    """When executions are due, in seconds from the beginning: a Poisson process.

    The first comes at once, so that a single execution needs no wait.
    """
    due = 0.0
    for _ in range(count):
        yield due
        due += random.expovariate(rate)
