"""Hedged attempts: further calls beside a slow one, within one attempt; the first to return counts.

Source: Dean and Barroso, "The Tail at Scale" (CACM, 2013); gRPC proposal A6, from which we differ:
a call that fails is not replaced ahead of time, and no failure is the end of the others.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Awaitable, Callable, Iterable

import trio

from ...supervision import Hedge
from ._log import logger


async def race(
    call: Callable[[], Awaitable[object]], hedge: Hedge, admits: Callable[[], bool]
) -> object:
    """Make calls beside each other until one returns; what that one returned.

    Whenever the latest is `hedge.after` seconds old another one starts, if `admits()`; a chance
    that is refused is lost. All have ended when this returns or raises: those that came too late
    were cancelled. If every call failed the first error is raised, with notes of the others. A
    cancellation from outside cancels them all, and a call that returns all the same still counts.
    """
    return await _Race(call, hedge, admits).run()


class _Race:
    """The calls of one attempt. Everything they raise is kept, so that no group gets out."""

    def __init__(
        self, call: Callable[[], Awaitable[object]], hedge: Hedge, admits: Callable[[], bool]
    ) -> None:
        self._call = call
        self._hedge = hedge
        self._admits = admits
        self._started = 0
        self._ended = 0
        self._results: list[object] = []
        self._errors: list[Exception] = []
        self._interruption: BaseException | None = None
        self._over = trio.Event()

    async def run(self) -> object:
        try:
            async with trio.open_nursery() as nursery:
                await self._start_calls(nursery)
                await self._over.wait()
                nursery.cancel_scope.cancel()
        except* trio.Cancelled:
            pass  # from outside; `_outcome` raises it again if it was the end of a call
        if self._started > 1:
            logger.debug("the attempt made %d calls beside each other", self._started)
        return await self._outcome()

    async def _start_calls(self, nursery: trio.Nursery) -> None:
        self._start(nursery)
        for _ in range(self._hedge.most - 1):
            with trio.move_on_after(self._hedge.after):
                await self._over.wait()
            if self._over.is_set():
                return
            if self._admits():
                self._start(nursery)

    def _start(self, nursery: trio.Nursery) -> None:
        self._started += 1
        nursery.start_soon(self._live)

    async def _live(self) -> None:
        """The task of one call. Nothing escapes from it."""
        try:
            self._results.append(await self._call())
        except Exception as error:  # noqa: BLE001 - raised by `run` if no call returns
            self._errors.append(error)
        except BaseException as error:  # noqa: BLE001 - a cancellation, or `SystemExit`: as above
            if self._interruption is None:
                self._interruption = error
        self._ended += 1
        has_news = self._results or self._interruption is not None
        if has_news or self._ended == self._started:
            self._over.set()

    async def _outcome(self) -> object:
        if self._results:
            return self._results[0]
        if self._interruption is not None:
            await trio.lowlevel.checkpoint_if_cancelled()
            raise self._interruption
        first, *others = self._errors
        _note(first, others)
        raise first


def _note(error: Exception, others: Iterable[Exception]) -> None:
    for other in others:
        words = "".join(traceback.format_exception_only(other)).strip()
        with contextlib.suppress(Exception):  # there are exceptions that cannot be changed
            error.add_note(f"a call beside it failed too: {words}")
