"""What a message costs: to a bare actor, and to an execution through its handle."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import trio
import trio.testing

import processengine as pe
from processengine.actors import Message, Reply, Signal, TurnLoop

from .._measure import Row, compare, on_trio, row


class Counter:
    """The least actor: counts, and answers with the count."""

    def __init__(self) -> None:
        self.count = 0

    def receive(self, message: Message, reply: Reply[Any] | None) -> None:
        self.count += 1
        if reply is not None:
            reply.answer(self.count)

    def crash(self, error: Exception) -> None:
        raise error


def tell(count: int) -> float:
    """Messages without an answer."""
    turns, actor, message = TurnLoop[Counter](), Counter(), Signal("tick")
    begin = time.perf_counter()
    for _ in range(count):
        turns.post(actor, message)
    return time.perf_counter() - begin


async def ask(count: int) -> float:
    """Messages with an answer that is waited for."""
    turns, actor, message = TurnLoop[Counter](), Counter(), Signal("tick")
    begin = trio.current_time()
    for _ in range(count):
        reply: Reply[object] = Reply()
        turns.post(actor, message, reply)
        await reply
    return trio.current_time() - begin


async def query(count: int) -> float:
    """Queries of an execution through its handle."""
    builder = pe.ProcessBuilder("idle")
    builder.wait("go")
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(builder.build(), {"a": 1})
        await trio.testing.wait_all_tasks_blocked()
        begin = trio.current_time()
        for _ in range(count):
            await handle.query("a")
        return trio.current_time() - begin


async def queues(count: int) -> float:
    """The yardstick: two asyncio tasks that hand a message there and back by `asyncio.Queue`."""
    there: asyncio.Queue[int] = asyncio.Queue()
    back: asyncio.Queue[int] = asyncio.Queue()

    async def answer() -> None:
        for _ in range(count):
            await back.put(await there.get() + 1)

    task = asyncio.create_task(answer())
    begin = time.perf_counter()
    for number in range(count):
        await there.put(number)
        await back.get()
    taken = time.perf_counter() - begin
    await task
    return taken


def messages(quick: bool) -> list[Row]:
    """Tell, ask and query, to an `asyncio.Queue` round trip."""
    count, rounds = (200, 2) if quick else (20_000, 11)

    def yardstick() -> float:
        return asyncio.run(queues(count))

    return [
        row(
            name,
            compare(ours, yardstick, rounds),
            per=count,
            unit="µs a message",
            scale=1e6,
            yardstick_name="asyncio.Queue round trip",
            bar=0.25 if name.startswith("actor") else None,
            stretch=0.1 if name.startswith("actor") else None,
        )
        for name, ours in (
            ("actor: tell", lambda: tell(count)),
            ("actor: ask", on_trio(ask, count)),
            ("execution: query by handle", on_trio(query, count)),
        )
    ]
