"""Outages and storms as a whole: what retries, breaker, budget and rate make of them together.

All in virtual time and from fixed seeds, so that every figure here comes out the same each time.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

import attrs
import pytest
import trio

import processengine as pe
from processengine.supervision import Jitter
from processengine.testing import run_virtual

ATTEMPTS, FAILS, LENGTH, MANY = 4, 0.3, 10, 2_000
PATIENT = pe.Retry(attempts=10_000)
OUTAGE = 600.0
STORM, STORM_ENDS = 1_000, 60.0


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of failures are what is wanted here."""
    logger = logging.getLogger("processengine")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(level)


@attrs.define
class Dependency:
    """Down until `back_at` (seconds), then up; a call takes a tenth of a second."""

    back_at: float
    calls: list[float] = attrs.field(factory=list[float])

    async def call(self) -> None:
        self.calls.append(trio.current_time())
        await trio.sleep(0.1)
        if trio.current_time() < self.back_at:
            raise ConnectionError("down")

    @property
    def calls_while_down(self) -> int:
        return sum(at < self.back_at for at in self.calls)


@attrs.frozen
class Run:
    """What became of some executions that called a dependency."""

    dependency: Dependency
    ends: Counter[str]
    status: pe.GroupStatus


def run_against(
    dependency: Dependency, group: pe.Group, *, count: int, every: float = 0.0, seed: int = 7
) -> Run:
    """Begin an execution `every` so many seconds, and wait until all have ended."""
    process = pe.ProcessBuilder("calling")
    process.node("call", dependency.call, group=process.group(group))
    definition = process.build()

    async def main() -> Run:
        async with pe.open_runtime(seed=seed, max_concurrent_executions=count) as runtime:
            handles: list[pe.ActorHandle] = []
            for _ in range(count):
                handles.append(await runtime.spawn(definition))
                await trio.sleep(every)
            ends = Counter([(await handle.result()).state for handle in handles])
            return Run(dependency, Counter(ends), runtime.group("remote").status())

    return run_virtual(main, seed=seed)


# Nodes that fail now and then


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_three_retries_complete_as_many_processes_as_theory_says(seed: int) -> None:
    chance = Random(seed)

    async def unreliable() -> None:
        if chance.random() < FAILS:
            raise ConnectionError("busy")

    process = pe.ProcessBuilder("ten")
    for number in range(LENGTH):
        node = process.node(f"n{number}", unreliable, retry=pe.Retry(attempts=ATTEMPTS))
        if number:
            process.connect(f"n{number - 1}", "out", node)
    definition = process.build()

    async def main() -> int:
        async with pe.open_runtime(seed=seed) as runtime:
            handles = [await runtime.spawn(definition) for _ in range(MANY)]
            return [(await handle.result()).state for handle in handles].count("completed")

    share = run_virtual(main, seed=seed) / MANY
    theory = (1 - FAILS**ATTEMPTS) ** LENGTH
    standard_error = math.sqrt(theory * (1 - theory) / MANY)
    assert share > 0.9
    assert abs(share - theory) < 4 * standard_error


# An outage


@pytest.mark.parametrize("every", [0.0, 2.0])
def test_a_breaker_spares_a_dependency_that_is_down_nearly_all_calls(every: float) -> None:
    """200 executions, all at once or over the first two thirds of ten minutes of outage."""
    breaker = pe.BreakerPolicy()
    alone = run_against(
        Dependency(OUTAGE), pe.Group("remote", retry=PATIENT), count=200, every=every
    )
    guarded = run_against(
        Dependency(OUTAGE),
        pe.Group("remote", retry=PATIENT, breaker=breaker),
        count=200,
        every=every,
    )
    assert alone.ends == guarded.ends == {"completed": 200}
    assert guarded.dependency.calls_while_down <= 0.05 * alone.dependency.calls_while_down
    assert guarded.status.breaker == "closed"


def test_a_second_outage_ends_as_well_as_the_first() -> None:
    dependency = Dependency(0.0)
    policy = pe.BreakerPolicy(consecutive_failures=1, open_seconds=10)
    process = pe.ProcessBuilder("calling")
    group = process.group("remote", breaker=policy, retry=PATIENT)
    process.node("call", dependency.call, group=group)
    definition = process.build()

    async def main() -> None:
        async with pe.open_runtime(seed=7) as runtime:
            for _ in range(3):
                dependency.back_at = trio.current_time() + 15
                handles = [await runtime.spawn(definition) for _ in range(5)]
                await trio.sleep(100)
                assert [each.status().state for each in handles] == ["completed"] * 5
                runtime.group("remote").reset()

    run_virtual(main)


def test_what_was_parked_comes_back_at_the_rate_of_its_group() -> None:
    """Without a rate or a bulkhead all of it would call at the moment when the breaker closes."""
    group = pe.Group(
        "remote", retry=PATIENT, breaker=pe.BreakerPolicy(), rate=pe.RatePolicy(20, 1.0)
    )
    run = run_against(Dependency(100.0), group, count=500)
    assert run.ends == {"completed": 500}
    per_second = Counter(int(at) for at in run.dependency.calls)
    assert max(per_second.values()) <= 40


# A storm


def storm(jitter: Jitter, budget: pe.BudgetPolicy | None = None) -> Run:
    """A thousand executions that all begin while their dependency is down for a minute."""
    retry = pe.Retry(attempts=10_000, jitter=jitter)
    group = pe.Group("remote", retry=retry, budget=budget)
    return run_against(Dependency(STORM_ENDS), group, count=STORM)


def peak(calls: Sequence[float]) -> float:
    """The busiest second, to the mean of the five seconds around it: 1 if calls come evenly.

    The first attempts, which come when their executions do, are left out. The mean is a local one
    because a growing back-off thins the calls out: from a thousand a second to some seventy, which
    still are enough that a Poisson process would double its mean in no second of any run.
    """
    first = min(calls)
    seconds = Counter(int(at) for at in calls if first < at < STORM_ENDS)
    around = {
        second: sum(seconds[near] for near in range(second - 2, second + 3)) / 5
        for second in range(2, int(STORM_ENDS) - 2)
    }
    return max(seconds[second] / mean for second, mean in around.items() if mean)


@pytest.mark.parametrize("jitter", ["full", "decorrelated"])
def test_jitter_spreads_the_attempts_of_a_storm(jitter: Jitter) -> None:
    run = storm(jitter)
    assert run.ends == {"completed": STORM}
    assert peak(run.dependency.calls) < 2


def test_without_jitter_they_would_come_in_waves() -> None:
    assert peak(storm("none").dependency.calls) > 2


def test_a_budget_that_suffices_bounds_the_attempts_and_fails_nobody() -> None:
    budget = pe.BudgetPolicy(tokens=40_000)
    run = storm("full", budget)
    assert run.ends == {"completed": STORM}
    assert len(run.dependency.calls) <= most_attempts(budget, run)
    assert peak(run.dependency.calls) < 2


@pytest.mark.parametrize("tokens", [100, 2_000, 5_000])
def test_a_budget_ends_a_storm_that_would_exceed_it(tokens: int) -> None:
    budget = pe.BudgetPolicy(tokens)
    run = storm("full", budget)
    assert run.ends["failed"] == run.status.retries_refused > 0
    assert len(run.dependency.calls) <= most_attempts(budget, run)
    # Nothing succeeds before the budget is used up: it is used up to the last retry.
    assert len(run.dependency.calls) == STORM + tokens / 2 - 1


def most_attempts(budget: pe.BudgetPolicy, run: Run) -> float:
    """The arithmetic of A6: F failures and S successes leave at most T - F + S * ratio tokens.

    A retry is allowed while that is more than T / 2; so no more than T / 2 + S * ratio failures
    were followed by one, beside the first attempts.
    """
    return STORM + budget.tokens / 2 + budget.ratio * run.ends["completed"]


# One refusal


@pytest.mark.parametrize("has_breaker", [False, True], ids=["plain", "guarded"])
def test_a_node_told_to_stop_before_it_began_does_not_begin(has_breaker: bool) -> None:
    """A fork, one branch of which is refused and so fails the execution at once."""
    begun: list[str] = []

    async def call(context: pe.NodeContext) -> None:
        begun.append(f"{context.execution} {context.node}")
        await trio.sleep(100)

    async def fork() -> None:
        """Nothing to do."""

    process = pe.ProcessBuilder("forking")
    process.group("beside", breaker=pe.BreakerPolicy() if has_breaker else None)
    process.group("full", bulkhead=pe.Bulkhead(1, waiting=0))
    start = process.node("fork", fork, group="beside")
    start.then(process.node("beside", call, group="beside"))
    start.then(process.node("full", call, group="full"))
    definition = process.build()

    async def main() -> None:
        async with pe.open_runtime() as runtime:
            await runtime.spawn(definition, id="first")
            await trio.sleep(1)
            outcome = await (await runtime.spawn(definition, id="second")).result()
            assert (outcome.state, outcome.duration) == ("failed", 0)
            assert begun == ["first beside", "first full"]

    run_virtual(main)
