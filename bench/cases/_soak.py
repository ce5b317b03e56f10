"""Whether anything grows in an hour: mixed load in virtual time, in a process of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from .._measure import Row
from ._lengths import grown

ALLOWED = 100_000.0
"""Bytes. A dictionary entry for each execution of the second half would be twice as much."""


def soak(quick: bool) -> list[Row]:
    """Growth from the middle to the end, of memory and of everything that has a length.

    3600 executions and their children in 3600 virtual seconds: retries, an outage that opens a
    breaker, a bulkhead, delays, waits, signals, pauses, cancels, children, a store, passivation
    and retention. Looked at every five minutes, when all have ended. The middle and the end are
    medians of three looks. What has grown is named on the standard error.
    """
    cycles, executions = (4, 20) if quick else (12, 300)
    command = [sys.executable, "-m", "bench.cases._soaked", str(cycles), str(executions)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *looks, whole = map(json.loads, done.stdout.splitlines())
    sizes = [look["bytes"] for look in looks]
    middle = statistics.median(sizes[cycles // 2 - 2 : cycles // 2 + 1])
    end = statistics.median(sizes[-3:])
    longer = grown([look["lengths"] for look in looks])
    for name, (before, after) in longer.items():
        print(f"\nsoak: {name} grew from {before} to {after}", file=sys.stderr)
    name = f"soak, {sum(whole['states'].values()):,} executions in {cycles * 5} virtual minutes"
    return [
        Row(case=f"{name}: memory at the end", ours=end, unit="bytes"),
        Row(
            case=f"{name}: growth in the second half",
            ours=end - middle,
            unit="bytes",
            bar=None if quick else ALLOWED,
        ),
        Row(case=f"{name}: structures that grew", ours=float(len(longer)), unit="of them", bar=0.0),
        Row(
            case=f"{name}: structures that were watched",
            ours=float(len(looks[-1]["lengths"])),
            unit="of them",
        ),
    ]
