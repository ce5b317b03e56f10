import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Engine

FORK = {
    "id": "fork",
    "nodes": {
        "begin": {"type": "work", "then": ["a", "b", "c"]},
        "a": {"type": "work", "then": "end"},
        "b": {"type": "work", "then": "end"},
        "c": {"type": "work", "then": "end"},
        "end": {"type": "work"},
    },
}
COMMAND = ("simulate", "fork.json", "--nodes", "work.py")
DURATIONS = [
    part
    for each in ("begin=1", "a=2", "b=3", "c=4", "end=1")
    for part in ("--duration", each)
]  # fmt: skip


@pytest.fixture
def fork(folder: Path) -> Path:
    (folder / "fork.json").write_text(json.dumps(FORK))
    (folder / "work.py").write_text("def work(): ...\n")
    return folder


def report(processengine: Engine, *arguments: str) -> Any:
    ran = processengine(*COMMAND, *DURATIONS, "--json", *arguments)
    assert ran.status == 0
    return ran.document


def test_figures_are_seconds_and_counts(fork: Path, processengine: Engine) -> None:
    document = report(processengine)
    assert {key: document[key] for key in list(document)[:12]} == {
        "definition": "fork v1",
        "workers": None,
        "state": "completed",
        "reason": None,
        "error": None,
        "makespan": 6,
        "critical_path": 6,
        "tasks": 5,
        "attempts": 5,
        "peak_concurrency": 3,
        "busy": 11,
        "utilisation": pytest.approx(11 / 18),
    }
    assert [step["node"] for step in document["path"]] == ["begin", "c", "end"]
    assert document["runs"][0] == {
        "execution": "fork", "node": "begin", "step": 1, "attempt": 1, "item": None,
        "started": 0, "ended": 1, "outcome": "completed",
    }  # fmt: skip


def test_workers_are_bounded_if_asked(fork: Path, processengine: Engine) -> None:
    document = report(processengine, "--workers", "1")
    assert (document["workers"], document["makespan"], document["utilisation"]) == (1, 11, 1)


def test_the_report_for_people_has_the_same_figures(fork: Path, processengine: Engine) -> None:
    lines = processengine(*COMMAND, *DURATIONS, "--workers", "3").out.splitlines()
    assert lines == [
        "fork v1 completed, simulated with 3 workers",
        "  makespan          6.000 s",
        "  critical path     6.000 s in 3 steps",
        "  tasks             5 in 5 attempts",
        "  peak concurrency  3",
        "  utilisation       61.1% (11.0 s busy)",
        "  longest way",
        "         1.000 s  begin",
        "         4.000 s  c",
        "         1.000 s  end",
    ]


def test_a_gantt_chart_is_written(fork: Path, processengine: Engine) -> None:
    processengine(*COMMAND, *DURATIONS, "--gantt", "chart.svg")
    chart = (fork / "chart.svg").read_text(encoding="utf-8")
    assert chart.startswith("<svg ")
    assert chart.count(" critical") == 3


def test_the_exit_status_tells_how_the_execution_ended(order: Path, processengine: Engine) -> None:
    failing = {"id": "failing", "nodes": {"work": {"type": "fail", "retry": {"attempts": 1}}}}
    (order / "failing.json").write_text(json.dumps(failing))
    ran = processengine("simulate", "failing.json", "--nodes", "shop.py")
    assert ran.status == 1
    assert "LookupError: it is" in ran.out


def test_what_nodes_print_does_not_get_into_the_document(
    order: Path, processengine: Engine
) -> None:
    ran = processengine("simulate", "order.yaml", "--nodes", "shop.py", "--json")
    assert ran.document["state"] == "completed"
    assert "reserved by print" in ran.err


def test_a_signal_that_never_comes_is_named(order: Path, processengine: Engine) -> None:
    arguments = ("simulate", "order.yaml", "--nodes", "shop.py", "--input", "total=200")
    ran = processengine(*arguments)
    assert ran.status == 2
    assert ran.err.endswith("it waits for signal 'approval' at node 'approve'\n")
    assert processengine(*arguments, "--signal", "approval=1").status == 0
