"""What holds of an execution between any two turns, checked the slow way.

Reachability is recomputed here from the graph alone, so that it is a check on the engine's
witnesses and not a copy of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator

from ..execution import (
    Active,
    AllJoin,
    Calling,
    CountJoin,
    Ending,
    ExecutionState,
    Expanded,
    Finished,
    Paused,
    Pausing,
    Queued,
    Ready,
    Running,
    Stopping,
    Token,
    Waiting,
)


def check_invariants(state: ExecutionState) -> None:
    """Raise `AssertionError` listing everything in which a state contradicts itself.

    For a state between two turns. Expensive: for tests.
    """
    faults = [
        *_miscounts(state),
        *_misplaced_tokens(state),
        *_misjudged_life(state),
        *_broken_items(state),
        *_broken_joins(state),
        *_forgotten_signals(state),
    ]
    assert not faults, f"execution {state.id!r}: " + "; ".join(faults)


def _miscounts(state: ExecutionState) -> Iterator[str]:
    tokens = state.tokens.values()
    in_flight = sum(isinstance(token.phase, (Running, Stopping)) for token in tokens)
    if state.in_flight != in_flight:
        yield f"in_flight is {state.in_flight}, but {in_flight} attempts are"
    calls = sum(isinstance(token.phase, Calling) for token in tokens)
    if state.calls != calls:
        yield f"calls is {state.calls}, but {calls} tokens call"
    sizes = state.sizes or {}
    if state.memory_size != sum(sizes.values()):
        yield f"memory_size is {state.memory_size}, but the sizes make {sum(sizes.values())}"
    if unknown := sizes.keys() - state.memory.keys():
        yield f"sizes of variables that do not exist: {unknown}"


def _misplaced_tokens(state: ExecutionState) -> Iterator[str]:
    steps = [token.step for token in state.tokens.values()]
    if steps != list(state.tokens) or steps != sorted(set(steps)):
        yield f"tokens are filed under {list(state.tokens)}, but are of steps {steps}"
    if steps and not 1 <= min(steps) <= max(steps) <= state.steps:
        yield f"{state.steps} steps were counted, but there are {steps}"
    for token in state.tokens.values():
        if token.attempt < 1 or token.failures >= token.attempt + token.node.slots:
            yield f"step {token.step} is at attempt {token.attempt}"


_PHASES_WHILE: dict[type, tuple[type, ...]] = {Active: (Ready,), Paused: (Running, Stopping)}
"""The phases that no token may be in while the execution is in that phase of its life."""


def _misjudged_life(state: ExecutionState) -> Iterator[str]:
    control = state.control
    unfit = _PHASES_WHILE.get(type(control), ())
    for token in state.tokens.values():
        if isinstance(token.phase, unfit):
            yield f"{_of(token)} while {type(control).__name__}"
        if isinstance(control, Ending) and token.counts_for_joins and token.item is None:
            yield f"{_of(token)} was not dropped at the end"
    if isinstance(control, Queued) and state.steps:
        yield "queued, but has begun"
    if isinstance(control, Pausing) and not _is_busy(state):
        yield "pausing, but nothing is in flight"
    if isinstance(control, Paused) and _is_busy(state):
        yield "paused, but something is in flight"
    if isinstance(control, Finished) and state.tokens:
        yield f"ended, but has tokens {list(state.tokens)}"
    if isinstance(control, Ending) and not state.tokens:
        yield "ending, but there is nothing to wait for"
    if state.steps and not state.tokens and not isinstance(control, Finished):
        yield "there is no token left, but it has not ended"


def _is_busy(state: ExecutionState) -> bool:
    return any(
        isinstance(token.phase, (Running, Stopping))
        or (isinstance(token.phase, Calling) and not token.phase.paused)
        for token in state.tokens.values()
    )


def _of(token: Token) -> str:
    return f"step {token.step} at {token.node.name!r} is {type(token.phase).__name__}"


def _broken_items(state: ExecutionState) -> Iterator[str]:
    items = Counter(t.item.parent for t in state.tokens.values() if t.item is not None)
    for token in state.tokens.values():
        phase = token.phase
        if isinstance(phase, Expanded):
            if phase.live != items[token.step]:
                yield f"step {token.step} counts {phase.live} items of {items[token.step]}"
            if not phase.live:
                yield f"step {token.step} waits for no item"
            if len(phase.results) != len(phase.items) or phase.started > len(phase.items):
                yield f"step {token.step}: {len(phase.items)} items, {phase.started} started"
        is_dropped = isinstance(phase, Stopping) and phase.then == "drop"
        if token.item and token.item.parent not in state.tokens and not is_dropped:
            yield f"{_of(token)}, an item of nobody"


def _forgotten_signals(state: ExecutionState) -> Iterator[str]:
    if not isinstance(state.control, Active):
        return
    kept = {name for name, _, _ in state.signals or ()}
    for token in state.tokens.values():
        signal = getattr(token.node.spec.kind, "signal", None)
        if isinstance(token.phase, Waiting) and signal in kept:
            yield f"step {token.step} waits for signal {signal!r}, which is there"


# Joins


def _broken_joins(state: ExecutionState) -> Iterator[str]:
    if state.recheck:
        yield f"joins {sorted(state.recheck)} were left to look at"
    for join in (state.joins or {}).values():
        if isinstance(join, AllJoin):
            yield from _broken_all(state, join)
        else:
            yield from _broken_count(state, join)


def _broken_all(state: ExecutionState, join: AllJoin) -> Iterator[str]:
    name = join.node.name
    if not join.arrivals or not all(join.arrivals.values()):
        yield f"join {name!r} waits with nothing"
    if len(join.arrivals) >= join.node.slots:
        yield f"join {name!r} has everything, but waits"
    if not _sources_of(state, join, join.arrivals):
        yield f"join {name!r} has {sorted(join.arrivals)} and waits for what cannot come"


def _broken_count(state: ExecutionState, join: CountJoin) -> Iterator[str]:
    name, numbers = join.node.name, [round.number for round in join.rounds]
    if numbers != sorted(set(numbers)) or any(n >= join.next_round for n in numbers):
        yield f"join {name!r} has rounds {numbers} below {join.next_round}"
    for round in join.rounds:
        if len(round.arrivals) >= join.node.slots:
            yield f"join {name!r} keeps round {round.number}, which is full"
        if not round.fired and len(round.arrivals) >= join.node.join.count:
            yield f"join {name!r} has reached its count in round {round.number}, but waits"
    fired = [round.fired for round in join.rounds]
    if fired != sorted(fired, reverse=True):
        yield f"join {name!r} fired its rounds out of order: {fired}"
    waiting = next((round for round in join.rounds if not round.fired), None)
    if waiting is not None and waiting.arrivals:
        others = _others_that_wait(state, join)
        if not others and not _sources_of(state, join, waiting.arrivals):
            yield f"join {name!r} waits for what cannot come"


def _others_that_wait(state: ExecutionState, join: CountJoin) -> list[int]:
    return [index for index in state.joins or {} if index != join.node.index]


def _sources_of(
    state: ExecutionState, join: AllJoin | CountJoin, filled: Container[int]
) -> list[int]:
    """The steps of live tokens that can reach an empty slot without passing through the join."""
    return [
        token.step
        for token in state.tokens.values()
        if token.counts_for_joins
        and any(slot not in filled for slot in _slots_reached(state, token, join))
    ]


def _slots_reached(state: ExecutionState, token: Token, join: AllJoin | CountJoin) -> set[int]:
    slots, seen, ahead = set[int](), {token.node.index}, [token.node]
    while ahead:
        node = ahead.pop()
        for exit in node.exits.values():
            for target, slot in exit.targets:
                if target is join.node:
                    slots.add(slot)
                elif target.index not in seen:
                    seen.add(target.index)
                    ahead.append(target)
    return slots
