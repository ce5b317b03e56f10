"""What the nodes of the standard scenarios do."""

from __future__ import annotations

import functools
from collections.abc import Callable
from random import Random
from typing import Any

import attrs
import trio

from ..definition import is_async

Call = Callable[..., Any]

SLEEP_SECONDS = 0.01


async def nothing() -> None:
    """Do nothing, and never give way: what is left is the engine."""


async def sleep() -> None:
    """Wait for 10 ms, as a call to something near does."""
    await trio.sleep(SLEEP_SECONDS)


@attrs.frozen
class Body:
    """A function for nodes, and what it is called."""

    name: str
    call: Call


NOOP, SLEEP = Body("noop", nothing), Body("sleep", sleep)


def unreliable(call: Call, share: float, random: Random) -> Call:
    """The function, but so large a share of its calls fails first.

    It stays what it was, asynchronous or not, with the parameters that nodes bind by name.
    """

    def fail_at_times() -> None:
        if random.random() < share:
            raise ConnectionError("the load test lets this attempt fail")

    if not is_async(call):

        @functools.wraps(call)
        def plain(*args: Any, **named: Any) -> Any:
            fail_at_times()
            return call(*args, **named)

        return plain

    @functools.wraps(call)
    async def awaited(*args: Any, **named: Any) -> Any:
        fail_at_times()
        return await call(*args, **named)

    return awaited
