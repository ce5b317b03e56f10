"""How long a program waits for `import processengine`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from .._measure import Row
from .._scratch import scratch

TIMED = "import time; begin = time.perf_counter(); {}; print(time.perf_counter() - begin)"
OURS, TRIO = "import processengine", "import trio"
ALL = "from processengine import *"
"""What is left for later, such as SQLite, documents and simulation, is imported too."""


def imports(quick: bool) -> list[Row]:
    """The median of fresh processes, for us and for trio alone, which is part of that.

    The modules have been compiled before, as those of an installed package are.
    """
    processes = 2 if quick else 11
    with scratch() as folder:
        ours, everything, alone = (
            _seconds(statement, folder, processes) for statement in (OURS, ALL, TRIO)
        )
    return [
        Row(case="import processengine", ours=ours * 1e3, unit="ms", bar=150.0, stretch=80.0),
        Row(case="the same with all that it leaves for later", ours=everything * 1e3, unit="ms"),
        Row(case="import trio, which is part of that", ours=alone * 1e3, unit="ms"),
    ]


def _seconds(statement: str, compiled: Path, processes: int) -> float:
    """Seconds that the import takes inside a process, not counting its start."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", TIMED.format(statement)]

    def one() -> float:
        done = subprocess.run(
            command, env=environment, cwd=compiled, capture_output=True, text=True, check=True
        )
        return float(done.stdout)

    one()
    return statistics.median(one() for _ in range(processes))
