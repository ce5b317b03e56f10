"""The order process, drawn in Python and as a document: both must do the same."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

import processengine as pe
from processengine.runtime.definition import Function, Node

from .conftest import ROOT, LoadExample

DOCUMENT = ROOT / "examples" / "order" / "order.yaml"


@pytest.fixture
def program(load_example: LoadExample) -> ModuleType:
    return load_example("order/order.py")


@pytest.fixture(params=["program", "document"])
def order(request: pytest.FixtureRequest, program: ModuleType) -> pe.ProcessDefinition:
    if request.param == "program":
        drawn: pe.ProcessDefinition = program.order_process()
        return drawn
    return read_document(program)


def read_document(program: ModuleType) -> pe.ProcessDefinition:
    import order_nodes  # type: ignore[import-not-found] # put in reach by `load_example`

    return pe.load_definition(DOCUMENT, pe.NodeTypes.of_module(order_nodes))


async def outcome_of(
    order: pe.ProcessDefinition, approval: object = None, **inputs: Any
) -> pe.Outcome:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(order, inputs)
        if approval is not None:
            await handle.signal("approval", approval)
        return await handle.result()


async def test_a_small_order_is_shipped(
    order: pe.ProcessDefinition, autojump_clock: MockClock
) -> None:
    outcome = (await outcome_of(order, total=120.0)).completed()
    assert outcome.memory["ship"] == (
        "box from shelf-A-17 with invoice A-17: 120.00, on its way to 1 Main Street"
    )
    assert "release" not in outcome.memory


async def test_stock_and_screening_go_side_by_side(
    order: pe.ProcessDefinition, autojump_clock: MockClock
) -> None:
    outcome = await outcome_of(order, total=120.0, pace=4.0)
    # Five steps after one another: reserve, two tries of charge, pack, ship; and one back-off.
    assert 20 <= outcome.duration < 20.2


async def test_a_large_order_waits_for_approval(
    order: pe.ProcessDefinition, autojump_clock: MockClock
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(order, {"total": 4000.0})
        await trio.sleep(60)
        assert handle.status().state == "waiting"
        await handle.signal("approval", True)
        assert "ship" in (await handle.result()).completed().memory


@pytest.mark.parametrize("approval", [False, None], ids=["refused", "too late"])
async def test_a_large_order_that_is_not_approved_is_undone(
    order: pe.ProcessDefinition, approval: object, autojump_clock: MockClock
) -> None:
    outcome = (await outcome_of(order, approval, total=4000.0)).completed()
    assert outcome.memory["release"] == "shelf-A-17 is free again"
    assert "charge" not in outcome.memory


async def test_a_declined_card_is_not_tried_again_and_the_goods_are_released(
    order: pe.ProcessDefinition, autojump_clock: MockClock
) -> None:
    outcome = (await outcome_of(order, total=120.0, card="declined")).completed()
    error = outcome.memory["charge"]
    assert (error.exception, error.attempt) == ("order_nodes.CardDeclined", 2)
    assert outcome.memory["release"] == "shelf-A-17 is free again"
    assert "ship" not in outcome.memory


async def test_what_cannot_be_shipped_is_refunded_and_released(
    order: pe.ProcessDefinition, autojump_clock: MockClock
) -> None:
    outcome = (await outcome_of(order, total=120.0, address="nowhere")).completed()
    assert outcome.memory["refund"].endswith("returned: there is no such address")
    assert outcome.memory["release"] == "shelf-A-17 is free again"


def test_program_and_document_draw_the_same(program: ModuleType) -> None:
    drawn, read = program.order_process(), read_document(program)
    assert set(drawn.connections) == set(read.connections)
    assert drawn.start == read.start
    assert [attrs.evolve(each, description="") for each in read.inputs] == list(drawn.inputs)
    assert {outline(node) for node in drawn.nodes} == {outline(node) for node in read.nodes}


def outline(node: Node) -> tuple[object, ...]:
    """What can be compared of a node: all but its conditions and functions, which have no equal."""
    kind = node.kind
    says = kind.type if isinstance(kind, Function) else type(kind)
    return node.name, says, kind.ports, node.join, node.output, node.retry, node.timeout


async def test_the_program_shows_both_orders(
    program: ModuleType, capsys: pytest.CaptureFixture[str], autojump_clock: MockClock
) -> None:
    await program.main()
    shown = capsys.readouterr().out
    assert "large  approval waits for its signal" in shown
    assert shown.count("is completed") == 2
    assert shown.count("on its way to 1 Main Street") == 2
