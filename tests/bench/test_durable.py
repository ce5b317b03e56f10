"""The benches of durability run, at tiny sizes, and report what they measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(case: str, folder: Path) -> list[dict[str, Any]]:
    path = folder / "figures.json"
    run("bench", "--quick", case, "--json", str(path))
    found: list[dict[str, Any]] = json.loads(path.read_text())["rows"]
    return found


def test_a_durable_chain_is_compared_with_a_bare_log_and_the_loop_is_watched(
    tmp_path: Path,
) -> None:
    step, step_lag, lazy, lazy_lag = rows("durable-chain", tmp_path)
    assert step["yardstick_name"] == lazy["yardstick_name"] == "a bare log, batches of 256"
    assert min(step["ratio"], lazy["ratio"]) > 0
    assert "lag" in step_lag["case"]
    assert "lag" in lazy_lag["case"]


@pytest.mark.slow
def test_a_step_of_a_long_chain_is_compared_with_that_of_a_short_one(tmp_path: Path) -> None:
    found = rows("durable-size", tmp_path)
    assert {row["yardstick_name"] for row in found} == {"50 steps"}
    large = next(row for row in found if "a new 10 kB at each step: on the disk" in row["case"])
    assert large["ours"] > 10_000, "random bytes were stored in less than their size"


@pytest.mark.slow
def test_passivated_executions_wake_and_are_recovered(tmp_path: Path) -> None:
    found = rows("passivated", tmp_path)
    assert [row["unit"] for row in found] == ["bytes", "ms", "ms", "s"]
    assert all(row["ours"] > 0 for row in found)


def test_our_own_program_does_the_work_that_is_asked_of_other_engines() -> None:
    printed = run("bench.peers", "on_processengine", "--quick", "--work", "durable")
    assert "| *processengine, side by side* | " in printed
    assert "| *processengine, one after another* | " in printed
