"""The soak: an hour of mixed load in virtual time, in which nothing may grow; here a short one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


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


@pytest.mark.slow
def test_a_short_soak_goes_through_all_that_it_should_and_no_structure_grows(
    tmp_path: Path,
) -> None:
    lines = printed("-m", "bench.cases._soaked", "4", "60").splitlines()
    seen: list[dict[str, Any]] = [json.loads(line) for line in lines]
    *looks, whole = seen
    assert {"completed", "failed", "cancelled"} <= whole["states"].keys()
    assert sum(whole["states"].values()) > 4 * 60, "children are executions too"
    assert whole["retries"] > 0
    assert whole["dead_letters"] > 0
    samples = [look["lengths"] for look in looks]
    assert whole["asleep"] > 0, "none was passivated"
    names = "Core.live", "Sleepers.asleep", "Sleepers._sorts", "MemoryStore._entries"
    for name in (*names, "NodeGroup.parked"):
        assert [sample.get(name) for sample in samples] == [0] * 4, f"{name} is not empty"


@pytest.mark.slow
def test_its_rows_say_what_grew(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    printed("-m", "bench", "--quick", "soak", "--json", str(path))
    rows = json.loads(path.read_text())["rows"]
    assert [row["case"].partition(": ")[2] for row in rows] == [
        "memory at the end",
        "growth in the second half",
        "structures that grew",
        "structures that were watched",
    ]
    assert rows[3]["ours"] > 50


def test_every_container_behind_an_object_of_the_engine_is_measured() -> None:
    code = """if True:
        import processengine as pe
        from bench.cases._lengths import lengths
        store = pe.MemoryStore()
        before = lengths(store)
        store._entries.update({"a": [1, 2], "b": [3]})
        after = lengths(store)
        print(before["MemoryStore._entries"], after["MemoryStore._entries"])
        print(after["MemoryStore._entries[]"])
        print(any(name.startswith("processengine.") for name in after))
    """
    assert printed("-c", code).split() == ["0", "2", "3", "True"]


def test_what_leaks_has_grown_and_what_varies_has_not() -> None:
    code = """if True:
        from bench.cases._lengths import grown
        samples = [{"leak": 5 * n, "level": 100 + n % 3, "once": 0} for n in range(12)]
        samples[-1]["once"] = 50
        print(*grown(samples))
    """
    assert printed("-c", code).split() == ["leak"]
