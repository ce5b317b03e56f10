"""The program that is killed: `python -m tests.kill._program FOLDER LIFE SEED COPIES`.

It spawns the load into the store of the folder, or finds it there, drives it to its end and writes
down how each execution ended. It prints a line when it begins and one when the runtime is open. At
SIGTERM it leaves its runtime early. What it logs as an error was not expected.
"""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import trio

from processengine import ErrorContext, Outcome, Runtime, open_runtime
from processengine.runtime import _ledger

from ._drivers import DRIVERS, Driving
from ._effects import EffectLog
from ._load import Entry, load
from ._places import effects_in, store_in, summary_in
from ._work import Work

PASSIVATE_AFTER = 0.2
LAZY_LAG = 0.1
BUSY_AT_MOST = 12
SNAPSHOT_BYTES = 500
"""So that lives go on from snapshots as well as from records alone."""


class Program:
    """One life of the program."""

    def __init__(self, folder: Path, life: int, seed: int, copies: int) -> None:
        self._folder = folder
        self._life = life
        self._seed = seed
        self._log = EffectLog(effects_in(folder), life)
        self._entries = load(Work(self._log), copies)
        self._ends: dict[str, dict[str, Any]] = {}

    async def run(self) -> None:
        """Run the load until it has ended, or SIGTERM comes."""
        with trio.open_signal_receiver(signal.SIGTERM) as signals:
            await self._run(signals)
        if len(self._ends) == len(self._entries):
            summary_in(self._folder).write_bytes(msgspec.json.encode(self._ends, order="sorted"))

    async def _run(self, signals: Any) -> None:
        async with open_runtime(
            store=store_in(self._folder),
            definitions=[entry.definition for entry in self._entries],
            passivate_after=PASSIVATE_AFTER,
            lazy_lag=LAZY_LAG,
            max_concurrent_executions=BUSY_AT_MOST,
            block_warning=None,
            seed=self._seed + self._life,
        ) as runtime:
            tell("ready")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_leave, signals, nursery.cancel_scope)
                await self._drive_all(runtime)
                nursery.cancel_scope.cancel()
        tell("closed")

    async def _drive_all(self, runtime: Runtime) -> None:
        async with trio.open_nursery() as nursery:
            for entry in self._entries:
                nursery.start_soon(self._drive, runtime, entry)
                await trio.sleep(0.001)

    async def _drive(self, runtime: Runtime, entry: Entry) -> None:
        handle = await runtime.spawn(entry.definition, entry.inputs, id=entry.id)
        if not self._log.has("spawned", entry.id):
            self._log.note("spawned", entry.id)
        random = Random(f"{self._seed} {self._life} {entry.id}")
        await DRIVERS[entry.drive](Driving(store_in(self._folder), handle, self._log, random))
        outcome = await handle.result()
        self._ends[entry.id] = _end_of(outcome)
        if not self._log.has("ended", entry.id):
            self._log.note("ended", entry.id, outcome.state)


async def _leave(signals: Any, scope: trio.CancelScope) -> None:
    async for _ in signals:
        scope.cancel()


def _end_of(outcome: Outcome) -> dict[str, Any]:
    """What of an end does not depend on when things happened."""
    memory = {name: _plain(value) for name, value in outcome.memory.items()}
    return {
        "state": outcome.state,
        "memory": memory,
        "reason": outcome.reason if outcome.error is None else None,
        "error": _plain(outcome.error),
    }


def _plain(value: object) -> object:
    if isinstance(value, ErrorContext):
        return f"{value.node}: {value.exception}: {value.message}"
    return value


def _is_unexpected(record: logging.LogRecord) -> bool:
    return not str(getattr(record, "execution", "")).startswith("doomed")


def tell(what: str) -> None:
    """Tell whoever started the program how far it is."""
    print(what, flush=True)  # noqa: T201 - the parent reads it


def main(folder: str, life: str, seed: str, copies: str) -> None:
    """Run one life."""
    handler = logging.StreamHandler()
    handler.addFilter(_is_unexpected)
    logging.basicConfig(level=logging.ERROR, handlers=[handler])
    tell("begins")
    _ledger.SNAPSHOT_BYTES = SNAPSHOT_BYTES
    program = Program(Path(folder), int(life), int(seed), int(copies))
    trio.run(program.run)


if __name__ == "__main__":
    main(*sys.argv[1:])
