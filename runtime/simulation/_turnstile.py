"""What happens at one moment of virtual time, one after another, in an order a seed decides."""

from __future__ import annotations

import heapq
from random import Random

import trio


class Turnstile:
    """Lets through one at a time, and the next only when the engine has settled.

    trio shuffles tasks that become ready together; a simulation could not be repeated if their
    order reached the engine.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._waiting: list[tuple[float, str, trio.Event]] = []
        self._arrival = trio.Event()

    async def pass_through(self, name: str) -> None:
        """Wait for one's turn; the same names at one moment go in the same order every time."""
        turn = trio.Event()
        heapq.heappush(self._waiting, (Random(f"{self._seed} {name}").random(), name, turn))
        self._arrival.set()
        await turn.wait()

    async def run(self) -> None:
        """Serve until cancelled."""
        from trio.testing import wait_all_tasks_blocked  # here, as in `simulate`

        while True:
            await self._arrival.wait()
            await wait_all_tasks_blocked()
            _, _, turn = heapq.heappop(self._waiting)
            turn.set()
            if not self._waiting:
                self._arrival = trio.Event()
