"""The benches run, at tiny sizes, and report what they measured. No figure is judged here."""

from __future__ import annotations

import json
import re
import shutil
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
        timeout=800,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "case",
    [
        "chain",
        "fork-join",
        "failing",
        "guards",
        "imports",
        "messages",
        "names",
        "pausing",
        "pools",
        "spawning",
    ],
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


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_instructions_are_counted_alike_every_time(tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    bench("instructions", "--json", str(path))
    rows = json.loads(path.read_text())["rows"]
    assert len(rows) == 5
    assert all(row["ours"] > 1000 for row in rows)
    again = bench("instructions", "--against", str(path))
    changes = re.findall(r"([-+][0-9.]+)% \|$", again, re.MULTILINE)
    assert len(changes) == 5
    assert max(abs(float(change)) for change in changes) < 5, "of sizes so small a part is noise"


def test_without_valgrind_instructions_are_skipped_and_it_is_said_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "instructions"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=800,
    )
    assert "skipped, as valgrind is not installed" in done.stderr
    assert "instructions:" not in done.stdout


def test_figures_are_compared_with_those_of_an_earlier_report(tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    bench("pausing", "--json", str(path))
    printed = bench("pausing", "--against", str(path))
    assert len(re.findall(r"one of 10 running.*[-+][0-9.]+% \|$", printed, re.MULTILINE)) == 2


def test_an_unknown_case_is_refused_with_the_known_ones() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "speed"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 2
    assert "fork-join" in done.stderr
