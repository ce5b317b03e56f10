"""Signals: handed to the node that waits for them, or kept until one does."""

from __future__ import annotations

from collections import deque
from typing import Any

from ...actors import Signal
from ..definition import OUT, Wait
from ._effects import Answer, Effects, Refuse
from ._errors import MemoryLimitExceeded, TooManySignals
from ._memory import check_memory, write
from ._state import ACTIVE, ExecutionState, Token, Waiting
from ._tokens import leave

Kept = deque[tuple[str, Any, int]]


def on_signal(
    state: ExecutionState, message: Signal, now: float, effects: Effects, reply: int
) -> None:
    """Keep the signal, then hand it to whoever waits for it (while a pause is on: on resume)."""
    try:
        check_memory(state, {f"signal {message.name}": message.size})
    except MemoryLimitExceeded as error:
        effects.append(Refuse(reply, error))
        return
    kept: Kept = state.signals if state.signals is not None else deque()
    kept.append((message.name, message.payload, message.size))
    state.signals = kept
    hand_out_signals(state, effects)
    if len(kept) > state.limits.kept_signals:
        kept.pop()
        effects.append(Refuse(reply, TooManySignals(message.name, state.limits.kept_signals)))
    else:
        effects.append(Answer(reply, None))


def hand_out_signals(state: ExecutionState, effects: Effects) -> None:
    """Give every wait its signal, the longest waiting first."""
    for token in list(state.tokens.values()):
        # Where the one before led to a join that cancels, this one may be gone.
        if isinstance(token.phase, Waiting) and token.step in state.tokens:
            consume_signal(state, token, effects)


def consume_signal(state: ExecutionState, token: Token, effects: Effects) -> bool:
    """Let a waiting token go if its signal has come; it takes the oldest of that name."""
    kind = token.node.spec.kind
    assert isinstance(kind, Wait)
    if not state.signals or state.control is not ACTIVE:
        return False
    for index, (name, payload, size) in enumerate(state.signals):
        if name == kind.signal:
            del state.signals[index]
            write(state, token.node.output, payload, size)
            leave(state, token, OUT, effects)
            return True
    return False
