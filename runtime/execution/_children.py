"""What follows from a child execution: that it has paused, that it has ended."""

from __future__ import annotations

from ..definition import OUT
from ._effects import Effects
from ._memory import write
from ._outcomes import failure, retry_or_fail
from ._records import ChildEnded, ChildPaused, Failed
from ._state import Calling, ExecutionState
from ._tokens import leave, remove


def on_child_paused(
    state: ExecutionState, message: ChildPaused, now: float, effects: Effects, reply: int
) -> None:
    """A child has nothing in flight any more."""
    token = state.tokens.get(message.step)
    if token is not None and isinstance(token.phase, Calling):
        token.phase.paused = True


def on_child_ended(
    state: ExecutionState, message: ChildEnded, now: float, effects: Effects, reply: int
) -> None:
    """A child has ended: its memory is the node's result, its failure the node's failure."""
    token = state.tokens.get(message.step)
    if token is None or not isinstance(token.phase, Calling) or token.phase.child != message.child:
        return
    state.calls -= 1
    then = token.phase.then
    if then == "drop":
        remove(state, token)
    elif then == "skip":
        leave(state, token, OUT, effects)
    elif message.state == "completed":
        write(state, token.node.output, message.memory, message.size)
        leave(state, token, OUT, effects)
    else:
        text = f"child execution {message.child!r} {message.state}: {message.reason}"
        error = failure(token, "ChildFailed", text, now)
        retryable = message.state in ("failed", "timed_out")
        failed = Failed(message.step, token.attempt, error, retryable, message.draw)
        retry_or_fail(state, token, failed, now, effects)
