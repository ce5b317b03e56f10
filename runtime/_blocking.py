"""Calls that may block, made so that the event loop goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import trio

from .store import Store

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def run_blocking(store: Store, call: Callable[[*Ts], T], *args: *Ts) -> T:
    """Call a method of a store: in a thread, unless the store never blocks. Always a checkpoint.

    Cancelled, it waits for the thread all the same: what it does is done then.
    """
    if store.is_instant:
        await trio.lowlevel.checkpoint()
        return call(*args)
    return await trio.to_thread.run_sync(call, *args)
