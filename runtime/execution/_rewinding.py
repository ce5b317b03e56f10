"""Going on from another state: what was under way in it begins anew, and time has not passed."""

from __future__ import annotations

from ._effects import Effects
from ._records import Rewound
from ._state import BackingOff, Calling, Delayed, ExecutionState, Expanded, Token
from ._timing import rearm
from ._tokens import start


def on_rewound(
    state: ExecutionState, message: Rewound, now: float, effects: Effects, reply: int
) -> None:
    """`state` is the one that the message brings; its timers move on by the time that has passed.

    What begins again has all its retries before it.
    """
    held = max(0.0, now - message.at)
    for token in list(state.tokens.values()):
        if isinstance(token.phase, (BackingOff, Delayed)):
            token.phase = type(token.phase)(token.phase.due + held)
        if token.is_in_flight:
            state.in_flight -= 1
        elif isinstance(token.phase, Calling):
            state.calls -= 1
        elif token.step != message.step or isinstance(token.phase, Expanded):
            continue
        _begin_again(state, token, effects)
    rearm(state, held, effects)


def _begin_again(state: ExecutionState, token: Token, effects: Effects) -> None:
    token.attempt += 1
    token.failures, token.wait, token.since = 0, 0.0, 0.0
    start(state, token, effects)
