"""What an idle execution takes of memory; each measured in a process of its own."""

from __future__ import annotations

import trio
import trio.testing

import processengine as pe

from .._alone import in_a_process, traced
from .._measure import Row

INPUTS: dict[str, object] = {"number": 1, "text": "x", "share": 2.0}


async def executions(count: int, history: int) -> float:
    """Bytes for each execution that waits for a signal and holds three small variables."""
    builder = pe.ProcessBuilder("idle")
    builder.wait("go")
    definition = builder.build()
    options = pe.Options(max_concurrent_executions=count, history_limit=history, keep_ended=0)
    async with pe.open_runtime(options) as runtime:
        await runtime.spawn(definition, INPUTS)
        await trio.testing.wait_all_tasks_blocked()
        before = traced()
        for _ in range(count):
            await runtime.spawn(definition, INPUTS)
        await trio.testing.wait_all_tasks_blocked()
        return (traced() - before) / count


async def tasks(count: int) -> float:
    """The yardstick: bytes for each parked trio task that holds three small variables."""

    async def one(variables: dict[str, object]) -> None:
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        before = traced()
        for _ in range(count):
            nursery.start_soon(one, dict(INPUTS))
        await trio.testing.wait_all_tasks_blocked()
        taken = (traced() - before) / count
        nursery.cancel_scope.cancel()
    return taken


def idle(quick: bool) -> list[Row]:
    """Bytes of an idle execution at 10,000 and at 100,000, to a parked task."""
    counts = (100,) if quick else (10_000, 100_000)
    rows: list[Row] = []
    for count in counts:
        task = in_a_process(__name__, f"tasks, {count}")
        for name, history, bar, stretch in (
            ("without history", 0, 1536.0, 1024.0),
            ("with history", 1000, 1536.0, 1024.0),
        ):
            size = in_a_process(__name__, f"executions, {count}, {history}")
            rows.append(
                Row(case=f"idle execution, {count:,} of them, {name}", ours=size, unit="bytes",
                    bar=bar, stretch=stretch)
            )  # fmt: skip
        rows.append(Row(case=f"parked trio task, {count:,} of them", ours=task, unit="bytes"))
    return rows
