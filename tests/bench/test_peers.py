"""The runner of other engines, on programs that only pretend to work. No figure is judged here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """# /// script
# dependencies = {dependencies}
# [tool.bench.variants]
# "{name}" = {{ seconds = {seconds}, wrong = {wrong} }}
# ///
import json, pathlib, sys
given = json.loads(sys.argv[1])
(pathlib.Path(given["folder"]) / "store").write_bytes(b"x" * 600)
total = given["executions"] * sum(range(given["steps"])) + given["wrong"]
print(json.dumps({{"seconds": given["seconds"], "total": total, "versions": {{"it": "1"}}}}))
"""


def write_program(
    folder: Path, file: str, name: str, *, seconds: float = 1.0, wrong: int = 0, needs: str = "[]"
) -> None:
    text = PROGRAM.format(name=name, seconds=seconds, wrong=wrong, dependencies=needs)
    (folder / f"{file}.py").write_text(text)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench.peers", "--rounds", "2", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def report(folder: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    path = folder / "report.json"
    size = ("--executions", "3", "--steps", "4")
    done = run("--programs", str(folder), "--json", str(path), *size, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text()), done.stdout


def test_each_engine_has_a_line_with_its_time_and_size_for_a_step(tmp_path: Path) -> None:
    write_program(tmp_path, "on_other", "Other", seconds=0.0012)
    write_program(tmp_path, "on_ours", "processengine", seconds=0.0006)
    found, printed = report(tmp_path)
    ours, other = found["peers"]
    assert [ours["name"], other["name"]] == ["processengine", "Other"]
    assert ours["microseconds"] == pytest.approx(50.0)
    assert ours["bytes"] == 50
    assert other["ratio"] == pytest.approx(2.0)
    assert other["versions"] == {"it": "1"}
    assert "| Other | 100 (100 to 100) | **2.0** | 50 | it 1 |" in printed


def test_only_named_programs_run(tmp_path: Path) -> None:
    write_program(tmp_path, "on_one", "One")
    write_program(tmp_path, "on_two", "Two")
    found, _ = report(tmp_path, "on_two")
    assert [line["name"] for line in found["peers"]] == ["Two"]
    assert found["peers"][0]["ratio"] is None, "ours has not run"


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    done = run("temporal")
    assert done.returncode == 2
    assert "'temporal'" in done.stderr
    assert "on_dbos, on_langgraph, on_processengine" in done.stderr


def test_an_engine_that_did_other_work_fails_alone(tmp_path: Path) -> None:
    write_program(tmp_path, "on_good", "Good")
    write_program(tmp_path, "on_lazy", "Lazy", wrong=-1)
    done = run("--programs", str(tmp_path), "--executions", "2", "--steps", "3")
    assert done.returncode == 1
    assert "failed Lazy: its values add up to 5, expected 6" in done.stdout
    assert "| Good |" in done.stdout
    assert "| Lazy |" not in done.stdout


def test_an_engine_that_crashes_fails_with_its_last_words(tmp_path: Path) -> None:
    write_program(tmp_path, "on_broken", "Broken")
    with (tmp_path / "on_broken.py").open("a") as program:
        program.write("sys.exit('no such table')\n")
    done = run("--programs", str(tmp_path))
    assert done.returncode == 1
    assert "failed Broken: ended with 1: no such table" in done.stdout


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("print()\n", "expected a block of script metadata"),
        ("# /// script\n# dependencies = [\n# ///\n", "its metadata is not TOML"),
        ("# /// script\n# dependencies = []\n# ///\n", "expected a table [tool.bench.variants]"),
        ('# /// script\n# dependencies = ["it>=1"]\n# ///\n', "expected a pinned version"),
    ],
)
def test_a_program_with_unusable_metadata_is_named(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "on_it.py").write_text(text)
    done = run("--programs", str(tmp_path))
    assert done.returncode == 2
    assert str(tmp_path / "on_it.py") in done.stderr
    assert why in done.stderr


@pytest.mark.slow
def test_an_engine_that_cannot_be_installed_is_skipped_with_a_reason(tmp_path: Path) -> None:
    write_program(tmp_path, "on_absent", "Absent", needs='["processengine-absent==1.0"]')
    write_program(tmp_path, "on_good", "Good")
    cache = tmp_path / "cache"
    done = run("--programs", str(tmp_path), "--cache", str(cache), PIP_NO_INDEX="1")
    assert done.returncode == 0, done.stderr
    assert "skipped Absent: processengine-absent==1.0 cannot be installed" in done.stdout
    assert "| Good |" in done.stdout
    assert (cache / ".gitignore").read_text() == "*\n"
