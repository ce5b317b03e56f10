"""What the program does to each execution; every driver may be cut short and begin anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random

import attrs
import trio

from processengine import ActorGone, ActorHandle

from ._effects import EffectLog

PAUSES = 3


@attrs.frozen
class Driving:
    """An execution, who drives it, and where that is logged."""

    handle: ActorHandle
    log: EffectLog
    random: Random


async def watch(driving: Driving) -> None:
    """Leave it alone."""


async def signal(driving: Driving) -> None:
    """Update it, then send it its signal, unless the log says that it was taken."""
    await _signal_after(driving, driving.random.uniform(0.0, 0.2))


async def signal_late(driving: Driving) -> None:
    """As `signal`, when it has left memory."""
    await _signal_after(driving, driving.random.uniform(0.3, 0.6))


async def _signal_after(driving: Driving, seconds: float) -> None:
    handle, log = driving.handle, driving.log
    await trio.sleep(seconds)
    if log.has("signalled", handle.id):
        return
    try:
        await handle.update(note="told")
        await handle.signal("go", len(handle.id))
    except ActorGone:  # the signal of an earlier life had come
        return
    log.note("signalled", handle.id)


async def pause(driving: Driving) -> None:
    """Pause and resume it, some times."""
    for _ in range(PAUSES):
        await trio.sleep(driving.random.uniform(0.0, 0.06))
        await driving.handle.pause()
        await trio.sleep(driving.random.uniform(0.0, 0.03))
        await driving.handle.resume()


async def interrupt(driving: Driving) -> None:
    """As `pause`, but interrupt what is in flight."""
    for _ in range(PAUSES):
        await trio.sleep(driving.random.uniform(0.0, 0.06))
        await driving.handle.pause("interrupt")
        await driving.handle.resume()


async def cancel(driving: Driving) -> None:
    """Cancel it once it has got to where it would stay for ever."""
    try:
        while "ready" not in await driving.handle.query():  # noqa: ASYNC110
            await trio.sleep(0.01)
    except ActorGone:
        return
    await trio.sleep(driving.random.uniform(0.0, 0.1))
    await driving.handle.cancel("not wanted any more")


DRIVERS: dict[str, Callable[[Driving], Awaitable[None]]] = {
    "watch": watch,
    "signal": signal,
    "signal late": signal_late,
    "pause": pause,
    "interrupt": interrupt,
    "cancel": cancel,
}
