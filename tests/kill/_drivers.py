"""What the program does to each execution; every driver may be cut short and begin anew."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import attrs
import trio

from processengine import ActorGone, ActorHandle

from ._effects import EffectLog

PAUSES = 3


@attrs.frozen
class Driving:
    """An execution, who drives it, where that is logged, and the store it is in."""

    store: Path
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


async def from_outside(driving: Driving) -> None:
    """Pause, resume and signal it by commands, each in a process of its own."""
    handle, log = driving.handle, driving.log
    await _command(driving, "pause")
    while not log.has("signalled", handle.id) and handle.status().ended_at is None:
        await _command(driving, "resume")
        if await _command(driving, "signal", "go", str(len(handle.id))) == "done\n":
            log.note("signalled", handle.id)


async def _command(driving: Driving, command: str, *arguments: str) -> str:
    """What a command of the command line prints."""
    words = [sys.executable, "-m", "processengine", command, "--store", str(driving.store)]
    done = await trio.run_process(
        [*words, driving.handle.id, *arguments],
        capture_stdout=True,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.stdout.decode()


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
    "from outside": from_outside,
    "pause": pause,
    "interrupt": interrupt,
    "cancel": cancel,
}
