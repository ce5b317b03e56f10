"""Recorded scientific workflows on the command line, against the table in the data's own README."""

import json
import os
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from .conftest import Engine

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("SHARED_DATA", ROOT.parent / "shared")) / "data"


class Recorded(NamedTuple):
    """A row of the table; lengths in seconds."""

    file: str
    tasks: int
    edges: int
    critical_path: float
    sum_of_durations: float


def table() -> list[Recorded]:
    readme = DATA / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.exists() else ""
    row = re.compile(r"^\| (\S+\.json) \| (\d+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \|", re.MULTILINE)
    rows = row.findall(text)
    return [Recorded(f, int(n), int(e), float(path), float(s)) for f, n, e, path, s in rows]


recorded = pytest.mark.parametrize(
    "row",
    table() or [pytest.param(None, marks=pytest.mark.skip(reason="needs the shared data folder"))],
    ids=lambda row: row.file if row else "none",
)


@recorded
def test_the_makespan_is_the_critical_path(row: Recorded, processengine: Engine) -> None:
    file = str(DATA / "wfinstances" / row.file)
    report = processengine("simulate", file, "--json").document
    assert report["state"] == "completed"
    assert report["tasks"] == row.tasks
    assert report["makespan"] == pytest.approx(row.critical_path, abs=0.0005)
    assert report["critical_path"] == pytest.approx(row.critical_path, abs=0.0005)
    two = processengine("simulate", file, "--workers", "2", "--json").document
    assert two["peak_concurrency"] == 2
    assert row.sum_of_durations / 2 <= two["makespan"] + 0.0005
    assert two["utilisation"] == pytest.approx(row.sum_of_durations / 2 / two["makespan"])


@recorded
def test_it_is_checked_and_drawn(row: Recorded, processengine: Engine) -> None:
    file = str(DATA / "wfinstances" / row.file)
    checked = processengine("check", file)
    assert checked.status == 0
    assert f"{row.tasks} nodes, {row.edges} connections, no faults" in checked.out
    assert processengine("graph", file, "--format", "svg").out.startswith("<svg ")


def test_a_recorded_workflow_runs_as_long_as_it_took(folder: Path, processengine: Engine) -> None:
    def task(id: str, parents: list[str], children: list[str]) -> dict[str, object]:
        return {"name": id, "id": id, "parents": parents, "children": children}

    workflow = {
        "name": "short",
        "schemaVersion": "1.5",
        "workflow": {
            "specification": {"tasks": [task("a", [], ["b"]), task("b", ["a"], [])]},
            "execution": {
                "makespanInSeconds": 0.02,
                "executedAt": "2024-01-01T00:00:00Z",
                "tasks": [{"id": id, "runtimeInSeconds": 0.01} for id in ("a", "b")],
            },
        },
    }
    (folder / "short.json").write_text(json.dumps(workflow))
    ran = processengine("run", "short.json", "--json")
    assert ran.status == 0
    assert ran.document["state"] == "completed"
    assert ran.document["duration"] >= 0.02
