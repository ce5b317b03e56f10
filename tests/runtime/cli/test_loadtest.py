"""Load tests from the command line, at tiny sizes: what is decided, written and shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from processengine.loadtest import parse_report

from .conftest import Engine

TINY = ("loadtest", "linear", "--executions", "3", "--rounds", "4")


def test_a_target_that_is_met_exits_with_0(folder: Path, processengine: Engine) -> None:
    ran = processengine(*TINY)
    assert ran.status == 0
    lines = ran.out.splitlines()
    assert lines[0].startswith("linear       round 1 of 4: 3 executions, ")
    assert lines[4].startswith("linear: 3 executions of linear v1 at once, 10 nodes, body noop, 4 ")
    assert lines[-1].startswith("  target       met: longest duration ")


def test_a_target_that_is_missed_exits_with_1(folder: Path, processengine: Engine) -> None:
    ran = processengine(*TINY, "--target", "max=0", "--quiet")
    assert ran.status == 1
    assert "round 1" not in ran.out
    assert "MISSED: longest duration " in ran.out


def test_with_json_there_is_the_report_and_nothing_else(
    folder: Path, processengine: Engine
) -> None:
    document = processengine(*TINY, "--json", "--target", "p95=60", "--body", "sleep").document
    assert document["met"] is True
    assert document["comparison"] is None
    (scenario,) = document["scenarios"]
    assert (scenario["name"], len(scenario["rounds"])) == ("linear", 4)
    assert scenario["setup"]["body"] == "sleep"
    assert [verdict["figure"] for verdict in scenario["verdicts"]] == ["max", "p95"]
    assert scenario["total"]["durations"]["p50"] > 0.1
    assert {"failed", "cpu_seconds", "peak_memory", "cache_hit_rate"} <= scenario["total"].keys()


def test_all_four_scenarios_are_the_default(folder: Path, processengine: Engine) -> None:
    ran = processengine("loadtest", "--executions", "2", "--rounds", "1", "--json")
    names = [each["name"] for each in ran.document["scenarios"]]
    assert names == ["linear", "branching", "errors", "pause"]


def test_a_report_is_written_as_json_text_and_page(folder: Path, processengine: Engine) -> None:
    processengine(*TINY, "--report", "out/first")
    report = parse_report((folder / "out/first/report.json").read_text())
    assert report.scenarios[0].setup.executions == 3
    assert "linear: 3 executions" in (folder / "out/first/report.txt").read_text()
    assert (folder / "out/first/report.html").read_text().startswith("<!DOCTYPE html>")


def test_a_figure_that_has_become_worse_exits_with_1(folder: Path, processengine: Engine) -> None:
    processengine(*TINY, "--report", "first")
    path = folder / "first/report.json"
    report = json.loads(path.read_text())
    for each in report["scenarios"][0]["rounds"]:
        each["durations"]["p50"] /= 1000  # as if it had been a thousand times as quick
        each["durations"]["p95"] /= 1000
        each["durations"]["p99"] /= 1000
        each["cpu_seconds"] /= 1000
        each["seconds"] /= 1000
    report["scenarios"][0]["rounds"] *= 5
    path.write_text(json.dumps(report))
    ran = processengine(*TINY, "--compare", str(path), "--report", "second")
    assert ran.status == 1
    assert "WORSE: linear p50 " in ran.out
    assert "WORSE: linear p50 " in (folder / "second/report.txt").read_text()
    assert "WORSE: linear p50 " in (folder / "second/report.html").read_text()
    document = processengine(*TINY, "--compare", str(path), "--json").document
    assert document["comparison"]["worse"] is True
    assert document["met"] is True


def test_what_cannot_be_compared_is_told_and_is_no_failure(
    folder: Path, processengine: Engine
) -> None:
    processengine(*TINY, "--report", "first")
    ran = processengine("loadtest", "linear", "--executions", "2", "--rounds", "4",
                        "--compare", "first/report.json")  # fmt: skip
    assert ran.status == 0
    assert "linear was not compared: executions was 3, is 2" in ran.out


def test_a_process_of_one_s_own_is_measured(order: Path, processengine: Engine) -> None:
    ran = processengine(
        "loadtest", "order.yaml", "--nodes", "shop.py", "--executions", "2", "--rounds", "1",
        "--input", "total=200", "--signal", "approval=1", "--rate", "1000", "--json",
        "--option", "worker_pool_size=2",
    )  # fmt: skip
    assert ran.status == 0
    (scenario,) = ran.document["scenarios"]
    assert scenario["name"] == "order"
    assert scenario["setup"]["rate"] == 1000
    assert scenario["setup"]["options"]["worker_pool_size"] == 2
    assert scenario["setup"]["options"]["max_concurrent_executions"] == 2
    assert scenario["total"]["failed"] == 0


def test_failures_are_counted_and_not_printed_one_by_one(
    order: Path, processengine: Engine
) -> None:
    failing = {"id": "failing", "nodes": {"work": {"type": "fail", "retry": {"attempts": 1}}}}
    (order / "failing.json").write_text(json.dumps(failing))
    ran = processengine("loadtest", "failing.json", "--nodes", "shop.py", "--executions", "3",
                        "--rounds", "2", "--quiet", "--target", "completed=0.5")  # fmt: skip
    assert ran.status == 1
    assert ran.err == ""
    assert "failures     6 of 6, 0 refused" in ran.out
    assert "6 x LookupError: it is" in ran.out


def test_a_function_of_one_s_own_is_the_body_of_the_nodes(
    order: Path, processengine: Engine
) -> None:
    (order / "own.py").write_text("async def work(total):\n    return total + 1\n")
    ran = processengine(*TINY, "--nodes", "own.py", "--body", "work", "--input", "total=1", "-q")
    assert ran.status == 0
    assert "body work" in ran.out
    assert "failures     0 of 12" in ran.out


def test_executions_can_be_paused_and_durable(folder: Path, processengine: Engine) -> None:
    ran = processengine(
        *TINY, "--body", "sleep", "--pause", "0.002", "--store", "load.db", "--durability", "lazy",
        "--json",
    )  # fmt: skip
    (scenario,) = ran.document["scenarios"]
    assert scenario["setup"]["durability"] == "lazy"
    assert scenario["total"]["pauses"]["count"] == 12
    assert (folder / "load.db").is_file()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["speed"], "speed: expected one of linear, branching, errors, pause, or a file"),
        (["linear", "linear"], "two scenarios have the same name"),
        (["linear", "--body", "work"], "--body work: expected noop, sleep, or a function of"),
        (["linear", "--target", "speed=1"], "--target speed: expected one of average, p50"),
        (["linear", "--target", "max=soon"], "--target max: expected a number from 0, got 'soon'"),
        (["linear", "--target", "max=true"], "--target max: expected a number from 0, got True"),
        (["linear", "--target", "max"], "--target max: expected FIGURE=VALUE"),
        (["linear", "--durability", "lazy"], "--durability: needs --store FILE"),
        (["linear", "--store", "there.db"], "--store there.db: is there already; name a new file"),
        (["linear", "--report", "there.db"], "--report there.db: cannot be made: File exists"),
        (["linear", "--compare", "none.json"], "none.json: no report of a load test: No such"),
        (["linear", "--compare", "there.db"], "there.db: no report of a load test: "),
        (["linear", "--rate", "0"], "argument --rate: expected a number a second above 0"),
        (["linear", "--rounds", "0"], "argument --rounds: expected a whole number from 1"),
        (["linear", "--option", "speed=1"], "--option: speed: unknown option"),
        (["none.json"], "none.json: there is no such file"),
    ],
)
def test_what_cannot_be_run_is_refused(
    folder: Path, processengine: Engine, arguments: list[str], problem: str
) -> None:
    (folder / "there.db").write_text("")
    ran = processengine("loadtest", *arguments)
    assert ran.status == 2
    assert f": {problem}" in ran.problem
