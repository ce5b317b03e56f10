"""What follows when time is up: back-offs, delays, timeouts, the grace of stopping attempts."""

from __future__ import annotations

from ...actors import Message
from ..definition import OUT, TIMEOUT
from ._effects import Effects, WakeAt
from ._outcomes import failure
from ._records import Due, GraceOver, Overdue
from ._state import (
    ACTIVE,
    RUNNING,
    BackingOff,
    Delayed,
    Ending,
    ExecutionState,
    Paused,
    Pausing,
    Stopping,
    Token,
    Waiting,
)
from ._tokens import end, fail, leave, start, stop


def is_awaited(state: ExecutionState, message: Message) -> bool:
    """Whether a timer still matters: most timeouts run out long after their attempt has ended."""
    if isinstance(message, Due):
        return message.step in state.tokens or (not message.step and state.deadline == message.due)
    if isinstance(message, Overdue):
        token = state.tokens.get(message.step)
        return token is not None and token.attempt == message.attempt
    return isinstance(state.control, Ending)


def on_due(state: ExecutionState, message: Due, now: float, effects: Effects, reply: int) -> None:
    """A timer ran out. While a pause is on nothing follows; `rearm` asks again on resume."""
    if message.step == 0:
        _deadline(state, message, effects)
        return
    token = state.tokens.get(message.step)
    if token is None or state.control is not ACTIVE:
        return
    phase = token.phase
    if not isinstance(phase, (BackingOff, Delayed, Waiting)) or phase.due != message.due:
        return
    if isinstance(phase, BackingOff):
        token.attempt += 1
        start(state, token, effects)
    elif isinstance(phase, Delayed):
        leave(state, token, OUT, effects)
    else:
        _signal_missed(state, token, now, effects)


def _signal_missed(state: ExecutionState, token: Token, now: float, effects: Effects) -> None:
    if TIMEOUT in token.node.exits:
        leave(state, token, TIMEOUT, effects)
    else:
        error = failure(token, "TimedOut", "the signal did not come in time", now)
        fail(state, token, error, effects)


def _deadline(state: ExecutionState, message: Due, effects: Effects) -> None:
    held = isinstance(state.control, (Paused, Pausing)) and state.control.timeouts == "hold"
    if state.deadline == message.due and not held:
        end(state, "timed_out", "the execution's timeout has run out", None, effects)


def on_overdue(
    state: ExecutionState, message: Overdue, now: float, effects: Effects, reply: int
) -> None:
    """An attempt has run for too long: it is stopped, and has failed once it has stopped."""
    token = state.tokens.get(message.step)
    if token is None or token.attempt != message.attempt or token.phase is not RUNNING:
        return
    stop(state, token, Stopping("timeout", message.draw), effects)


def on_grace_over(
    state: ExecutionState, message: GraceOver, now: float, effects: Effects, reply: int
) -> None:
    """Attempts that have not stopped by now are given up; the execution ends without them.

    Children have a grace of their own, as long as this one, and end before their parent.
    """
    if not isinstance(state.control, Ending):
        return
    state.control.abandoned = tuple(t for t in state.tokens.values() if t.is_in_flight)
    for token in state.control.abandoned:
        del state.tokens[token.step]
    state.in_flight = 0


def next_due(state: ExecutionState) -> float | None:
    """When something happens by itself to an execution that nothing is in flight of."""
    control = state.control
    is_paused = isinstance(control, (Paused, Pausing))
    tokens = () if is_paused else state.tokens.values()
    dues: list[float | None] = [getattr(token.phase, "due", None) for token in tokens]
    if not (isinstance(control, (Paused, Pausing)) and control.timeouts == "hold"):
        dues.append(state.deadline)
    return min((due for due in dues if due is not None), default=None)


def rearm(state: ExecutionState, held: float, effects: Effects) -> None:
    """Set all timers anew after a pause; timeouts move by the `held` seconds they did not run."""
    for token in state.tokens.values():
        phase = token.phase
        if isinstance(phase, Waiting) and phase.due is not None:
            token.phase = phase = Waiting(phase.due + held)
        if isinstance(phase, (BackingOff, Delayed, Waiting)) and phase.due is not None:
            effects.append(WakeAt(phase.due, token.step))
    if state.deadline is not None:
        state.deadline += held
        effects.append(WakeAt(state.deadline, 0))
