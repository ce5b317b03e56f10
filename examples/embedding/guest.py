"""The engine in the thread of an asyncio program, as its guest: one thread, two event loops.

    python examples/embedding/guest.py

trio's guest mode does it: asyncio runs trio's loop in its own, a callback at a time. Handles are
awaited as anywhere; what needs trio, such as `spawn`, is handed over to it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any, Self

import outcome
import trio

import processengine as pe


async def bake(loaf: str) -> str:
    """Bake, for a tenth of a second, and say where."""
    await trio.sleep(0.1)
    return f"{loaf}, baked in {threading.current_thread().name}"


def bread_process() -> pe.ProcessDefinition:
    """Bake a loaf, and keep it until a customer comes."""
    bread = pe.ProcessBuilder("bread", inputs=("loaf",))
    bread.node(bake).then(bread.wait("customer"))
    return bread.build()


class Guest:
    """A runtime beside the tasks of an asyncio loop, from `async with` to the end of the block."""

    def __init__(self, **options: Any) -> None:
        self._options = options

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = loop.create_future()
        self._ended: asyncio.Future[outcome.Outcome[None]] = loop.create_future()
        trio.lowlevel.start_guest_run(
            self._serve,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            run_sync_soon_not_threadsafe=loop.call_soon,
            done_callback=self._end,
            host_uses_signal_set_wakeup_fd=True,
        )
        await self._opened
        if self._ended.done():  # it could not be opened
            self._ended.result().unwrap()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._token.run_sync_soon(self._stop.set)
        (await asyncio.shield(self._ended)).unwrap()

    def _end(self, end: outcome.Outcome[None]) -> None:
        self._ended.set_result(end)
        if not self._opened.done():
            self._opened.set_result(None)

    async def spawn(
        self, definition: pe.ProcessDefinition, inputs: Mapping[str, object]
    ) -> pe.ActorHandle:
        """Begin an execution."""
        begun: asyncio.Future[pe.ActorHandle] = asyncio.get_running_loop().create_future()
        self._token.run_sync_soon(self._nursery.start_soon, self._spawn, definition, inputs, begun)
        return await begun

    async def _spawn(
        self,
        definition: pe.ProcessDefinition,
        inputs: Mapping[str, object],
        begun: asyncio.Future[pe.ActorHandle],
    ) -> None:
        try:
            handle = await self._runtime.spawn(definition, inputs)
        except pe.ProcessEngineError as error:
            if not begun.done():  # else whoever asked was cancelled meanwhile
                begun.set_exception(error)
            return
        if not begun.done():
            begun.set_result(handle)

    async def _serve(self) -> None:
        self._stop, self._token = trio.Event(), trio.lowlevel.current_trio_token()
        opened = pe.open_runtime(**self._options)
        async with opened as self._runtime, trio.open_nursery() as self._nursery:
            self._opened.set_result(None)
            await self._stop.wait()


async def main() -> None:
    """Serve one customer, with other asyncio tasks going on meanwhile."""
    async with Guest() as guest:
        handle = await guest.spawn(bread_process(), {"loaf": "rye"})
        await handle.signal("customer", "Ada")
        ended = await handle.result()
    print(f"{ended.memory['bake']}, sold to {ended.memory['customer']}")


if __name__ == "__main__":
    asyncio.run(main())
