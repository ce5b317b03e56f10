"""Which attempt the calling code works for: for node functions, what they call, and logs."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from types import FrameType
from typing import Protocol, runtime_checkable

import trio

from ...actors import current_job, job_in
from ..definition import NodeContext

CURRENT: ContextVar[NodeContext] = ContextVar("processengine_attempt")
"""Set in worker threads only; on trio the task tells (a context variable would cost every node)."""


@runtime_checkable
class AttemptJob(Protocol):
    """A job of the dispatcher that is an attempt."""

    def context(self) -> NodeContext: ...


def current() -> NodeContext:
    """The attempt the calling code belongs to, in a node function or anything it calls or starts.

    Works in trio tasks and worker threads; raises `LookupError` outside of a node.
    """
    found = current_or_none()
    if found is None:
        raise LookupError("not called from within a node")
    return found


def current_or_none() -> NodeContext | None:
    """As `current`, but None outside of a node."""
    if trio.lowlevel.in_trio_task():
        job = current_job()
        if isinstance(job, AttemptJob):
            return job.context()
    return CURRENT.get(None)


def attempt_in(stack: Sequence[FrameType]) -> tuple[NodeContext | None, Sequence[FrameType]]:
    """The attempt that a thread works for whose stack (outermost first) this is, and its frames.

    For another thread than that. Without an attempt (None), all frames.
    """
    job, frames = job_in(stack)
    return (job.context(), frames) if isinstance(job, AttemptJob) else (None, stack)
