"""The benches run, at tiny sizes, and report what they measured. No figure is judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def bench(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "case", ["chain", "fork-join", "failing", "guards", "imports", "messages", "pausing"]
)
def test_a_case_gives_a_row_for_every_figure(case: str, tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    printed = bench(case, "--json", str(path))
    report = json.loads(path.read_text())
    assert report["rows"]
    for row in report["rows"]:
        assert row["ours"] > 0
        assert row["case"] in printed
    assert {"processor", "cores", "python", "trio"} <= report["machine"].keys()


@pytest.mark.slow
@pytest.mark.parametrize("case", ["sleeping", "idle", "graphs"])
def test_a_slower_case_does_too(case: str) -> None:
    assert bench(case).count("|") > 14, "a header and no row"


def test_an_unknown_case_is_refused_with_the_known_ones() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "speed"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "fork-join" in done.stderr
