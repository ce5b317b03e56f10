"""What follows from control messages: begin, pause, resume, cancel, retry, skip, update, query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...actors import Cancel, Message, Pause, Query, Resume, Retry, Skip, Update
from ..definition import OUT, owned
from ._effects import Answer, Effects, Hold, Refuse, TellChild, WakeAt
from ._errors import MemoryLimitExceeded, NoSuchVariable, NotAtNode
from ._items import skip_items
from ._memory import check_memory, take, write
from ._records import Begin, Enters
from ._signals import hand_out_signals
from ._state import (
    ACTIVE,
    QUEUED,
    BackingOff,
    Calling,
    Ending,
    ExecutionState,
    Expanded,
    Paused,
    Pausing,
    Ready,
    Running,
    Stopping,
    Token,
    limits_of,
)
from ._timing import rearm
from ._tokens import end, leave, send, start, stop

Handler = Callable[[ExecutionState, Any, float, Effects, int], None]


def on_enters(
    state: ExecutionState, message: Enters, now: float, effects: Effects, reply: int
) -> None:
    """Take the inputs as first variables."""
    _take_inputs(state, message)


def _take_inputs(state: ExecutionState, message: Begin | Enters) -> None:
    if message.limits is not None:
        state.limits = limits_of(message.limits)
    if message.inputs:
        take(state, message.inputs, message.sizes)


def on_begin(
    state: ExecutionState, message: Begin, now: float, effects: Effects, reply: int
) -> None:
    """Take the inputs as first variables and put tokens to the start nodes."""
    _take_inputs(state, message)
    if message.timeout is not None:
        state.deadline = now + message.timeout
        effects.append(WakeAt(state.deadline, 0))
    if isinstance(state.control, Paused):
        state.control = Paused(state.control.timeouts, now)
    else:
        state.control = ACTIVE
    send(state, state.routing.start, effects, None)


def on_pause(
    state: ExecutionState, message: Pause, now: float, effects: Effects, reply: int
) -> None:
    """Start nothing from here on; answered when nothing is in flight any more."""
    control = state.control
    if isinstance(control, Ending):
        control.replies.append(reply)
    elif isinstance(control, Paused):
        effects.append(Answer(reply, "paused"))
    elif isinstance(control, Pausing) and control.deferred:
        control.deferred.append((message, reply))
    else:
        _start_pausing(state, message, now, effects, reply)


def _start_pausing(
    state: ExecutionState, message: Pause, now: float, effects: Effects, reply: int
) -> None:
    if isinstance(state.control, Pausing):
        state.control.replies.append(reply)
        is_news = message.mode == "interrupt"
    else:
        state.control = Pausing(message.timeouts, now, [reply], [])
        is_news = True
    if is_news:
        _tell_children(state, message, effects)
    if message.mode == "interrupt":
        for token in state.tokens.values():
            if isinstance(token.phase, Running):
                stop(state, token, Stopping("again"), effects)
    elif is_news and state.in_flight:
        effects.append(Hold())


def _tell_children(state: ExecutionState, message: Message, effects: Effects) -> None:
    for token in state.tokens.values():
        if isinstance(token.phase, Calling):
            token.phase.paused = False
            effects.append(TellChild(token.step, token.phase.child, message))


def is_quiet(state: ExecutionState) -> bool:
    """Whether nothing is in flight, here or in a child, so that a pause is complete."""
    return not state.in_flight and not (
        state.calls
        and any(isinstance(t.phase, Calling) and not t.phase.paused for t in state.tokens.values())
    )


def become_paused(state: ExecutionState, now: float, effects: Effects) -> None:
    """Complete a pause, then take the control messages that had to wait for that."""
    pausing = state.control
    assert isinstance(pausing, Pausing)
    state.control = Paused(pausing.timeouts, pausing.since)
    effects.extend(Answer(reply, "paused") for reply in pausing.replies)
    for message, reply in pausing.deferred:
        CONTROL[type(message)](state, message, now, effects, reply)


def on_resume(
    state: ExecutionState, message: Resume, now: float, effects: Effects, reply: int
) -> None:
    """Go on: held tokens start, kept signals are handed out, timers are set anew."""
    control = state.control
    if isinstance(control, Ending):
        control.replies.append(reply)
        return
    if isinstance(control, Pausing):
        control.deferred.append((message, reply))
        return
    if isinstance(control, Paused):
        _go_on(state, control, now, effects)
    effects.append(Answer(reply, state.name))


def _go_on(state: ExecutionState, paused: Paused, now: float, effects: Effects) -> None:
    if not state.steps:
        state.control = QUEUED
        return
    state.control = ACTIVE
    for token in list(state.tokens.values()):
        if isinstance(token.phase, Ready):
            start(state, token, effects)
    _tell_children(state, Resume(), effects)
    hand_out_signals(state, effects)
    rearm(state, now - paused.since if paused.timeouts == "hold" else 0.0, effects)


def on_cancel(
    state: ExecutionState, message: Cancel, now: float, effects: Effects, reply: int
) -> None:
    """End the execution; answered with the state it ends in."""
    if isinstance(state.control, Ending):
        state.control.replies.append(reply)
    else:
        end(state, "cancelled", message.reason, None, effects, [reply])


def on_retry(
    state: ExecutionState, message: Retry, now: float, effects: Effects, reply: int
) -> None:
    """Try a node again now."""
    tokens = [
        token
        for token in state.tokens.values()
        if token.node.name == message.node and isinstance(token.phase, (BackingOff, Running))
    ]
    for token in tokens:
        if isinstance(token.phase, Running):
            stop(state, token, Stopping("again"), effects)
        else:
            token.attempt += 1
            start(state, token, effects)
    effects.append(Answer(reply, None) if tokens else _refuse(state, message.node, "retry", reply))


def on_skip(state: ExecutionState, message: Skip, now: float, effects: Effects, reply: int) -> None:
    """Leave a node by `out` without its result."""
    tokens = [
        token
        for token in state.tokens.values()
        if token.node.name == message.node and token.counts_for_joins
    ]
    for token in tokens:
        # Where the one before led to a join that cancels, this one may be gone.
        if token.step in state.tokens and token.counts_for_joins:
            _skip(state, token, effects)
    effects.append(Answer(reply, None) if tokens else _refuse(state, message.node, "skip", reply))


def _skip(state: ExecutionState, token: Token, effects: Effects) -> None:
    phase = token.phase
    if isinstance(phase, (Running, Stopping)):
        stop(state, token, Stopping("skip"), effects)
    elif isinstance(phase, Calling):
        phase.then = "skip"
        effects.append(TellChild(token.step, phase.child, Cancel("its node was skipped")))
    elif isinstance(phase, Expanded):
        skip_items(state, token, phase, effects)
    else:
        leave(state, token, OUT, effects)


def _refuse(state: ExecutionState, node: str, wanted: str, reply: int) -> Refuse:
    there = tuple(dict.fromkeys(token.node.name for token in state.tokens.values()))
    return Refuse(reply, NotAtNode(node, wanted, there))


def on_update(
    state: ExecutionState, message: Update, now: float, effects: Effects, reply: int
) -> None:
    """Write variables, all in this one turn, or none if they do not fit."""
    try:
        check_memory(state, message.sizes)
    except MemoryLimitExceeded as error:
        effects.append(Refuse(reply, error))
        return
    for name, value in message.changes.items():
        write(state, name, value, message.sizes.get(name, 0))
    effects.append(Answer(reply, None))


def on_query(
    state: ExecutionState, message: Query, now: float, effects: Effects, reply: int
) -> None:
    """Answer with variables of the memory."""
    missing = tuple(name for name in message.names if name not in state.memory)
    if missing:
        effects.append(Refuse(reply, NoSuchVariable(missing, tuple(state.memory))))
        return
    names = message.names or tuple(state.memory)
    effects.append(Answer(reply, {name: owned(state.memory[name]) for name in names}))


CONTROL: dict[type[Message], Handler] = {
    Begin: on_begin,
    Cancel: on_cancel,
    Enters: on_enters,
    Pause: on_pause,
    Query: on_query,
    Resume: on_resume,
    Retry: on_retry,
    Skip: on_skip,
    Update: on_update,
}
