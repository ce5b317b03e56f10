"""The specification's baselines: every one has its figures, and its line in the results."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

EMPTY = """words
<!-- baselines: begin -->
none yet
<!-- baselines: end -->
<!-- generated: begin -->
<!-- generated: end -->
"""


def printed(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def named_cases() -> list[str]:
    code = """if True:
        from bench._baselines import BASELINES
        print(*(case for each in BASELINES for case in each.cases), sep="\\n")
    """
    return printed("-c", code).splitlines()


@pytest.mark.slow
def test_every_figure_of_a_baseline_is_measured_and_has_a_positive_value(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    printed("-m", "bench", "--quick", "specification", "--json", str(path))
    rows = json.loads(path.read_text())["rows"]
    assert {row["case"] for row in rows} == {*named_cases()}
    assert all(row["ours"] > 0 for row in rows)


def test_the_results_show_our_figures_beside_those_of_the_specification(tmp_path: Path) -> None:
    results = tmp_path / "RESULTS.md"
    results.write_text(EMPTY)
    code = f"""if True:
        from pathlib import Path
        from bench._baselines import PAUSED, RETRY, ROUTING
        from bench._measure import Row
        from bench._report import write
        rows = [
            Row(case=PAUSED, ours=2941.0, unit="bytes", bar=10_000.0),
            Row(case=RETRY, ours=0.25, unit="ms", bar=200.0),
            Row(case=ROUTING, ours=0.00005, unit="ms", bar=1.0),
        ]
        write(Path({str(tmp_path)!r}), rows, {{}}, "python -m bench")
    """
    printed("-c", code)
    text = results.read_text()
    assert text.startswith("words\n")
    assert "| Error retry overhead | 500 ms | 200 ms | 0.25 ms (a retry beyond" in text
    assert "| 2.94 kB (paused execution in memory) |" in text
    assert "0.05 µs (routing, a decision among 10 connections)" in text
    assert "Execution time" not in text, "it was not measured"
    assert text.index("baselines: end") < text.index("generated: begin") < text.index("| 0.25 ms |")


def test_results_of_other_cases_leave_the_baselines_alone(tmp_path: Path) -> None:
    results = tmp_path / "RESULTS.md"
    results.write_text(EMPTY.replace("none yet", "kept"))
    code = f"""if True:
        from pathlib import Path
        from bench._measure import Row
        from bench._report import write
        write(Path({str(tmp_path)!r}), [Row(case="a", ours=1.0, unit="ms")], {{}}, "python")
    """
    printed("-c", code)
    assert "kept" in results.read_text()
