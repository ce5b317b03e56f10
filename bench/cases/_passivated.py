"""What an execution takes that has left memory, and how fast it is back."""

from __future__ import annotations

import json
import subprocess
import sys

from .._measure import Row


def passivated(quick: bool) -> list[Row]:
    """100,000 executions that wait for a signal, passivated; measured in a process of their own."""
    count = 100 if quick else 100_000
    command = [sys.executable, "-m", "bench.cases._passivation", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    name = f"passivated execution, {count:,} of them"
    return [
        Row(case=f"{name}: memory", ours=figures["bytes"], unit="bytes"),
        Row(case=f"{name}: a signal ends it, median", ours=figures["wake"] * 1e3, unit="ms"),
        Row(case=f"{name}: 95th percentile", ours=figures["wake_slow"] * 1e3, unit="ms"),
        Row(case=f"{name}: to recover all", ours=figures["recovery"], unit="s"),
    ]
