"""The journal writer for stores that never block: it commits in the event loop, without a thread.

So a program that stores in memory runs in virtual time, and alike every time.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from ._contract import Store
from ._writer import BATCH, GroupWriter


class LoopWriter(GroupWriter):
    """As `GroupWriter`. `delay` gives the seconds that the next commit takes."""

    def __init__(
        self, store: Store, *, batch: int = BATCH, delay: Callable[[], float] = lambda: 0.0
    ) -> None:
        super().__init__(store, batch=batch)
        self._delay = delay
        self._clock = trio.lowlevel.current_clock().current_time
        self._awake = trio.Event()

    def _call(self) -> None:
        self._awake.set()

    async def _work(self) -> BaseException | None:
        try:
            await self._write_all()
        except Exception as crash:  # noqa: BLE001 - told to `run`, which raises
            return crash
        return None

    async def _write_all(self) -> None:
        in_doubt = bool(self._in_hand)
        while self._goes_on():
            await self._awake.wait()
            self._awake = trio.Event()
            self._is_called = False
            while self._has_work():
                began = self._clock()
                await trio.sleep(self._delay())
                outcomes = self._commit_next(in_doubt, began)
                in_doubt = outcomes is None
                if outcomes is None:
                    await trio.sleep(self._patience.next())
                else:
                    writes, self._in_hand = self._in_hand, []
                    self._release(writes, outcomes)
