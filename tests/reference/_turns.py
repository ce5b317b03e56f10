"""What each message does to an execution."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import attrs

from processengine.actors import Cancel, Message, Pause, Query, Resume, Retry, Signal, Skip, Update
from processengine.runtime.execution import (
    AttemptOutcome,
    Begin,
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
    Waits,
)

from ._joins import Unreachable, come, drop, drop_items, items_of, place, send, settle
from ._world import (
    Active,
    BackingOff,
    Calling,
    Delayed,
    Ending,
    Expanded,
    Finished,
    Paused,
    Pausing,
    Phase,
    Queued,
    Ready,
    Running,
    Stopping,
    Token,
    Waiting,
    World,
)

# What the engine's error contexts say, as far as the reference can tell.
Error = tuple[str, int, int, str]


def take(world: World, message: Message, now: float) -> World:
    """Take one message."""
    if isinstance(world.life, Finished):
        return world
    if isinstance(world.life, Ending) and isinstance(message, (Signal, Update)):
        return world
    return _conclude(_TAKE[type(message)](world, message, now), now)


def _conclude(world: World, now: float) -> World:
    while True:
        if not world.is_over:
            try:
                world = settle(world)
            except Unreachable as unreachable:
                world = _end(world, "failed", f"{unreachable.join}{unreachable.empty}")
        if not world.tokens and (world.steps or isinstance(world.life, Ending)):
            return _finish(world)
        if not isinstance(world.life, Pausing) or not _is_quiet(world):
            return world
        deferred = world.life.deferred
        world = world.but(life=Paused(world.life.timeouts, world.life.since))
        for message in deferred:
            world = _TAKE[type(message)](world, message, now)


def _is_quiet(world: World) -> bool:
    return not any(
        token.is_in_flight or (isinstance(token.phase, Calling) and not token.phase.is_paused)
        for token in world.tokens
    )


def _end(world: World, end: str, reason: str | None) -> World:
    """Decide the end: what is in flight is stopped first, the rest is dropped."""
    if world.is_over:
        return world
    world = world.but(life=Ending(end, reason), parked={}, rounds={}, signals=())
    for token in world.tokens:
        if world.find(token.step):
            world = drop(world, token)
    return world


def _finish(world: World) -> World:
    life = world.life if isinstance(world.life, Ending) else Ending("completed", None)
    return world.but(life=Finished(life.end, life.reason), tokens=(), parked={}, rounds={})


def _doing(world: World, token: Token, phase: Phase, **changes: Any) -> World:
    return world.put(attrs.evolve(token, phase=phase, **changes))


def _try_again(world: World, token: Token) -> World:
    phase = Running() if world.is_active else Ready()
    return _doing(world, token, phase, attempt=token.attempt + 1)


def _leave(world: World, token: Token, port: str, error: Error | None = None) -> World:
    return send(world.without(token), token, port, error)


# Control


def _begin(world: World, message: Begin, now: float) -> World:
    for name, value in message.inputs.items():
        world = world.write(name, value, message.sizes.get(name, 0))
    paused = isinstance(world.life, Paused)
    life = Paused(world.life.timeouts, now) if isinstance(world.life, Paused) else Active()
    deadline = None if message.timeout is None else now + message.timeout
    world = world.but(life=life, deadline=deadline)
    assert paused or world.is_active
    for node in world.drawing.start:
        slot = len(world.drawing.sources(node)) - 1
        world = come(world, node, slot, None, frozenset())
    return world


def _pause(world: World, message: Pause, now: float) -> World:
    life = world.life
    if isinstance(life, (Ending, Paused)):
        return world
    if isinstance(life, Pausing) and life.deferred:
        return world.but(life=attrs.evolve(life, deferred=(*life.deferred, message)))
    if not isinstance(life, Pausing):
        world = world.but(life=Pausing(message.timeouts, now))
    if not isinstance(life, Pausing) or message.mode == "interrupt":
        for token in world.tokens:
            if isinstance(token.phase, Calling):
                world = _doing(world, token, attrs.evolve(token.phase, is_paused=False))
    if message.mode == "interrupt":
        for token in world.tokens:
            if isinstance(token.phase, Running):
                world = _doing(world, token, Stopping("again"))
    return world


def _resume(world: World, message: Resume, now: float) -> World:
    life = world.life
    if isinstance(life, Pausing):
        return world.but(life=attrs.evolve(life, deferred=(*life.deferred, message)))
    if not isinstance(life, Paused):
        return world
    if not world.steps:
        return world.but(life=Queued())
    held = now - life.since if life.timeouts == "hold" else 0.0
    world = world.but(life=Active())
    for token in world.tokens:
        if isinstance(token.phase, Ready):
            world = _doing(world, token, Running())
        if isinstance(token.phase, Calling):
            world = _doing(world, token, attrs.evolve(token.phase, is_paused=False))
    world = _hand_out(world)
    for token in world.tokens:
        if isinstance(token.phase, Waiting) and token.phase.due is not None:
            world = _doing(world, token, Waiting(token.phase.due + held))
    deadline = None if world.deadline is None else world.deadline + held
    return world.but(deadline=deadline)


def _cancel(world: World, message: Cancel, now: float) -> World:
    return _end(world, "cancelled", message.reason)


def _retry(world: World, message: Retry, now: float) -> World:
    for token in world.tokens:
        if token.node == message.node and isinstance(token.phase, Running):
            world = _doing(world, token, Stopping("again"))
        if token.node == message.node and isinstance(token.phase, BackingOff):
            world = _try_again(world, token)
    return world


def _skip(world: World, message: Skip, now: float) -> World:
    for step in [token.step for token in world.tokens]:
        token = world.find(step)
        if token and token.node == message.node and not token.item and not token.is_dropped:
            world = _skip_token(world, token)
    return world


def _skip_token(world: World, token: Token) -> World:
    phase = token.phase
    if token.is_in_flight:
        return _doing(world, token, Stopping("skip"))
    if isinstance(phase, Calling):
        return _doing(world, token, attrs.evolve(phase, then="skip"))
    if isinstance(phase, Expanded):
        return _give_up(world, token, "failed" if phase.given_up == "failed" else "skipped")
    return _leave(world, token, "out")


def _update(world: World, message: Update, now: float) -> World:
    after = world
    for name, value in message.changes.items():
        after = after.write(name, value, message.sizes.get(name, 0))
    fits = sum(after.sizes.values()) <= world.memory_limit or not message.sizes
    return after if fits else world


def _query(world: World, message: Query, now: float) -> World:
    return world


def _signal(world: World, message: Signal, now: float) -> World:
    if message.size and sum(world.sizes.values()) + message.size > world.memory_limit:
        return world
    kept = (*world.signals, (message.name, message.payload, message.size))
    after = _hand_out(world.but(signals=kept))
    return after if len(after.signals) <= world.signal_limit else world


def _hand_out(world: World) -> World:
    """Give every wait its signal, the longest waiting first."""
    for step in [token.step for token in world.tokens]:
        token = world.find(step)
        if token and isinstance(token.phase, Waiting):
            world = _take_signal(world, token)
    return world


def _take_signal(world: World, token: Token) -> World:
    signal = world.drawing.nodes[token.node].signal
    wanted = [kept for kept in world.signals if kept[0] == signal]
    if not wanted or not world.is_active:
        return world
    kept = list(world.signals)
    kept.remove(wanted[0])
    world = world.but(signals=tuple(kept)).write(token.node, wanted[0][1], wanted[0][2])
    return _leave(world, token, "out")


# Outcomes of attempts


def _outcome(world: World, message: AttemptOutcome, now: float) -> World:
    """An attempt is over; one that no longer counts changes nothing."""
    token = world.find(message.step)
    if token is None or token.attempt != message.attempt or not token.is_in_flight:
        return world
    if token.is_dropped:
        return _taken_back(world, token, message)
    return _OUTCOMES[type(message)](world, token, message, now)


def _taken_back(world: World, token: Token, message: AttemptOutcome) -> World:
    world = world.without(token)
    if token.item is not None:
        parent = world.find(token.item[0])
        return world if parent is None else _go_on_without_items(world, parent)
    if isinstance(message, Completed) and world.is_over:
        return world.write(token.node, message.value, message.size)
    return world


def _completed(world: World, token: Token, message: Completed, now: float) -> World:
    if token.item is not None:
        return _item_completed(world, token, message)
    return _leave(world.write(token.node, message.value, message.size), token, message.port)


def _chose(world: World, token: Token, message: Chose, now: float) -> World:
    world = world.without(token)
    for port in message.ports:
        world = send(world, token, port)
    return world


def _delays(world: World, token: Token, message: Delays, now: float) -> World:
    return _doing(world, token, Delayed(message.due))


def _waits(world: World, token: Token, message: Waits, now: float) -> World:
    world = _doing(world, token, Waiting(message.due))
    return _take_signal(world, token)


def _calls(world: World, token: Token, message: Calls, now: float) -> World:
    if not world.is_active:
        return _try_again(world, token)
    return _doing(world, token, Calling(message.child))


def _ends(world: World, token: Token, message: Ends, now: float) -> World:
    world = world.without(token)
    is_last = world.drawing.nodes[token.node].kind == "terminate"
    return _end(world, "completed", None) if is_last else world


def _failed(world: World, token: Token, message: Failed, now: float) -> World:
    if isinstance(token.phase, Stopping):
        return _stopped(world, token, message, now)
    error = (message.error.node, token.step, token.attempt, message.error.exception)
    if message.refused and not token.item and world.drawing.has_port(token.node, "rejected"):
        return _leave(world.write(token.node, error, 0), token, "rejected", error)
    return _retry_or_fail(world, token, error, message.retryable, now, message.after or 0)


def _held(world: World, token: Token, message: Held, now: float) -> World:
    if isinstance(token.phase, Stopping):
        return _stopped(world, token, message, now)
    return _doing(world, token, Running() if world.is_active else Ready())


def _stopped(world: World, token: Token, message: AttemptOutcome, now: float) -> World:
    then = token.phase.then if isinstance(token.phase, Stopping) else "again"
    if then == "timeout":
        error = (token.node, token.step, token.attempt, "TimedOut")
        return _retry_or_fail(world, token, error, getattr(message, "retryable", True), now)
    return _leave(world, token, "out") if then == "skip" else _try_again(world, token)


def _time_left(world: World, now: float) -> float:
    if world.deadline is None:
        return math.inf
    if isinstance(world.life, (Paused, Pausing)) and world.life.timeouts == "hold":
        return world.deadline - world.life.since
    return world.deadline - now


def _retry_or_fail(
    world: World, token: Token, error: Error, retryable: bool, now: float, after: float = 0
) -> World:
    token = attrs.evolve(token, failures=token.failures + 1)
    node = world.drawing.nodes[token.node]
    wait = max(node.backoff * 2 ** (token.failures - 1), after)
    if retryable and token.failures < node.attempts and wait < _time_left(world, now):
        return _doing(world, token, BackingOff(now + wait))
    if token.item is not None:
        parent = world.find(token.item[0])
        assert parent is not None
        assert isinstance(parent.phase, Expanded)
        parent = attrs.evolve(parent, phase=attrs.evolve(parent.phase, failure=error))
        return _give_up(world.without(token).put(parent), parent, "failed")
    return _fail(world, token, error)


def _fail(world: World, token: Token, error: Error) -> World:
    """Let a token go by port `error`; the execution fails where that leads nowhere."""
    world = world.write(token.node, error, 0)
    if not world.drawing.has_port(token.node, "error"):
        return _end(world.without(token), "failed", None)
    return _leave(world, token, "error", error)


# Items of each nodes


def _lists(world: World, token: Token, message: Lists, now: float) -> World:
    items = tuple(range(len(message.items)))
    world = _doing(world, token, Expanded(items, {}, len(items)))
    at_once = world.drawing.nodes[token.node].limit or len(items)
    for _ in items[:at_once]:
        world = _place_item(world, token.step)
    return _collect(world, token.step)


def _place_item(world: World, step: int) -> World:
    token = world.find(step)
    assert token is not None
    assert isinstance(token.phase, Expanded)
    index, *todo = token.phase.todo
    world = _doing(world, token, attrs.evolve(token.phase, todo=tuple(todo)))
    return place(world, token.node, token.error, token.comes_from, (step, index))


def _collect(world: World, step: int) -> World:
    """Once all items have their results, let the token go with them, in the order of the items."""
    token = world.find(step)
    assert token is not None
    phase = token.phase
    assert isinstance(phase, Expanded)
    if len(phase.results) < phase.count:
        return world
    results = [phase.results[index] for index in range(phase.count)]
    return _leave(world.write(token.node, results, phase.size), token, "out")


def _item_completed(world: World, token: Token, message: Completed) -> World:
    assert token.item is not None
    step, index = token.item
    parent = world.find(step)
    assert parent is not None
    phase = parent.phase
    assert isinstance(phase, Expanded)
    results = {**phase.results, index: message.value}
    phase = attrs.evolve(phase, results=results, size=phase.size + message.size)
    world = _doing(world.without(token), parent, phase)
    return _place_item(world, step) if phase.todo else _collect(world, step)


def _give_up(world: World, token: Token, why: Any) -> World:
    assert isinstance(token.phase, Expanded)
    world = _doing(world, token, attrs.evolve(token.phase, todo=(), given_up=why))
    world = drop_items(world, token)
    parent = world.find(token.step)
    assert parent is not None
    return _go_on_without_items(world, parent)


def _go_on_without_items(world: World, token: Token) -> World:
    phase = token.phase
    assert isinstance(phase, Expanded)
    if items_of(world, token):
        return world
    if phase.given_up == "failed":
        return _fail(world, token, phase.failure)
    assert phase.given_up == "skipped"
    return _leave(world, token, "out")


# Time and children


def _due(world: World, message: Due, now: float) -> World:
    if message.step == 0:
        held = isinstance(world.life, (Paused, Pausing)) and world.life.timeouts == "hold"
        is_over = world.deadline == message.due and not held
        return _end(world, "timed_out", "the execution's timeout has run out") if is_over else world
    token = world.find(message.step)
    if token is None or not world.is_active or getattr(token.phase, "due", None) != message.due:
        return world
    if isinstance(token.phase, BackingOff):
        return _try_again(world, token)
    if isinstance(token.phase, Delayed):
        return _leave(world, token, "out")
    if world.drawing.has_port(token.node, "timeout"):
        return _leave(world, token, "timeout")
    return _fail(world, token, (token.node, token.step, token.attempt, "TimedOut"))


def _overdue(world: World, message: Overdue, now: float) -> World:
    token = world.find(message.step)
    if token is None or token.attempt != message.attempt or not isinstance(token.phase, Running):
        return world
    return _doing(world, token, Stopping("timeout"))


def _grace_over(world: World, message: GraceOver, now: float) -> World:
    """Attempts are given up; a child has a grace of its own, and ends before its parent."""
    if not isinstance(world.life, Ending):
        return world
    return world.but(tokens=tuple(token for token in world.tokens if not token.is_in_flight))


def _child_paused(world: World, message: ChildPaused, now: float) -> World:
    token = world.find(message.step)
    if token is None or not isinstance(token.phase, Calling):
        return world
    return _doing(world, token, attrs.evolve(token.phase, is_paused=True))


def _child_ended(world: World, message: ChildEnded, now: float) -> World:
    token = world.find(message.step)
    if token is None or not isinstance(token.phase, Calling) or token.phase.child != message.child:
        return world
    if token.phase.then == "drop":
        return world.without(token)
    if token.phase.then == "skip":
        return _leave(world, token, "out")
    if message.state == "completed":
        return _leave(world.write(token.node, message.memory, message.size), token, "out")
    error = (token.node, token.step, token.attempt, "ChildFailed")
    return _retry_or_fail(world, token, error, message.state in ("failed", "timed_out"), now)


_OUTCOMES: dict[type, Callable[[World, Token, Any, float], World]] = {
    Calls: _calls,
    Chose: _chose,
    Completed: _completed,
    Delays: _delays,
    Ends: _ends,
    Failed: _failed,
    Held: _held,
    Interrupted: _stopped,
    Lists: _lists,
    Waits: _waits,
}
_TAKE: dict[type, Callable[[World, Any, float], World]] = {
    **dict.fromkeys(_OUTCOMES, _outcome),
    Begin: _begin,
    Cancel: _cancel,
    ChildEnded: _child_ended,
    ChildPaused: _child_paused,
    Due: _due,
    GraceOver: _grace_over,
    Overdue: _overdue,
    Pause: _pause,
    Query: _query,
    Resume: _resume,
    Retry: _retry,
    Signal: _signal,
    Skip: _skip,
    Update: _update,
}
