"""`processengine plan`: what a rate of executions needs, by a load test's report."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import attrs

from ..load import (
    ASSUMPTIONS,
    Demand,
    LoadReport,
    Plan,
    ScenarioReport,
    milliseconds,
    plan_capacity,
    read_report,
)
from ._misuse import Misuse
from ._output import Line, Output
from ._words import seconds


def plan(arguments: argparse.Namespace, output: Output) -> int:
    """Work out a plan from a report, and show it."""
    path = Path(arguments.report)
    report = read_report(path / "report.json" if path.is_dir() else path)
    scenario = _scenario(report, arguments.scenario)
    demand = Demand(
        rate=arguments.rate,
        wait=arguments.wait,
        retention=arguments.retention,
        utilisation=arguments.utilisation,
        concurrent=arguments.concurrent,
        memory=None if arguments.memory is None else arguments.memory * 1e6,
        passivate_after=arguments.passivate_after,
    )
    made = plan_capacity(scenario, demand, report.idle_memory)
    output.document(plan_data(scenario, made))
    output.lines(plan_lines(scenario, made))
    return 0


def _scenario(report: LoadReport, name: str | None) -> ScenarioReport:
    names = ", ".join(each.name for each in report.scenarios)
    if name is None:
        if len(report.scenarios) != 1:
            raise Misuse(f"--scenario: expected one of {names}")
        return report.scenarios[0]
    scenario = report.scenario(name)
    if scenario is None:
        raise Misuse(f"--scenario {name}: expected one of {names}")
    return scenario


def plan_data(scenario: ScenarioReport, made: Plan) -> dict[str, object]:
    """A plan for a JSON document; times in seconds, sizes in bytes."""
    return {
        "scenario": scenario.name,
        "demand": attrs.asdict(made.demand),
        "executions_per_core": made.per_core,
        "cores": made.cores,
        "processes": made.processes,
        "saturates_first": made.first.resource,
        "limits": [attrs.asdict(limit) for limit in made.limits],
        "busy": made.busy,
        "resting": made.resting,
        "memory": made.memory,
        "store_per_day": made.store_per_day,
        "store_kept": made.store_kept,
        "assumptions": list(ASSUMPTIONS),
    }


def plan_lines(scenario: ScenarioReport, made: Plan) -> Iterator[Line]:
    """A plan for people."""
    demand = made.demand
    yield f"{scenario.setup.definition} at {_number(demand.rate)} executions a second", "bold"
    for name, value in _rows(scenario, made):
        yield f"  {name:<16} {value}", ""
    yield "  assumed", "dim"
    for assumption in ASSUMPTIONS:
        yield f"    {assumption}", "dim"


def _rows(scenario: ScenarioReport, made: Plan) -> Iterator[tuple[str, str]]:
    demand, total = made.demand, scenario.total
    yield "an execution", _cost_words(scenario)
    yield "per core", f"{made.per_core:,.0f}/s at {demand.utilisation:.0%} of it"
    used = demand.rate * total.cpu_per_execution / made.cores
    yield "cores", f"{made.cores}, each used to {used:.0%}"
    yield "processes", f"{made.processes}, each {_number(demand.rate / made.processes)}/s"
    yield (
        "saturates first",
        ", then ".join(
            f"{limit.resource} at {_number(limit.rate)}/s a process" for limit in made.limits
        ),
    )
    yield "busy", f"{_number(made.busy)} executions on average"
    if demand.wait:
        yield "at rest", f"{_number(made.resting)} executions, {seconds(demand.wait)} each"
    yield "memory", f"{size(made.memory)} in all"
    if made.store_per_day is not None and made.store_kept is not None:
        kept = f"{size(made.store_kept)} after {demand.retention:g} days"
        yield "store", f"{size(made.store_per_day)} a day, {kept}"


def _cost_words(scenario: ScenarioReport) -> str:
    parts = [
        f"{milliseconds(scenario.total.cpu_per_execution)} of CPU",
        f"{milliseconds(scenario.alone)} alone",
        size(scenario.memory_per_execution),
    ]
    if scenario.store_per_execution is not None:
        parts.append(f"{size(scenario.store_per_execution)} stored")
    return ", ".join(parts)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def size(value: float) -> str:
    """A number of bytes at the unit it is read at."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.3g} TB"
