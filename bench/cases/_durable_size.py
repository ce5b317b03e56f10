"""Bytes of a stored step: on the disk in the end, and written on the way there."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import attrs
import trio

import processengine as pe

from .._measure import Row
from .._scratch import scratch

Memory = Literal["small values", "a new 10 kB at each step", "10 kB that stay"]
KINDS: tuple[Memory, ...] = ("small values", "a new 10 kB at each step", "10 kB that stay")
BLOCK = 10_000
BAR = 1.3


@attrs.frozen
class Cost:
    """Bytes a step; `written` is None where the system does not count it."""

    kept: float
    written: float | None


def node(kind: Memory, number: int) -> Callable[[], Awaitable[object]]:
    """A node whose value has the size that is meant; a large one is random: nothing shrinks it."""
    is_large = kind == "a new 10 kB at each step" or (kind == "10 kB that stay" and number == 0)
    value: object = number if kind == "small values" else None

    async def give() -> object:
        return random.Random(number).randbytes(BLOCK) if is_large else value

    return give


def chain(kind: Memory, steps: int) -> pe.ProcessDefinition:
    """Nodes in a row."""
    builder = pe.ProcessBuilder("sized")
    last = builder.node("n0", node(kind, 0))
    for number in range(1, steps):
        last = last.then(builder.node(f"n{number}", node(kind, number)))
    return builder.build()


async def _store(definition: pe.ProcessDefinition, path: Path, count: int) -> None:
    async with pe.open_runtime(store=path, definitions=[definition], history_limit=0) as runtime:
        for _ in range(count):
            await (await runtime.spawn(definition)).result()


def cost(kind: Memory, steps: int, count: int) -> Cost:
    """What executions of so many steps take for each, beyond what an empty store takes."""
    definition = chain(kind, steps)
    empty, full = _bytes(definition, 0), _bytes(definition, count)
    total = steps * count
    written = None if full[1] is None or empty[1] is None else (full[1] - empty[1]) / total
    return Cost((full[0] - empty[0]) / total, written)


def _bytes(definition: pe.ProcessDefinition, count: int) -> tuple[int, int | None]:
    with scratch() as folder:
        before = _written()
        trio.run(_store, definition, folder / "store.db", count)
        after = _written()
        kept = sum(path.stat().st_size for path in folder.iterdir())
    return kept, None if before is None or after is None else after - before


def _written() -> int | None:
    """Bytes that this process has written to files so far."""
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar"))


def durable_sizes(quick: bool) -> list[Row]:
    """Chains of 100, 1000 and 5000 steps; a step of a long one should cost no more.

    All lengths get the same number of steps in all: a file grows by pages, not by bytes.
    """
    few, *more = (50, 200) if quick else (100, 1000, 5000)
    rows: list[Row] = []
    for kind in KINDS:
        first = cost(kind, few, more[-1] // few)
        for steps in more:
            then = cost(kind, steps, more[-1] // steps)
            name = f"{steps:,} steps in a row, {kind}"
            rows.append(_row(f"{name}: on the disk", then.kept, first.kept, few))
            if then.written is not None and first.written is not None:
                rows.append(_row(f"{name}: written", then.written, first.written, few))
    return rows


def _row(case: str, ours: float, at_few: float, few: int) -> Row:
    return Row(
        case=case,
        ours=ours,
        unit="bytes a step",
        yardstick=at_few,
        yardstick_name=f"{few} steps",
        bar=BAR,
    )
