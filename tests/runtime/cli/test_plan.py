from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Engine

PLAN = ("plan", "out", "--scenario", "linear", "--rate", "1000")


@pytest.fixture
def report(folder: Path, processengine: Engine) -> Path:
    """A report of which the figures that matter are known: 1 ms of CPU, 10 ms alone, 2 kB."""
    processengine("loadtest", "linear", "pause", "--executions", "2", "--rounds", "1",
                  "--report", "out", "--store", "load.db")  # fmt: skip
    path = folder / "out/report.json"
    document = json.loads(path.read_text())
    document["idle_memory"] = 40_000_000
    for scenario in document["scenarios"]:
        scenario["total"].update(cpu_seconds=0.002, commit_seconds=0.0002)
        scenario.update(alone=0.01, memory_per_execution=2000.0, store_per_execution=1000.0)
    path.write_text(json.dumps(document))
    return path


def document(processengine: Engine, *arguments: str) -> Any:
    ran = processengine(*PLAN, "--json", *arguments)
    assert ran.status == 0
    return ran.document


def test_a_plan_tells_what_a_rate_needs(report: Path, processengine: Engine) -> None:
    plan = document(processengine)
    assert plan["executions_per_core"] == pytest.approx(700)
    assert (plan["cores"], plan["processes"], plan["saturates_first"]) == (2, 2, "CPU")
    assert [limit["resource"] for limit in plan["limits"]] == [
        "CPU", "max_concurrent_executions", "store commits",
    ]  # fmt: skip
    assert plan["busy"] == pytest.approx(1000 * (0.01 + 0.001 * 0.7 / 0.3))
    assert plan["store_per_day"] == pytest.approx(1000 * 1000 * 86_400)
    assert plan["store_kept"] == pytest.approx(30 * plan["store_per_day"])
    assert plan["demand"]["rate"] == 1000


def test_the_demand_is_as_it_is_typed(report: Path, processengine: Engine) -> None:
    plan = document(processengine, "--wait", "60", "--retention", "7", "--utilisation", "0.5",
                    "--concurrent", "10", "--memory", "1000")  # fmt: skip
    assert plan["demand"] == {
        "rate": 1000, "wait": 60, "retention": 7, "utilisation": 0.5, "concurrent": 10,
        "memory": 1e9, "passivate_after": 60,
    }  # fmt: skip
    assert plan["resting"] == pytest.approx(60_000)


def test_a_plan_for_people_has_the_same_figures_and_its_assumptions(
    report: Path, processengine: Engine
) -> None:
    ran = processengine(*PLAN)
    assert ran.status == 0
    for words in (
        "linear v1 at 1,000 executions a second",
        "  per core         700/s at 70% of it",
        "  cores            2, each used to 50%",
        "  saturates first  CPU at 700/s a process, then max_concurrent_executions at ",
        "  store            86.4 GB a day, 2.59 TB after 30 days",
        "Little's law",
    ):
        assert words in ran.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["out", "--rate", "1"], "--scenario: expected one of linear, pause"),
        (
            ["out", "--rate", "1", "--scenario", "no"],
            "--scenario no: expected one of linear, pause",
        ),
        (["none.json", "--rate", "1"], "none.json: no report of a load test: No such file"),
        (["out"], "the following arguments are required: --rate"),
        ([*PLAN[1:], "--utilisation", "1"], "argument --utilisation: expected a number above 0"),
        ([*PLAN[1:], "--memory", "1"], "plan: memory: expected at least "),
    ],
)
def test_what_cannot_be_planned_is_refused(
    report: Path, processengine: Engine, arguments: list[str], problem: str
) -> None:
    ran = processengine("plan", *arguments)
    assert ran.status == 2
    assert f": {problem}" in ran.problem
