"""Moving tokens: placing, letting go, dropping; and what every turn ends with."""

from __future__ import annotations

from ...actors import Cancel
from ..definition import ERROR, Exit, RoutedNode
from ._effects import Answer, Closing, Effects, Ended, Stop, TellChild
from ._joins import arrive
from ._memory import write
from ._records import EndState, ErrorContext
from ._rounds import Firing
from ._settling import Unreachable, settle
from ._state import (
    ACTIVE,
    COMPLETED,
    READY,
    RUNNING,
    Arrival,
    Calling,
    Ending,
    ExecutionState,
    Expanded,
    Finished,
    Item,
    Lineage,
    Running,
    Stopping,
    Token,
)
from ._witnesses import forget_witness, look_at_all


def place(
    state: ExecutionState,
    node: RoutedNode,
    effects: Effects,
    error: ErrorContext | None = None,
    lineage: Lineage | None = None,
    item: Item | None = None,
) -> None:
    """Put a new token on a node and start it, or hold it ready while a pause is on."""
    state.steps = step = state.steps + 1
    active = state.control is ACTIVE
    token = Token(step, node, RUNNING if active else READY, 1, 0, 0.0, error, lineage, item)
    state.tokens[step] = token
    if active:
        state.in_flight += 1
        effects.append(token)


def start(state: ExecutionState, token: Token, effects: Effects) -> None:
    """Start the attempt of a token that has none, or hold it ready while a pause is on."""
    if state.control is ACTIVE:
        token.phase = RUNNING
        state.in_flight += 1
        effects.append(token)
    else:
        token.phase = READY


def remove(state: ExecutionState, token: Token) -> None:
    """Take a token out of the execution."""
    del state.tokens[token.step]
    if state.witnesses:
        forget_witness(state, token.step)


def leave(state: ExecutionState, token: Token, port: str, effects: Effects) -> None:
    """Let a token go by a port."""
    remove(state, token)
    send(state, token.node.exit(port), effects, token.lineage)


def send(
    state: ExecutionState,
    exit: Exit,
    effects: Effects,
    lineage: Lineage | None,
    error: ErrorContext | None = None,
) -> None:
    """Put tokens to everything an exit leads to."""
    if exit.leaves_untaken and not state.starving:
        look_at_all(state)
    for node, slot in exit.targets:
        if node.starts_at_once:
            place(state, node, effects, error, lineage)
            continue
        state.arrived += 1
        firing = arrive(state, node, slot, Arrival(state.arrived, error, lineage))
        if firing is not None:
            fire(state, firing, effects)


def fire(state: ExecutionState, firing: Firing, effects: Effects) -> None:
    """Start the node of a join that fires."""
    for step in firing.cancels:
        drop(state, state.tokens[step], effects)
    place(state, firing.node, effects, firing.arrival.error, firing.arrival.lineage)


def drop(state: ExecutionState, token: Token, effects: Effects) -> None:
    """Take a token back: at once, or when its attempt or child has been stopped."""
    if isinstance(token.phase, Calling):
        token.phase.then = "drop"
        effects.append(TellChild(token.step, token.phase.child, Cancel("its parent moved on")))
        forget_witness(state, token.step)
    elif token.is_in_flight:
        stop(state, token, Stopping("drop"), effects)
        forget_witness(state, token.step)
    else:
        if isinstance(token.phase, Expanded):
            drop_items(state, token.step, effects)
        remove(state, token)


def drop_items(state: ExecutionState, parent: int, effects: Effects) -> int:
    """Take back every token that works on an item of this step; how many are still stopping."""
    items = [t for t in state.tokens.values() if t.item is not None and t.item.parent == parent]
    for token in items:
        drop(state, token, effects)
    return sum(token.step in state.tokens for token in items)


def stop(state: ExecutionState, token: Token, phase: Stopping, effects: Effects) -> None:
    """Tell the attempt of a token to stop; one that was told already is not told again."""
    if isinstance(token.phase, Running):
        effects.append(Stop(token))
    token.phase = phase


def fail(
    state: ExecutionState, token: Token, error: ErrorContext, effects: Effects, port: str = ERROR
) -> None:
    """Let a token go by port `error`, or fail the execution where that is not connected."""
    remove(state, token)
    write(state, token.node.output, error, 0)
    exit = token.node.exits.get(port)
    if exit is None:
        end(state, "failed", str(error), error, effects)
    else:
        send(state, exit, effects, token.lineage, error)


def end(
    state: ExecutionState,
    name: EndState,
    reason: str | None,
    error: ErrorContext | None,
    effects: Effects,
    replies: list[int] | None = None,
) -> None:
    """Decide the end: stop what is in flight, drop the rest. The first decision stands."""
    if isinstance(state.control, (Ending, Finished)):
        return
    waiting = [*(replies or ()), *getattr(state.control, "replies", ())]
    waiting += [reply for _, reply in getattr(state.control, "deferred", ()) if reply]
    state.control = Ending(name, reason, error, waiting)
    state.joins = state.witnesses = state.recheck = state.signals = None
    for token in list(state.tokens.values()):
        if token.step in state.tokens:
            drop(state, token, effects)
    if state.tokens:
        effects.append(Closing())


def settle_joins(state: ExecutionState, now: float, effects: Effects) -> None:
    """Let every join fire that can, or fail the execution with the one that never will."""
    try:
        for firing in settle(state):
            fire(state, firing, effects)
    except Unreachable as unreachable:
        text = str(unreachable)
        error = ErrorContext(unreachable.join.name, 0, 0, "JoinUnreachable", text, now)
        end(state, "failed", text, error, effects)


def finish(state: ExecutionState, effects: Effects) -> None:
    """Seal the execution and answer everybody who waits for its end."""
    if state.control is ACTIVE:
        state.control = COMPLETED
        effects.append(Ended())
        return
    if not isinstance(state.control, Ending):
        end(state, "completed", None, None, effects)
    ending = state.control
    assert isinstance(ending, Ending)
    state.control = Finished(ending.state, ending.reason, ending.error)
    effects.extend(Answer(reply, ending.state) for reply in ending.replies)
    effects.append(Ended(ending.abandoned))
