"""Plans against sums made by hand."""

from __future__ import annotations

import math
from typing import Any

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processengine.loadtest import Demand, Plan, UnfitPlan, plan_capacity
from processengine.runtime.load._plan import PASSIVATED_BYTES

from ._samples import figures, scenario_report

# 100 executions took 0.1 s of CPU, so 1 ms each; one alone takes 50 ms and 2 kB, and 1000 ended
# ones are kept. At 50% utilisation an execution waits 1 ms x 0.5 / 0.5 for the CPU: 51 ms in all.
REPORT = scenario_report([figures(cpu=0.1)], alone=0.05, memory=2000.0)
HALF = 0.5


def plan(rate: float, **changes: Any) -> Plan:
    demand = attrs.evolve(Demand(rate=rate, utilisation=HALF), **changes)
    return plan_capacity(REPORT, demand, 1e6)


def test_a_core_bears_its_share_by_what_an_execution_computes() -> None:
    assert plan(100).per_core == pytest.approx(500)


@pytest.mark.parametrize(("rate", "cores"), [(1, 1), (500, 1), (501, 2), (1000, 2), (5001, 11)])
def test_cores_are_the_rate_by_what_one_bears(rate: float, cores: int) -> None:
    assert plan(rate).cores == cores


def test_what_saturates_first_is_told_with_the_others_after_it() -> None:
    # 100 places for 51 ms each turn over 1961 times a second, of which half may be used.
    cpu, places = plan(100).limits
    assert (cpu.resource, places.resource) == ("CPU", "max_concurrent_executions")
    assert cpu.rate == pytest.approx(500)
    assert places.rate == pytest.approx(0.5 * 100 / 0.051)
    assert plan(100, concurrent=10).first.resource == "max_concurrent_executions"


def test_where_something_else_than_the_cpu_saturates_there_are_more_processes_than_cores() -> None:
    made = plan(400, concurrent=10)  # of which a process bears 98/s
    assert (made.cores, made.processes) == (1, 5)


def test_busy_executions_follow_from_littles_law() -> None:
    made = plan(100, wait=3600)
    assert made.busy == pytest.approx(5.1)
    assert made.resting == pytest.approx(360_000)


def test_memory_is_that_of_the_processes_of_what_they_keep_and_of_what_is_live() -> None:
    # Per process 1 MB idle and 1000 kept of 2 kB; 5.1 busy and 1000 at rest of 2 kB each.
    assert plan(100, wait=10).memory == pytest.approx(1e6 + 2e6 + 1005.1 * 2000)
    assert plan(1000).memory == pytest.approx(2 * 3e6 + 51 * 2000)


def test_with_a_store_what_rests_leaves_memory_after_a_while() -> None:
    durable = msgspec.structs.replace(
        REPORT, setup=msgspec.structs.replace(REPORT.setup, durability="step")
    )
    demand = Demand(rate=100, wait=3600, utilisation=HALF)
    # In memory for 60.051 s with 2 kB, and for 3540 s with what is left of it.
    live = 100 * (60.051 * 2000 + 3540 * PASSIVATED_BYTES)
    assert plan_capacity(durable, demand, 1e6).memory == pytest.approx(3e6 + live)
    never = attrs.evolve(demand, passivate_after=None)
    assert plan_capacity(durable, never, 1e6).memory == plan(100, wait=3600).memory


def test_a_bound_on_memory_is_a_limit_among_the_others() -> None:
    # Of 10 MB half may be used: 5 MB, of which 3 are taken at rest; 1000 live ones of 2 kB fit in,
    # each for 0.051 + 10 s.
    first = plan(10, wait=10, memory=10e6).first
    assert first.resource == "memory"
    assert first.rate == pytest.approx(1000 / 10.051)


def test_a_bound_that_leaves_no_room_for_one_execution_is_refused() -> None:
    with pytest.raises(UnfitPlan, match=r"memory: expected at least 6 MB.*got '6 MB'"):
        plan(10, memory=6e6)


def test_the_writer_of_the_store_saturates_by_the_time_it_takes_to_commit() -> None:
    report = scenario_report([figures(cpu=0.1, commit=0.4)], store=500.0)
    made = plan_capacity(report, Demand(rate=10, utilisation=HALF, retention=30))
    assert made.first.resource == "store commits"
    assert made.first.rate == pytest.approx(0.5 / 0.004)
    assert made.store_per_day == pytest.approx(500 * 10 * 86_400)
    assert made.store_kept == pytest.approx(30 * 500 * 10 * 86_400)


def test_without_a_store_nothing_is_said_of_one() -> None:
    assert plan(1).store_per_day is plan(1).store_kept is None


rates = st.floats(0.01, 1e6)


@given(rates, rates, st.floats(0.05, 0.95), st.integers(1, 1000), st.floats(1e-6, 1.0))
def test_more_of_a_rate_never_needs_less(
    one: float, other: float, utilisation: float, concurrent: int, cpu: float
) -> None:
    report = scenario_report([figures(cpu=cpu * 100)])
    less, more = (
        plan_capacity(report, Demand(rate=rate, utilisation=utilisation, concurrent=concurrent))
        for rate in sorted((one, other))
    )
    assert less.cores <= more.cores
    assert less.processes <= more.processes
    assert less.memory <= more.memory * (1 + 1e-9)
    assert less.busy <= more.busy


@given(rates, st.floats(0.05, 0.95))
def test_the_processes_of_a_plan_bear_its_rate(rate: float, utilisation: float) -> None:
    made = plan_capacity(REPORT, Demand(rate=rate, utilisation=utilisation))
    assert rate / made.processes <= made.first.rate * (1 + 1e-6)
    assert made.processes >= made.cores


@pytest.mark.parametrize(
    "changes",
    [
        {"rate": 0.0}, {"rate": math.inf}, {"wait": -1.0}, {"retention": -1.0},
        {"utilisation": 1.0}, {"concurrent": 0}, {"memory": 0.0},
        {"passivate_after": 0.0},
    ],
)  # fmt: skip
def test_a_demand_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    (field,) = changes
    with pytest.raises(UnfitPlan, match=field):
        attrs.evolve(Demand(rate=1.0), **changes)
