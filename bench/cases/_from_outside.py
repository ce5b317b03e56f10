"""How soon a message from another process is answered, by a program that is busy."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from processengine.actors import Pause, Resume
from processengine.runtime.store import Poster, SqliteStore

from .._measure import Row
from .._scratch import scratch

LOOPS = 200
PROGRAM = """
import sys
import trio
import processengine as pe

async def work():
    await trio.sleep(0.01)

working = pe.ProcessBuilder("working")
working.node(work)
idle = pe.ProcessBuilder("idle")
idle.wait("go")

async def main(path, loops):
    async with pe.open_runtime(store=path, max_concurrent_executions=loops) as runtime:
        await runtime.spawn(idle.build(), id="one")
        definition = working.build()

        async def busy():
            while True:
                await (await runtime.spawn(definition)).result()

        async with trio.open_nursery() as nursery:
            for _ in range(loops):
                nursery.start_soon(busy)
            print("ready", flush=True)

trio.run(main, sys.argv[1], int(sys.argv[2]))
"""


def control_from_another_process(quick: bool) -> list[Row]:
    """Pause and resume one execution by turns, while 200 loops spawn durable ones."""
    with scratch() as folder:
        path = folder / "store.db"
        command = [sys.executable, "-c", PROGRAM, str(path), str(LOOPS)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout is not None
            try:
                program.stdout.readline()
                times = _times(path, 10 if quick else 400)
            finally:
                program.kill()
    return [
        Row(
            case="a message from another process, posted to answered, 95th percentile",
            ours=statistics.quantiles(times, n=20)[-1] * 1e3,
            unit="ms",
            bar=100.0,
        ),
        Row(
            case="the same, median",
            ours=statistics.median(times) * 1e3,
            unit="ms",
        ),
    ]


def _times(path: Path, count: int) -> list[float]:
    times: list[float] = []
    store = SqliteStore(path)
    with Poster(store) as poster:
        for number in range(count):
            letter = Resume() if number % 2 else Pause()
            begin = time.perf_counter()
            receipt = poster.send("one", letter, 30.0)
            times.append(time.perf_counter() - begin)
            assert receipt.fate == "answered", receipt
    store.close()
    return times
