"""A process that is killed in the middle of a step, and goes on in the next program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "survivor" / "survivor.py"
QUICK = """
import runpy, sys, trio
sys.argv = [sys.argv[1], sys.argv[2]]
names = runpy.run_path(sys.argv[0])
names["work"].__globals__["SECONDS"] = float({seconds})
trio.run(names["main"], sys.argv[1])
"""


def start(store: Path, seconds: float) -> subprocess.Popen[str]:
    program = QUICK.format(seconds=seconds)
    command = [sys.executable, "-c", program, str(EXAMPLE), str(store)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_it_survives_a_kill_in_the_middle_of_a_step(tmp_path: Path) -> None:
    store = tmp_path / "house.db"
    with start(store, 3600.0) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "dig begins (key house-1/1)\n"
        program.kill()
    with start(store, 0.0) as program:
        output, _ = program.communicate(timeout=60)
    assert output.splitlines() == [
        "dig begins (key house-1/1)",
        "dig is done",
        "build begins (key house-1/2)",
        "build is done",
        "paint begins (key house-1/3)",
        "paint is done",
        "completed in life 2",
    ]
    with start(store, 0.0) as program:
        output, _ = program.communicate(timeout=60)
    assert output.splitlines() == ["completed in life 2"]
