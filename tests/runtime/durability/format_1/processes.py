"""The processes in `store.db`; were they changed, the executions in it would be parked."""

from __future__ import annotations

from decimal import Decimal

import attrs
import trio
import trio.lowlevel

import processengine as pe


@attrs.frozen
class Money:
    """A value of the host's own type."""

    amount: Decimal
    currency: str


async def price() -> Money:
    return Money(Decimal("9.90"), "EUR")


async def long(context: pe.NodeContext) -> str:
    """Was under way when the file was made."""
    if context.incarnation == 1:
        await trio.sleep_forever()
    return f"attempt {context.attempt}"


async def double(item: int) -> int:
    if item == 3:
        await trio.lowlevel.checkpoint()
    return 2 * item


async def slow(item: int, context: pe.NodeContext) -> int:
    """The last item was under way when the file was made."""
    if item == 2 and context.incarnation == 1:
        await trio.sleep_forever()
    return 2 * item


async def shaky(good: bool = False) -> str:
    if not good:
        raise pe.NonRetryable("it was broken then")
    return "good"


def _asking() -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("asking")
    process.node("price", price).then(process.wait("answer"))
    return process.build()


def _working() -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("working")
    last = process.node("last", price)
    process.node("long", long).then(last)
    process.node("price", price).then(last)
    return process.build()


def _doubling() -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("doubling")
    process.each("all", slow, over=pe.Variable("numbers"), item="item", concurrency=2)
    return process.build()


def _calling() -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("calling")
    process.process("child", _asking()).then(process.node("after", price))
    return process.build()


def _failing() -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("failing")
    process.node("price", price).then(process.node("shaky", shaky))
    return process.build()


ASKING, WORKING, DOUBLING = _asking(), _working(), _doubling()
CALLING, FAILING = _calling(), _failing()
ALL = (ASKING, WORKING, DOUBLING, CALLING, FAILING)


def types() -> pe.ValueTypes:
    """The types that values in the file have."""
    registered = pe.ValueTypes()
    registered.register(Money, "money")
    return registered
