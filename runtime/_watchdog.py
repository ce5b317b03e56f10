"""Whether the event loop still turns: a thread looks, and names the attempt that holds it up.

Start reading at `watch`, which decides; `Watchdog` is the service that has it done.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from itertools import dropwhile
from types import FrameType
from typing import Protocol

import attrs
import trio

from ..supervision import Child
from ._clock import is_time_real
from .definition import NodeContext
from .execution import about, attempt_in, logger

LOOKS = 4
_OURS = ("processengine.", "trio.")

Place = tuple[str, int, str]
"""A file, a line in it and the function there."""


@attrs.frozen
class Sight:
    """What the loop's thread is at: for which attempt (None: for none), and where."""

    attempt: NodeContext | None
    stack: tuple[Place, ...]


@attrs.frozen
class Block:
    """The loop has not turned for `seconds`; `sight` is what it was last seen at."""

    sight: Sight
    seconds: float


class Loop(Protocol):
    """An event loop as it is seen from another thread."""

    def now(self) -> float:
        """The time in seconds."""
        ...

    def ask(self) -> None:
        """Have the loop give a sign of life as soon as it turns."""

    def has_answered(self) -> bool:
        """Whether it has done so since it was asked last."""
        ...

    def wait(self, seconds: float) -> bool:
        """Let time pass; whether to go on watching."""
        ...

    def look(self) -> Sight:
        """See what the loop's thread is at."""
        ...


def watch(loop: Loop, limit: float, warn: Callable[[Block], None]) -> None:
    """Warn once whenever the loop has not turned for `limit` seconds, until told to stop."""
    while True:
        asked = loop.now()
        loop.ask()
        if not loop.wait(limit):
            return
        if loop.has_answered():
            continue
        sight = _looked(loop, limit / 10)
        if sight is not None:
            warn(Block(sight, loop.now() - asked))
        while not loop.has_answered():
            if not loop.wait(limit):
                return


def _looked(loop: Loop, seconds: float) -> Sight | None:
    """The last of some looks, of no attempt unless it was the same in all of them.

    None if the loop answers, or is left, within the `seconds` that this takes.
    """
    sight = loop.look()
    for _ in range(LOOKS - 1):
        if not loop.wait(seconds / (LOOKS - 1)) or loop.has_answered():
            return None
        before, sight = sight, loop.look()
        if before.attempt != sight.attempt:
            sight = attrs.evolve(sight, attempt=None)
    return sight


def warn_of(block: Block) -> None:
    """Log a block, as a warning about the attempt that is to blame."""
    attempt, stack = block.sight.attempt, _shown(block.sight.stack)
    if attempt is None:
        logger.warning("the event loop is blocked, for %.3g s so far, at\n%s", block.seconds, stack)
        return
    logger.warning(
        "attempt %d of node %r of execution %r blocks the event loop, for %.3g s so far, at\n%s",
        attempt.attempt,
        attempt.node,
        attempt.execution,
        block.seconds,
        stack,
        extra=about(attempt.execution, attempt.node, attempt.attempt),
    )


def _shown(stack: Sequence[Place]) -> str:
    summary = traceback.StackSummary.from_list([(*place, None) for place in stack])
    return "".join(summary.format()).rstrip()


class Watchdog:
    """Watches the event loop that runs it, from a thread that lives as long as this does."""

    def __init__(self, limit: float) -> None:
        self._limit = limit

    async def run(self) -> None:
        """Watch until cancelled; leaves no thread behind."""
        loop = _LoopOfThread()
        thread = threading.Thread(target=self._watch, args=[loop], name=__name__, daemon=True)
        thread.start()
        try:
            await loop.unwatched.wait()
        finally:
            loop.leave()
            with trio.CancelScope(shield=True):
                await loop.unwatched.wait()
            thread.join()

    def _watch(self, loop: _LoopOfThread) -> None:
        try:
            watch(loop, self._limit, warn_of)
        finally:
            loop.tell_unwatched()


class _LoopOfThread:
    """The loop of the thread that makes this; its methods, but for `leave`, are for another."""

    def __init__(self) -> None:
        self.unwatched: trio.Event = trio.Event()
        self._token = trio.lowlevel.current_trio_token()
        self._thread = threading.get_ident()
        self._is_left = threading.Event()
        self._has_answered = True

    def now(self) -> float:
        return time.monotonic()

    def ask(self) -> None:
        self._has_answered = False
        try:
            self._token.run_sync_soon(self._answer, idempotent=True)
        except trio.RunFinishedError:
            self._is_left.set()

    def _answer(self) -> None:
        self._has_answered = True

    def has_answered(self) -> bool:
        return self._has_answered

    def wait(self, seconds: float) -> bool:
        return not self._is_left.wait(seconds)

    def look(self) -> Sight:
        return sight_of(self._thread)

    def leave(self) -> None:
        """Have the watch end."""
        self._is_left.set()

    def tell_unwatched(self) -> None:
        """Let the loop know that the watch has ended."""
        with contextlib.suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self.unwatched.set)


def sight_of(thread: int) -> Sight:
    """What another thread, of that identity, is at: of an attempt, the node function only."""
    stack = _stack_of(thread)
    attempt, inner = attempt_in(stack)
    shown = list(dropwhile(_is_ours, inner)) or inner
    places = ((f.f_code.co_filename, f.f_lineno, f.f_code.co_name) for f in shown)
    return Sight(attempt, tuple(places))


def _stack_of(thread: int) -> list[FrameType]:
    """Its frames, outermost first."""
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]  # documented all the same
    stack = [frame for frame, _ in traceback.walk_stack(frames.pop(thread))]
    return stack[::-1]


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith(_OURS)


def watchdogs(limit: float | None) -> tuple[Child, ...]:
    """The watchdog as a service for this event loop; none where that has a clock of its own.

    Under a virtual clock nothing may depend on the time that really passes.
    """
    is_real = is_time_real()
    return (Child("watchdog", Watchdog(limit).run),) if limit is not None and is_real else ()
