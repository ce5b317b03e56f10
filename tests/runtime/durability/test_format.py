"""A store file of the first version that made one is opened by this one, and all of it goes on."""

from __future__ import annotations

import shutil
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
import trio

import processengine as pe
from processengine.runtime.store import KeptDefinition

from .format_1 import processes

FILE = Path(__file__).parent / "format_1" / "store.db"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return Path(shutil.copy(FILE, tmp_path / "store.db"))


def test_its_schema_has_a_version(store: Path) -> None:
    connection = sqlite3.connect(store)
    assert connection.execute("SELECT version FROM schema_version").fetchall() == [(1,)]
    assert connection.execute("SELECT count(*) FROM snapshot").fetchone() > (0,)
    connection.close()


def test_opening_it_brings_its_schema_up_to_date_and_loses_nothing(store: Path) -> None:
    connection = sqlite3.connect(store)
    count = "SELECT (SELECT count(*) FROM execution), (SELECT count(*) FROM record)"
    before = connection.execute(count).fetchone()
    opened = pe.SqliteStore(store)
    opened.put_definition(KeptDefinition("orders", 1, "0123", b"{}"))
    opened.close()
    versions = connection.execute("SELECT version FROM schema_version ORDER BY version")
    assert versions.fetchall() == [(1,), (2,)]
    assert connection.execute(count).fetchone() == before
    connection.close()
    opened = pe.SqliteStore(store)
    assert opened.definition("orders") == KeptDefinition("orders", 1, "0123", b"{}")
    opened.close()


def test_everything_in_it_goes_on(store: Path) -> None:
    money = processes.Money(Decimal("9.90"), "EUR")

    async def main() -> dict[str, pe.Outcome]:
        async with pe.open_runtime(
            store=store,
            definitions=processes.ALL,
            types=processes.types(),
            execution_timeout=None,
        ) as runtime:
            assert [each.id for each in runtime.list(state="parked")] == []
            assert runtime.get("paused").status().state == "paused"
            await runtime.get("paused").resume()
            for id in ("waiting", "paused", "large", "calling/child.1"):
                await runtime.get(id).signal("answer", id)
            await runtime.wait_all_ended()
            found = [await runtime.find(each.id) for each in runtime.list()]
            ended = {each.id: await each.result() for each in found}
            for id in ("failed", "early", "forked"):
                ended[id] = await (await runtime.find(id)).result()
            history = await runtime.get("failed").history()
            assert [type(record.message).__name__ for record in history] == [
                "Begin",
                "Completed",
                "Failed",
            ]
            return ended

    outcomes = trio.run(main)
    assert outcomes["waiting"].memory == {"price": money, "answer": "waiting"}
    assert outcomes["paused"].memory == {"price": money, "answer": "paused"}
    assert outcomes["early"].memory == {"price": money, "answer": {"kept": (1, 2)}}
    assert outcomes["working"].memory == {"price": money, "long": "attempt 2", "last": money}
    assert outcomes["doubling"].memory["all"] == [2, 4, 6]
    child = {"price": money, "answer": "calling/child.1"}
    assert outcomes["calling"].memory == {"child": child, "after": money}
    assert outcomes["large"].memory["text"] == "00029" * 2000
    assert outcomes["failed"].state == "failed"
    assert outcomes["forked"].memory == {"price": money, "good": True, "shaky": "good"}
