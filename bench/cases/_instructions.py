"""How many machine instructions the hot path takes: figures that noise hardly reaches.

Counted by valgrind's callgrind, in one process that runs every process N times and then 2N times:
the difference of the two is what N executions take, without the start of Python and the opening of
a runtime. Two counts of the same code on the same Python differ by 0.1% at most (measured: 0.02%),
whatever else the machine does; on another build of Python they are other figures. An instruction is
not a time: use it to see whether a change has made the path longer, and `chain` to see what of it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .._measure import Row
from .._scratch import scratch
from ._counted import COUNTED, MARK, Counted

SUMMARY = re.compile(r"^summary: (\d+)$", re.MULTILINE)
QUICK_SHARE = 0.02


def instructions(quick: bool) -> list[Row]:
    """Instructions of a node in several processes; no row where there is no valgrind."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        print("\ninstructions: skipped, as valgrind is not installed", file=sys.stderr)
        return []
    share = QUICK_SHARE if quick else 1.0
    with scratch() as folder:
        counts = _counts(valgrind, folder, share)
    runs = zip(counts[1::3], counts[2::3], strict=True)
    return [
        _row(counted, twice - once, share)
        for counted, (once, twice) in zip(COUNTED, runs, strict=True)
    ]


def _row(counted: Counted, instructions: int, share: float) -> Row:
    pieces = counted.executions_at(share) * counted.parts
    return Row(
        case=f"instructions: {counted.name}",
        ours=instructions / pieces,
        unit=f"instructions {counted.unit}",
    )


def _counts(valgrind: str, folder: Path, share: float) -> list[int]:
    """The instructions of each run, in order."""
    program = [sys.executable, "-m", "bench.cases._counted", str(share)]
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "0",
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    counting = [
        valgrind,
        "--tool=callgrind",
        f"--dump-before={MARK}",
        f"--callgrind-out-file={folder / 'count'}",
    ]
    # Once without valgrind, so that what is counted finds the modules compiled.
    for command in (program, [*counting, *program]):
        subprocess.run(command, env=environment, capture_output=True, check=True)
    marked = sorted(folder.glob("count.*"), key=lambda path: int(path.suffix[1:]))
    return [int(SUMMARY.findall(path.read_text(encoding="utf-8"))[0]) for path in marked]
