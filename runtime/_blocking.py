"""Calls that may block, made so that the event loop goes on.

They have threads of their own: those that trio shares out may all be taken by nodes, which wait
perhaps for just what is to be read, or never end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import trio
from trio.lowlevel import RunVar

from .store import Store

THREADS = 16

_LIMITER: RunVar[trio.CapacityLimiter] = RunVar("threads for stores")

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def in_thread(call: Callable[[*Ts], T], *args: *Ts) -> T:
    """Call something in a thread, of which there are `THREADS` in an event loop at most.

    Cancelled, it waits for the thread all the same: what it does is done then.
    """
    return await trio.to_thread.run_sync(call, *args, limiter=_limiter())


def _limiter() -> trio.CapacityLimiter:
    try:
        return _LIMITER.get()
    except LookupError:
        limiter = trio.CapacityLimiter(THREADS)
        _LIMITER.set(limiter)
        return limiter


async def run_blocking(store: Store, call: Callable[[*Ts], T], *args: *Ts) -> T:
    """Call a method of a store: as `in_thread`, unless the store never blocks; a checkpoint."""
    if store.is_instant:
        await trio.lowlevel.checkpoint()
        return call(*args)
    return await in_thread(call, *args)
