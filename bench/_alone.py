"""Memory as Python's allocator counts it, measured in a process that does nothing else."""

from __future__ import annotations

import gc
import subprocess
import sys
import tracemalloc


def in_a_process(module: str, call: str) -> float:
    """What an asynchronous function gives on trio: `call` is its name and arguments."""
    code = f"import trio; from {module} import *; print(trio.run({call}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def traced() -> int:
    """Bytes that are allocated now and reachable, counted from the first call on."""
    gc.collect()
    if not tracemalloc.is_tracing():
        tracemalloc.start()
    return tracemalloc.get_traced_memory()[0]
