"""How attempts come out, drawn: what the nodes of a process might answer, whatever they do."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ..definition import ERROR, REJECTED, Delay, Each, End, Function, Process, Switch, Wait
from ..execution import (
    AttemptOutcome,
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
    Stopping,
    Token,
    Waits,
)
from ._drawing import is_rare, pick

Draw = Callable[[Random, Token, Any, float], AttemptOutcome]


def draw_outcome(random: Random, token: Token, now: float) -> AttemptOutcome:
    """Draw how the attempt of a token comes out; most that were told to stop have stopped."""
    if isinstance(token.phase, Stopping):
        if not is_rare(random, 4):
            return Interrupted(token.step, token.attempt)
        return _draw_last_words(random, token, now)
    if is_rare(random, 16):
        return Held(token.step, token.attempt)
    if not isinstance(token.node.spec.kind, End) and is_rare(random, 16):
        return _failed(random, token, now)
    return _DRAW[type(token.node.spec.kind)](random, token, token.node.spec.kind, now)


def _draw_last_words(random: Random, token: Token, now: float) -> AttemptOutcome:
    """What an attempt that was told to stop may do all the same: end, well or badly."""
    kind = token.node.spec.kind
    if isinstance(kind, Function) or token.item is not None:
        return pick(random, (_function, _failing))(random, token, kind, now)
    return _failed(random, token, now)


def _failing(random: Random, token: Token, kind: Any, now: float) -> AttemptOutcome:
    return _failed(random, token, now)


def _failed(random: Random, token: Token, now: float) -> Failed:
    item = None if token.item is None else token.item.index
    error = ErrorContext(token.node.name, token.step, token.attempt, "Drawn", "", now, item=item)
    after = pick(random, (None, None, 3.0))
    refused = is_rare(random, 4)
    retryable = not refused and not is_rare(random, 4)
    return Failed(token.step, token.attempt, error, retryable, 0.5, after=after, refused=refused)


def _function(random: Random, token: Token, kind: Any, now: float) -> AttemptOutcome:
    ports = ["out"] if token.item else [p for p in kind.ports if p not in (ERROR, REJECTED)]
    size = pick(random, (0, 0, 10))
    value = f"{token.node.name}.{token.step}.{token.attempt}"
    return Completed(token.step, token.attempt, pick(random, ports), value, size, now)


def _switch(random: Random, token: Token, kind: Switch, now: float) -> AttemptOutcome:
    ports = [port for port in kind.ports if port != ERROR]
    chosen = pick(random, ports)
    if kind.choose == "first" or is_rare(random, 2):
        return Chose(token.step, token.attempt, (chosen,))
    return Chose(token.step, token.attempt, tuple(ports))


def _delay(random: Random, token: Token, kind: Delay, now: float) -> AttemptOutcome:
    return Delays(token.step, token.attempt, now + random.randrange(3))


def _wait(random: Random, token: Token, kind: Wait, now: float) -> AttemptOutcome:
    due = None if kind.timeout is None else now + random.randrange(3)
    return Waits(token.step, token.attempt, due)


def _each(random: Random, token: Token, kind: Each, now: float) -> AttemptOutcome:
    if token.item is not None:
        return _function(random, token, kind, now)
    return Lists(token.step, token.attempt, list(range(random.randrange(4))))


def _process(random: Random, token: Token, kind: Process, now: float) -> AttemptOutcome:
    child = f"{token.node.name}.{token.step}.{token.attempt}"
    return Calls(token.step, token.attempt, child, {})


def _end(random: Random, token: Token, kind: End, now: float) -> AttemptOutcome:
    return Ends(token.step, token.attempt)


_DRAW: dict[type, Draw] = {
    Function: _function,
    Switch: _switch,
    Delay: _delay,
    Wait: _wait,
    Each: _each,
    Process: _process,
    End: _end,
}
