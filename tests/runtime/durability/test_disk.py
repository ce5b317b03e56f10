"""Real files on disks that do not do as they should."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import apsw
import pytest
import trio

import processengine as pe
from processengine.runtime.store import Append
from processengine.runtime.testing._store_conformance import turn
from processengine.testing import Fault, FaultyStore, StoreCall, run_virtual

from ._witness import WitnessStore
from .test_lives import KINDS, undisturbed

STEPS = 6
BLOCK = 40_000

LIMITED = """
import logging
import resource
import sys

import trio

import processengine as pe

FREE = resource.getrlimit(resource.RLIMIT_FSIZE)


async def block() -> bytes:
    return bytes(40_000)


class Room(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if "nothing can be stored" in record.getMessage():
            print("full", flush=True)
            resource.setrlimit(resource.RLIMIT_FSIZE, FREE)


made = pe.ProcessBuilder("blocks")
last = made.node("n0", block)
for number in range(1, 6):
    last = last.then(made.node(f"n{number}", block))


async def main() -> None:
    logging.getLogger("processengine.store").addHandler(Room())
    async with pe.open_runtime(store=sys.argv[1]) as runtime:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, FREE[1]))
        outcome = await (await runtime.spawn(made.build(), id="x")).result()
    print(outcome.state)


trio.run(main)
"""


async def block() -> bytes:
    return os.urandom(BLOCK)


def blocks() -> pe.ProcessDefinition:
    made = pe.ProcessBuilder("blocks")
    last = made.node("n0", block)
    for number in range(1, STEPS):
        last = last.then(made.node(f"n{number}", block))
    return made.build()


class MoreRoom(logging.Handler):
    """Makes room on a full disk as soon as somebody is told that it is full."""

    def __init__(self, store: pe.SqliteStore) -> None:
        super().__init__()
        self._writer = store._database._writer  # pyright: ignore[reportPrivateUsage]
        self.told: list[str] = []

    def fill(self) -> None:
        """Leave no room."""
        self._writer.pragma("max_page_count", self._writer.pragma("page_count") + 3)

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())
        self._writer.pragma("max_page_count", 1_000_000)


def test_on_a_full_disk_executions_wait_and_nothing_fails(tmp_path: Path) -> None:
    store = pe.SqliteStore(tmp_path / "store.db")
    room = MoreRoom(store)
    log = logging.getLogger("processengine.store")

    async def main() -> pe.Outcome:
        async with pe.open_runtime(store=store) as runtime:
            room.fill()
            return await (await runtime.spawn(blocks(), id="x")).result()

    log.addHandler(room)
    try:
        outcome = trio.run(main)
    finally:
        log.removeHandler(room)
    store.close()
    assert outcome.state == "completed"
    assert "there is no space left" in room.told[0]
    assert "works again" in room.told[1]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_a_file_that_must_not_grow_makes_executions_wait(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "store.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["full", "completed"], done.stderr


def turns(count: int) -> list[Append]:
    """Turns of one execution, one record each."""
    return [turn("a", seq, b"%d" % seq * 300) for seq in range(1, count + 1)]


@pytest.mark.parametrize("seed", range(12))
def test_a_log_that_is_torn_anywhere_leaves_whole_commits(seed: int, tmp_path: Path) -> None:
    random, path, copy = Random(seed), tmp_path / "store.db", tmp_path / "torn.db"
    store = pe.SqliteStore(path)
    for each in turns(20):
        store.commit((each,))
    log = path.with_name("store.db-wal").read_bytes()
    shutil.copyfile(path, copy)
    cut = random.randrange(len(log))
    torn = log[:cut] + random.randbytes(random.choice((0, 500, len(log) - cut)))
    copy.with_name("torn.db-wal").write_bytes(torn)
    store.close()
    found = _opened(copy)
    if found is None:  # cut off before the tables were
        assert cut < 100_000
        return
    stored = found.load("a")
    count = 0 if stored is None else stored.head.seq
    assert found.journal("a") == tuple(
        record for each in turns(count) for record in each.numbered()
    )
    found.commit(turns(20)[count:])
    found.close()


def _opened(path: Path) -> pe.SqliteStore | None:
    connection: Any = apsw.Connection(str(path))
    tables = list(connection.execute("SELECT count(*) FROM sqlite_schema"))
    checked = list(connection.execute("PRAGMA integrity_check"))
    connection.close()
    assert checked == [("ok",)]
    return pe.SqliteStore(path) if tables[0][0] else None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fault_at_any_commit_does_no_harm(kind: Fault, seed: int) -> None:
    at, commits = 0, 1
    while at < commits:
        at += 1
        random = Random(seed)
        saga = undisturbed(random)
        made: list[FaultyStore] = []

        def faulty(
            store: WitnessStore, at: int = at, made: list[FaultyStore] = made
        ) -> FaultyStore:
            made.append(FaultyStore(store, {at: kind}))
            return made[0]

        saga.outermost = faulty
        saga.play(random).check()
        commits = made[0].commits
    assert commits > 1


async def last() -> str:
    return "done"


def waiting() -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder("waiting")
    builder.wait("go").then(builder.node(last))
    return builder.build()


REFUSALS: dict[str, dict[StoreCall, dict[int, Fault]]] = {
    "it cannot be taken over": {"take_over": {1: "fail"}},
    "it is taken over, and that is not told": {"take_over": {1: "lose"}},
    "nothing of it can be read": {"list": {1: "fail"}},
    "half of it can be read": {"list": {1: "tear"}},
}


@pytest.mark.parametrize("others", REFUSALS.values(), ids=REFUSALS)
def test_a_store_that_could_not_be_opened_can_be_opened_later(
    others: dict[StoreCall, dict[int, Fault]],
) -> None:
    store = pe.MemoryStore()

    async def main() -> None:
        async with pe.open_runtime(store=store, wall_clock=trio.current_time) as runtime:
            for id in ("one", "two"):
                await runtime.spawn(waiting(), id=id)
        opening = pe.open_runtime(
            store=FaultyStore(store, others=others),
            definitions=[waiting()],
            wall_clock=trio.current_time,
        )
        with pytest.raises(pe.StoreError, match="was to"):
            async with opening:
                pytest.fail("it is open")
        async with pe.open_runtime(
            store=store, definitions=[waiting()], wall_clock=trio.current_time
        ) as runtime:
            handle = runtime.get("two")
            await handle.signal("go")
            assert (await handle.result()).memory["last"] == "done"

    run_virtual(main)


def test_opening_a_store_can_be_cancelled() -> None:
    store = pe.MemoryStore()

    async def main() -> None:
        async with pe.open_runtime(store=store, wall_clock=trio.current_time) as runtime:
            await runtime.spawn(waiting(), id="one")

        async def load(id: str, version: int | None) -> None:
            await trio.sleep_forever()

        with trio.move_on_after(5) as scope:
            async with pe.open_runtime(store=store, wall_clock=trio.current_time, loader=load):
                pytest.fail("it is open")
        assert scope.cancelled_caught
        async with pe.open_runtime(
            store=store, definitions=[waiting()], wall_clock=trio.current_time
        ) as runtime:
            await runtime.get("one").signal("go")

    run_virtual(main)
