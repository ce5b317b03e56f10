"""Node functions that must not block the event loop: in a worker thread, or in a worker process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

import outcome
import trio

from ..definition import ExtraMissing
from ._log import logger

T = TypeVar("T")


async def run_in_thread(call: Callable[[], T], grace: float) -> T:
    """Call a plain function in a worker thread.

    A thread cannot be interrupted. When cancelled, its end is awaited for `grace` seconds; if it
    ends in time its result counts, else it is abandoned: it runs on, and its result is dropped.
    """
    shield = trio.CancelScope(shield=True)
    result: outcome.Outcome[T] | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_limit_when_cancelled, shield, grace)
        with shield:
            result = await outcome.acapture(_run, call)
        nursery.cancel_scope.cancel()
    if result is None:
        logger.warning("a worker thread ignored its cancellation for %s s and was abandoned", grace)
        await trio.lowlevel.checkpoint_if_cancelled()
        raise TimeoutError(f"the thread did not end within {grace} s")
    return result.unwrap()


async def _run(call: Callable[[], T]) -> T:
    return await trio.to_thread.run_sync(call, abandon_on_cancel=True)


async def _limit_when_cancelled(shield: trio.CancelScope, grace: float) -> None:
    # Ends quietly: a cancellation raised here would take the thread's result with it.
    with contextlib.suppress(trio.Cancelled):
        await trio.sleep_forever()
    shield.deadline = trio.current_time() + grace


async def run_in_process(call: Callable[[], T]) -> T:
    """Call a picklable function in a worker process, which is killed when this is cancelled."""
    try:
        from trio_parallel import run_sync  # type: ignore[attr-defined]  # it exports by __all__
    except ImportError as error:
        raise ExtraMissing("parallel", "trio-parallel", "runs='process'") from error
    return await run_sync(call, kill_on_cancel=True)
