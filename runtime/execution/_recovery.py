"""A new life for an execution: its state from its history, and what has to be set going again."""

from __future__ import annotations

from collections.abc import Iterable

from ...actors import Cancel, Message, Pause
from ..definition import RoutingMap
from ._effects import CallChild, Closing, Effects, TellChild
from ._records import Interrupted
from ._state import Calling, Ending, ExecutionState, Limits, Pausing, Token
from ._timing import rearm
from ._transition import transition


def replay(
    id: str, routing: RoutingMap, limits: Limits, history: Iterable[tuple[float, Message]]
) -> ExecutionState:
    """The state that a history leads to: times and messages, from the first on."""
    state = ExecutionState(id, routing, limits)
    for at, message in history:
        transition(state, message, at)
    return state


def forget_replies(state: ExecutionState) -> None:
    """Whoever waited for an answer has gone with the life that owed it."""
    control = state.control
    if isinstance(control, (Pausing, Ending)):
        control.replies = []
    if isinstance(control, Pausing):
        control.deferred = [(message, 0) for message, _ in control.deferred]


def restored(state: ExecutionState) -> Effects:
    """What a state takes for granted: its timers are set, its children live and were told."""
    effects: Effects = []
    rearm(state, 0.0, effects)
    if isinstance(state.control, Ending):
        effects.append(Closing())
    for token in state.tokens.values():
        if isinstance(token.phase, Calling):
            phase = token.phase
            effects.append(CallChild(token.step, phase.child, phase.inputs, again=True))
            effects += told_child(state, token, token.phase)
    return effects


def told_child(state: ExecutionState, token: Token, phase: Calling) -> Effects:
    """What a child has been told, and has to know for its parent to go on."""
    if phase.then != "result":
        return [TellChild(token.step, phase.child, Cancel("its parent moved on"))]
    if isinstance(state.control, Pausing) and not phase.paused:
        pause = Pause("drain", state.control.timeouts)
        return [TellChild(token.step, phase.child, pause)]
    return []


def lost_attempts(state: ExecutionState) -> list[Interrupted]:
    """The messages that tell of attempts which nobody makes any more."""
    tokens = state.tokens.values()
    return [Interrupted(token.step, token.attempt) for token in tokens if token.is_in_flight]
