"""The engine: one deterministic function from a state and a message to a new state and effects.

It never awaits, reads no clock, draws no randomness and does no input or output. Live running,
recovery, simulation and replay all feed messages to it. The state is changed in place: an execution
owns it, and copying it would cost more than the turn.
"""

from __future__ import annotations

from ...actors import ActorGone, Cancel, Message, Pause, Resume, Signal, Update
from ._children import on_child_ended, on_child_paused
from ._control import CONTROL, Handler, become_paused, is_quiet
from ._effects import Answer, Effects, Ended, Refuse
from ._outcomes import (
    on_calls,
    on_chose,
    on_completed,
    on_delays,
    on_ends,
    on_failed,
    on_held,
    on_interrupted,
    on_lists,
    on_revived,
    on_waits,
)
from ._records import (
    Calls,
    ChildEnded,
    ChildPaused,
    Chose,
    Completed,
    Delays,
    Due,
    Ends,
    Failed,
    GraceOver,
    Held,
    Interrupted,
    Lists,
    Overdue,
    Revived,
    Rewound,
    Waits,
)
from ._rewinding import on_rewound
from ._signals import on_signal
from ._state import ACTIVE, Ending, ExecutionState, Finished, Pausing, Token
from ._step import ENDED, step
from ._timing import on_due, on_grace_over, on_overdue
from ._tokens import finish, settle_joins
from ._witnesses import look_at_all

HANDLERS: dict[type[Message], Handler] = {
    **CONTROL,
    Calls: on_calls,
    ChildEnded: on_child_ended,
    ChildPaused: on_child_paused,
    Chose: on_chose,
    Completed: on_completed,
    Delays: on_delays,
    Due: on_due,
    Ends: on_ends,
    Failed: on_failed,
    GraceOver: on_grace_over,
    Held: on_held,
    Interrupted: on_interrupted,
    Lists: on_lists,
    Overdue: on_overdue,
    Revived: on_revived,
    Rewound: on_rewound,
    Signal: on_signal,
    Waits: on_waits,
}


def transition(state: ExecutionState, message: Message, now: float, reply: int = 0) -> Effects:
    """Take one message: change `state` and say what is to be done.

    `now` is in seconds and never runs backwards. `reply` numbers the answer that the sender waits
    for (0: nobody does). Effects come in the order in which they are to be done. Messages to an
    execution that has ended, and outcomes of attempts that no longer count, change nothing.
    """
    if type(message) is Completed:
        token = state.tokens.get(message.step)
        if token is not None and token.attempt == message.attempt:
            following = step(state, token, message)
            if type(following) is list:
                return [*following]
            if type(following) is Token:
                return [following]
            if following is not None:
                return [Ended()] if following is ENDED else []
    return whole_turn(state, message, now, reply)


def whole_turn(state: ExecutionState, message: Message, now: float, reply: int = 0) -> Effects:
    """As `transition`, for who knows already that `step` cannot take the message."""
    effects: Effects = []
    control = state.control
    if isinstance(control, (Ending, Finished)):
        if isinstance(message, (Signal, Update)):
            return [Refuse(reply, ActorGone(state.id, f"it has ended, {control.state}"))]
        if isinstance(control, Finished):
            return _answer_after_the_end(state.id, control, message, reply)
    HANDLERS[type(message)](state, message, now, effects, reply)
    if state.recheck or not state.tokens or state.control is not ACTIVE:
        _conclude(state, now, effects)
    return effects


def _answer_after_the_end(id: str, control: Finished, message: Message, reply: int) -> Effects:
    """Answer a message that was waiting for its turn when the execution ended."""
    if not reply:
        return []
    if isinstance(message, (Pause, Resume, Cancel)):
        return [Answer(reply, control.state)]
    return [Refuse(reply, ActorGone(id, f"it has ended, {control.state}"))]


def _conclude(state: ExecutionState, now: float, effects: Effects) -> None:
    """Settle the joins, see whether all is over, and complete a pause that has become quiet.

    What had to wait for the pause (a resume) may move tokens, so after that all is asked again.
    """
    _settle_and_finish(state, now, effects)
    while isinstance(state.control, Pausing) and is_quiet(state):
        become_paused(state, now, effects)
        _settle_and_finish(state, now, effects)


def _settle_and_finish(state: ExecutionState, now: float, effects: Effects) -> None:
    if state.recheck:
        settle_joins(state, now, effects)
    if not state.tokens and state.joins:
        look_at_all(state)
        settle_joins(state, now, effects)
    is_over = not state.tokens and (state.steps or isinstance(state.control, Ending))
    if is_over and not isinstance(state.control, Finished):
        finish(state, effects)
