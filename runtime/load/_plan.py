"""How much of a machine a rate of executions needs, by what a load test has measured.

A model of few assumptions, all named in `ASSUMPTIONS`; it predicts no latencies. Capacity for one
process is found resource by resource (CPU, the store's writer, places for busy executions, memory),
as the rate at which that resource is used to the share that it may be.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import attrs

from ...actors import ProcessEngineError
from ._report import ScenarioReport

DAY = 86_400.0
PASSIVATED_BYTES = 300.0
"""What is left in memory of an execution that was passivated (`python -m bench passivated`)."""

Resource = Literal["CPU", "store commits", "max_concurrent_executions", "memory"]

ASSUMPTIONS = tuple(
    """\
executions cost what those of the load test did, and arrive independently of each other
no resource is used beyond the utilisation given; the rest is for peaks and what is not seen
a runtime is one process and computes on one core; each has its own share of the rate
busy executions are rate x time (Little's law): the time of one alone, and its wait for the CPU
that wait is CPU x u / (1 - u) at utilisation u, as of a processor that serves all in turn
what an execution waits for in nodes and timers counts as busy; --wait comes on top, without a place
a process holds the idle one, live executions, and as many ended ones as it keeps (keep_ended)
with a store, an execution at rest leaves memory after passivate_after, but for 300 bytes
the store grows as it did in the load test, and gives back what retention deletes
""".splitlines()
)
"""What a plan takes for granted."""


@attrs.define(eq=False, repr=False, str=False)
class UnfitPlan(ProcessEngineError):
    """A plan was asked for that cannot be made, or that no number of processes could carry out."""

    field: str
    value: object
    expected: str

    def __str__(self) -> str:
        return f"plan: {self.field}: expected {self.expected}, got {self.value!r:.80}"


@attrs.frozen(kw_only=True)
class Demand:
    """What is to be borne: `rate` executions a second, each at rest for `wait` seconds in between.

    `retention` is in days. `utilisation` is the share of a resource to be used at most.
    `concurrent` is `max_concurrent_executions` of each runtime, `memory` the bytes that each
    process may take (None: no bound); `passivate_after` is the option of that name, which counts
    with a store only. Raises `UnfitPlan`.
    """

    rate: float
    wait: float = 0.0
    retention: float = 30.0
    utilisation: float = 0.7
    concurrent: int = 100
    memory: float | None = None
    passivate_after: float | None = 60.0

    def __attrs_post_init__(self) -> None:
        for name, fits, expected in (
            ("rate", 0 < self.rate < math.inf, "a number above 0"),
            ("wait", 0 <= self.wait < math.inf, "a number of seconds from 0"),
            ("retention", 0 <= self.retention < math.inf, "a number of days from 0"),
            ("utilisation", 0 < self.utilisation < 1, "a number above 0 and below 1"),
            ("concurrent", self.concurrent >= 1, "a whole number from 1"),
            ("memory", self.memory is None or self.memory > 0, "a number of bytes above 0"),
            (
                "passivate_after",
                self.passivate_after is None or self.passivate_after > 0,
                "a number of seconds above 0",
            ),
        ):
            if not fits:
                raise UnfitPlan(name, getattr(self, name), expected)


@attrs.frozen
class Limit:
    """The executions a second at which one process has used a resource as far as it may."""

    resource: Resource
    rate: float


@attrs.frozen(kw_only=True)
class Plan:
    """What a demand needs. `limits` are those of one process, the first to be reached first.

    `per_core` is in executions a second. `busy` and `resting` are executions on average, in all
    processes; `memory` is in bytes, in all processes, and so are the `store` figures: what it grows
    by in a day, and where that settles (None without a store).
    """

    demand: Demand
    per_core: float
    cores: int
    processes: int
    limits: tuple[Limit, ...]
    busy: float
    resting: float
    memory: float
    store_per_day: float | None
    store_kept: float | None

    @property
    def first(self) -> Limit:
        """What saturates first."""
        return self.limits[0]


def plan_capacity(report: ScenarioReport, demand: Demand, idle_memory: float = 0.0) -> Plan:
    """Work out what a rate of executions like those of a scenario needs.

    `idle_memory` is what a process takes before it runs anything, in bytes: that of the report.
    More of a rate never needs fewer cores or processes. Raises `UnfitPlan` if a process has no room
    for a single execution.
    """
    cost = _Cost.of(report, demand, idle_memory)
    limits = tuple(sorted(_limits(cost, demand), key=lambda limit: limit.rate))
    cores = _needed(demand.rate, demand.utilisation / cost.cpu) if cost.cpu else 1
    processes = max(cores, _needed(demand.rate, limits[0].rate))
    busy, resting = demand.rate * cost.busy, demand.rate * demand.wait
    stored = None if cost.store is None else cost.store * demand.rate * DAY
    return Plan(
        demand=demand,
        per_core=demand.utilisation / cost.cpu if cost.cpu else math.inf,
        cores=cores,
        processes=processes,
        limits=limits,
        busy=busy,
        resting=resting,
        memory=processes * cost.at_rest + demand.rate * cost.held,
        store_per_day=stored,
        store_kept=None if stored is None else stored * demand.retention,
    )


def _needed(rate: float, each: float) -> int:
    """How many are needed that bear `each`; a share of a billionth over does not need another."""
    return max(1, math.ceil(rate / each * (1 - 1e-9)))


@attrs.frozen
class _Cost:
    """What one execution takes: seconds of CPU, of the store's writer, of a place; bytes.

    `held` is in bytes times seconds. `at_rest` is what a process holds with nothing live, in bytes.
    """

    cpu: float
    commit: float | None
    busy: float
    memory: float
    held: float
    at_rest: float
    store: float | None

    @classmethod
    def of(cls, report: ScenarioReport, demand: Demand, idle_memory: float) -> _Cost:
        total, share = report.total, demand.utilisation
        cpu = total.cpu_per_execution
        commit = total.commit_seconds
        kept = report.setup.options.get("keep_ended") or 0.0
        busy = report.alone + cpu * share / (1 - share)
        awake = demand.wait
        if report.setup.durability is not None and demand.passivate_after is not None:
            awake = min(demand.wait, demand.passivate_after)
        memory = report.memory_per_execution
        return cls(
            cpu=cpu,
            commit=None if commit is None else commit / total.executions,
            busy=busy,
            memory=memory,
            held=memory * (busy + awake) + PASSIVATED_BYTES * (demand.wait - awake),
            at_rest=idle_memory + kept * report.memory_per_execution,
            store=report.store_per_execution,
        )


def _limits(cost: _Cost, demand: Demand) -> Iterator[Limit]:
    share = demand.utilisation
    if cost.cpu:
        yield Limit("CPU", share / cost.cpu)
    if cost.commit:
        yield Limit("store commits", share / cost.commit)
    # Where no time passes at all there is no limit to be told; one place a second is no falsehood.
    yield Limit("max_concurrent_executions", share * demand.concurrent / max(cost.busy, 1e-9))
    if demand.memory is not None:
        room = demand.memory * share - cost.at_rest
        if room < cost.memory:
            least = (cost.at_rest + cost.memory) / share / 1e6
            words = f"at least {least:,.0f} MB, as a process takes so much with one execution"
            raise UnfitPlan("memory", f"{demand.memory / 1e6:,.0f} MB", words)
        if cost.held:
            yield Limit("memory", room / cost.held)
