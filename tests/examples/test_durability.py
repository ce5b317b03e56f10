"""What docs/durability.md shows."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import attrs
import pytest
import trio

import processengine as pe

from .conftest import LoadExample


async def pack(item: str) -> str:
    return f"{item}, packed"


def drawn() -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("order")
    process.node(pack)
    return process.build()


order = drawn()


async def take_an_order() -> pe.ActorHandle:
    async with pe.open_runtime(store="orders.db", definitions=[order]) as runtime:
        return await runtime.spawn(order, {"item": "lamp"}, id="order-17")


@attrs.frozen
class Invoice:
    total: Decimal


types = pe.ValueTypes()
types.register(Invoice, "invoice")  # attrs, dataclass, msgspec struct, enum, named tuple


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_an_order_is_on_disk() -> None:
    handle = trio.run(take_an_order)

    async def look() -> pe.Outcome:
        async with pe.open_runtime(store="orders.db", definitions=[order]) as runtime:
            return await (await runtime.find(handle.id)).result()

    assert trio.run(look).memory["pack"] == "lamp, packed"


def test_registered_values_come_back() -> None:
    async def bill() -> Invoice:
        return Invoice(Decimal("1.10"))

    process = pe.ProcessBuilder("billing")
    process.node(bill)
    definition = process.build()

    async def play(id: str) -> pe.Outcome:
        runtime = pe.open_runtime(store="bills.db", definitions=[definition], types=types)
        async with runtime as opened:
            return await (await opened.spawn(definition, id=id)).result()

    assert trio.run(play, "one").memory == trio.run(play, "one").memory
    assert trio.run(play, "one").memory["bill"] == Invoice(Decimal("1.10"))


def test_the_example_is_a_program(load_example: LoadExample) -> None:
    assert load_example("survivor/survivor.py").house().id == "house"
