"""What follows from the outcome of an attempt: results, choices, waits, failures, stops."""

from __future__ import annotations

from collections import deque

from ...supervision import NO_RETRY, Retry
from ..definition import ERROR, OUT, REJECTED, Each, End, Function, RoutedNode
from ._effects import CallChild, Effects, WakeAt
from ._items import expand, item_completed, item_dropped, item_failed
from ._memory import write
from ._records import (
    Calls,
    Chose,
    Completed,
    Delays,
    Ends,
    ErrorContext,
    Failed,
    Held,
    Interrupted,
    Lists,
    Outcome,
    Revived,
    Waits,
)
from ._signals import consume_signal
from ._state import (
    ACTIVE,
    KEPT_ERRORS,
    READY,
    WAITING,
    BackingOff,
    Calling,
    Delayed,
    Ending,
    ExecutionState,
    Paused,
    Pausing,
    Stopping,
    Token,
    Waiting,
)
from ._tokens import end, fail, leave, remove, send, start


def current(state: ExecutionState, message: Outcome) -> Token | None:
    """The token whose attempt this is the outcome of; None if that attempt no longer counts."""
    token = state.tokens.get(message.step)
    if token is None or token.attempt != message.attempt or not token.is_in_flight:
        return None
    return token


def landed(state: ExecutionState, message: Outcome, effects: Effects) -> Token | None:
    """As `current`, the attempt being counted as over; None too if its token had been dropped."""
    token = current(state, message)
    if token is None:
        return None
    state.in_flight -= 1
    phase = token.phase
    if isinstance(phase, Stopping) and phase.then == "drop":
        _take_back(state, token, message, effects)
        return None
    return token


def _take_back(state: ExecutionState, token: Token, message: Outcome, effects: Effects) -> None:
    remove(state, token)
    if token.item is not None:
        item_dropped(state, token, effects)
    elif isinstance(message, Completed) and isinstance(state.control, Ending):
        # It did happen: whoever looks at the memory of a cancelled execution has to see it.
        write(state, token.node.output, message.value, message.size)


def on_completed(
    state: ExecutionState, message: Completed, now: float, effects: Effects, reply: int
) -> None:
    """A node function returned."""
    token = landed(state, message, effects)
    if token is None:
        return
    if token.item is not None:
        item_completed(state, token, message, effects)
        return
    write(state, token.node.output, message.value, message.size)
    leave(state, token, message.port, effects)


def on_chose(
    state: ExecutionState, message: Chose, now: float, effects: Effects, reply: int
) -> None:
    """A switch chose its ports: a token leaves by each."""
    token = landed(state, message, effects)
    if token is None:
        return
    remove(state, token)
    for port in message.ports:
        send(state, token.node.exit(port), effects, token.lineage)


def on_delays(
    state: ExecutionState, message: Delays, now: float, effects: Effects, reply: int
) -> None:
    """A delay node knows until when."""
    token = landed(state, message, effects)
    if token is not None:
        token.phase = Delayed(message.due)
        effects.append(WakeAt(message.due, token.step))


def on_waits(
    state: ExecutionState, message: Waits, now: float, effects: Effects, reply: int
) -> None:
    """A wait node knows until when; the signal may be there already."""
    token = landed(state, message, effects)
    if token is None:
        return
    token.phase = WAITING if message.due is None else Waiting(message.due)
    if not consume_signal(state, token, effects) and message.due is not None:
        effects.append(WakeAt(message.due, token.step))


def on_lists(
    state: ExecutionState, message: Lists, now: float, effects: Effects, reply: int
) -> None:
    """An each node knows its items."""
    token = landed(state, message, effects)
    if token is not None:
        expand(state, token, message.items, effects)


def on_calls(
    state: ExecutionState, message: Calls, now: float, effects: Effects, reply: int
) -> None:
    """A process node knows the inputs of its child; while a pause is on it is asked again later."""
    token = landed(state, message, effects)
    if token is None:
        return
    if state.control is not ACTIVE:
        token.attempt += 1
        token.phase = READY
        return
    token.phase = Calling(message.child, message.inputs)
    state.calls += 1
    effects.append(CallChild(token.step, message.child, message.inputs))


def on_ends(state: ExecutionState, message: Ends, now: float, effects: Effects, reply: int) -> None:
    """A token got to an end node; one that terminates takes everything else with it."""
    token = landed(state, message, effects)
    if token is None:
        return
    remove(state, token)
    kind = token.node.spec.kind
    if isinstance(kind, End) and kind.terminate:
        end(state, "completed", None, None, effects)


def on_failed(
    state: ExecutionState, message: Failed, now: float, effects: Effects, reply: int
) -> None:
    """An attempt raised; if it had been told to stop, that is how it stopped."""
    token = landed(state, message, effects)
    if token is None:
        return
    if isinstance(token.phase, Stopping):
        _stopped(state, token, token.phase, message, now, effects)
    else:
        retry_or_fail(state, token, message, now, effects)


def on_interrupted(
    state: ExecutionState, message: Interrupted, now: float, effects: Effects, reply: int
) -> None:
    """An attempt has stopped as it was told."""
    token = landed(state, message, effects)
    if token is None:
        return
    phase = token.phase if isinstance(token.phase, Stopping) else Stopping("again")
    _stopped(state, token, phase, message, now, effects)


def on_revived(
    state: ExecutionState, message: Revived, now: float, effects: Effects, reply: int
) -> None:
    """Nobody makes any of the attempts any more: each counts as interrupted."""
    for token in list(state.tokens.values()):
        if token.is_in_flight and token.step in state.tokens:
            lost = Interrupted(token.step, token.attempt)
            on_interrupted(state, lost, now, effects, 0)


def on_held(state: ExecutionState, message: Held, now: float, effects: Effects, reply: int) -> None:
    """An attempt was held back before it began: a pause is on, or has just been taken back."""
    token = landed(state, message, effects)
    if token is None:
        return
    if isinstance(token.phase, Stopping):
        _stopped(state, token, token.phase, Interrupted(0, 0), now, effects)
    else:
        start(state, token, effects)


def _stopped(
    state: ExecutionState,
    token: Token,
    phase: Stopping,
    message: Failed | Interrupted,
    now: float,
    effects: Effects,
) -> None:
    if phase.then == "timeout":
        text = f"no result within {token.node.timeout} s"
        error = failure(token, "TimedOut", text, now)
        timed_out = Failed(0, 0, error, message.retryable, phase.draw, message.started)
        retry_or_fail(state, token, timed_out, now, effects)
    elif phase.then == "skip":
        leave(state, token, OUT, effects)
    else:
        token.attempt += 1
        start(state, token, effects)


def failure(token: Token, exception: str, message: str, now: float) -> ErrorContext:
    """The error context of a failure that the engine itself found."""
    item = None if token.item is None else token.item.index
    return ErrorContext(
        token.node.name, token.step, token.attempt, exception, message, now, item=item
    )


def retry_or_fail(
    state: ExecutionState, token: Token, message: Failed, now: float, effects: Effects
) -> None:
    """Try again after a back-off if the node's policy allows it; else the node has failed."""
    if state.errors is None:
        state.errors = deque(maxlen=KEPT_ERRORS)
    state.errors.append(message.error)
    token.failures += 1
    if token.failures == 1:
        token.since = now if message.started is None else message.started
    wait = _back_off(state, token, message, now) if message.retryable else None
    if wait is None:
        _fail_for_good(state, token, message, effects)
        return
    token.wait = wait
    token.phase = BackingOff(now + wait)
    effects.append(WakeAt(now + wait, token.step))


def _back_off(state: ExecutionState, token: Token, message: Failed, now: float) -> float | None:
    return _policy(state, token.node).next_wait(
        token.failures,
        token.wait,
        message.draw,
        after=message.after,
        elapsed=now - token.since,
        remaining=_time_left(state, now),
    )


def _time_left(state: ExecutionState, now: float) -> float | None:
    """Seconds until the execution's deadline, which stands still in a pause that holds it."""
    control = state.control
    if state.deadline is None:
        return None
    if isinstance(control, (Paused, Pausing)) and control.timeouts == "hold":
        return state.deadline - control.since
    return state.deadline - now


def _policy(state: ExecutionState, node: RoutedNode) -> Retry:
    """The node's own policy or its group's; else the runtime's, for what may fare better again."""
    if node.retry is not None:
        return node.retry
    return state.limits.retry if isinstance(node.spec.kind, (Function, Each)) else NO_RETRY


def _fail_for_good(state: ExecutionState, token: Token, message: Failed, effects: Effects) -> None:
    port = REJECTED if message.refused and REJECTED in token.node.exits else ERROR
    if token.item is not None:
        item_failed(state, token, message.error, effects, port)
    else:
        fail(state, token, message.error, effects, port)
