"""The engine in a thread of its own, inside a program that is not written for trio.

    python examples/embedding/embedding.py

A web service on asyncio, say, or a plain threaded one: both control executions by their handles.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Self

import trio

import processengine as pe


async def bake(loaf: str) -> str:
    """Bake, for a tenth of a second."""
    await trio.sleep(0.1)
    return f"{loaf}, baked"


def bread_process() -> pe.ProcessDefinition:
    """Bake a loaf, and keep it until a customer comes."""
    bread = pe.ProcessBuilder("bread", inputs=("loaf",))
    bread.node(bake).then(bread.wait("customer"))
    return bread.build()


class Engine:
    """A runtime in a thread of its own, from `with` to the end of the block."""

    def __init__(self) -> None:
        self._opened: Future[tuple[pe.Runtime, trio.lowlevel.TrioToken]] = Future()
        self._stop = trio.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        self._runtime, self._token = self._opened.result()
        return self

    def __exit__(self, *_: object) -> None:
        trio.from_thread.run_sync(self._stop.set, trio_token=self._token)
        self._thread.join()

    def spawn(
        self, definition: pe.ProcessDefinition, inputs: Mapping[str, object]
    ) -> pe.ActorHandle:
        """Begin an execution; blocks the calling thread for the moment that takes."""
        return trio.from_thread.run(self._runtime.spawn, definition, inputs, trio_token=self._token)

    def _run(self) -> None:
        try:
            trio.run(self._serve)
        except BaseException as error:
            if self._opened.done():
                raise
            self._opened.set_exception(error)

    async def _serve(self) -> None:
        async with pe.open_runtime() as runtime:
            self._opened.set_result((runtime, trio.lowlevel.current_trio_token()))
            await self._stop.wait()


async def serve_on_asyncio(engine: Engine) -> str:
    """A request handler on asyncio: replies are awaited as they are in trio."""
    handle = await asyncio.to_thread(engine.spawn, bread_process(), {"loaf": "rye"})
    await handle.signal("customer", "Ada")
    outcome = await handle.result()
    return f"asyncio: {outcome.memory['bake']}, sold to {outcome.memory['customer']}"


def serve_in_a_thread(engine: Engine) -> str:
    """The same in a plain thread: `wait` blocks it for the answer."""
    handle = engine.spawn(bread_process(), {"loaf": "wheat"})
    handle.signal("customer", "Bob").wait(timeout=10)
    outcome = handle.result().wait(timeout=10)
    return f"thread: {outcome.memory['bake']}, sold to {outcome.memory['customer']}"


def main() -> None:
    """Serve one customer each way."""
    with Engine() as engine:
        print(asyncio.run(serve_on_asyncio(engine)))
        print(serve_in_a_thread(engine))


if __name__ == "__main__":
    main()
