"""What threads are at, as plain values."""

from __future__ import annotations

import sys
import threading
from types import CodeType, FrameType

import attrs
import trio

from ..execution import current


@attrs.frozen
class Frame:
    """A call on a stack."""

    module: str
    function: str
    code: CodeType | None = attrs.field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.module}.{self.function}"


@attrs.frozen
class Stack:
    """The calls that a thread is in, outermost first.

    `node` is the node of the attempt that it works for, where that is known; `task` is how many
    calls are outside of the trio task at hand.
    """

    frames: tuple[Frame, ...]
    node: str | None = None
    task: int = 0


def stacks_of_others(thread: int) -> list[Stack]:
    """The stacks of all threads but this one and the one of that identity."""
    ours = (thread, threading.get_ident())
    current = sys._current_frames()  # pyright: ignore[reportPrivateUsage]  # documented all the same
    return [Stack(_frames(frame)) for each, frame in current.items() if each not in ours]


def own_stack(frame: FrameType | None) -> Stack:
    """The stack of this thread from a frame outwards, with the attempt that it works for."""
    frames = _frames(frame)
    if not trio.lowlevel.in_trio_task():
        return Stack(frames)
    try:
        node = current().node
    except LookupError:
        return Stack(frames)
    outermost = getattr(trio.lowlevel.current_task().coro, "cr_frame", None)
    inside = 0
    while frame is not None and frame is not outermost:
        frame = frame.f_back
        inside += 1
    return Stack(frames, node, max(0, len(frames) - inside - 1))


def _frames(innermost: FrameType | None) -> tuple[Frame, ...]:
    frames: list[Frame] = []
    while innermost is not None:
        module = str(innermost.f_globals.get("__name__", "?"))
        frames.append(Frame(module, innermost.f_code.co_name, innermost.f_code))
        innermost = innermost.f_back
    return tuple(reversed(frames))
