"""Both engines seen alike, so that they can be compared."""

from __future__ import annotations

from typing import Any

from processengine.runtime.execution import (
    AllJoin,
    Arrival,
    CountJoin,
    Ending,
    ErrorContext,
    ExecutionState,
    Expanded,
    Finished,
    Paused,
    Pausing,
    Token,
)

from . import _world as reference  # pyright: ignore[reportPrivateUsage] - of the same package

View = dict[str, Any]


def view_of_world(world: reference.World) -> View:
    """The reference, as `view_of_state` shows the engine."""
    cyclic = {name for name in world.drawing.nodes if world.drawing.slots_in_reach(name, name)}
    return {
        "life": _life_of_world(world.life),
        "tokens": [_token_of_world(token, cyclic) for token in world.tokens],
        "joins": _joins_of_world(world, cyclic),
        "memory": dict(world.memory),
        "size": sum(world.sizes.values()),
        "signals": [] if world.is_over else list(world.signals),
        "deadline": world.deadline,
        "steps": world.steps,
    }


def _life_of_world(life: reference.Life) -> tuple[object, ...]:
    name = type(life).__name__
    if isinstance(life, (reference.Ending, reference.Finished)):
        return name, life.end
    if isinstance(life, reference.Pausing):
        return name, life.timeouts, life.since, len(life.deferred)
    return (name, life.timeouts, life.since) if isinstance(life, reference.Paused) else (name,)


def _token_of_world(token: reference.Token, cyclic: set[str]) -> View:
    phase: tuple[object, ...] = (token.phase,)
    if isinstance(token.phase, reference.Expanded):
        each = token.phase
        phase = each.todo, [each.results.get(i) for i in range(each.count)], each.given_up
    elif isinstance(token.phase, reference.Calling):
        phase = token.phase.child, token.phase.is_paused, token.phase.then
    elif isinstance(token.phase, reference.Stopping):
        phase = (token.phase.then,)
    else:
        phase = (getattr(token.phase, "due", None),)
    return {
        "step": token.step,
        "node": token.node,
        "phase": (type(token.phase).__name__, *phase),
        "attempt": (token.attempt, token.failures),
        "error": token.error,
        "item": token.item,
        "comes from": _latest(token.comes_from, cyclic),
    }


def _latest(comes_from: frozenset[tuple[str, int]], cyclic: set[str]) -> dict[str, int]:
    latest: dict[str, int] = {}
    for join, number in comes_from:
        if join in cyclic:
            latest[join] = max(number, latest.get(join, -1))
    return dict(sorted(latest.items()))


def _joins_of_world(world: reference.World, cyclic: set[str]) -> View:
    joins: View = {
        name: [_parked(each, cyclic) for each in parked] for name, parked in world.parked.items()
    }
    for name, rounds in world.rounds.items():
        waiting = [
            (number, [_parked(each, cyclic) for each in round.parked])
            for number, round in enumerate(rounds)
            if round.parked and not round.has_fired
        ]
        if waiting:
            joins[name] = waiting
    return {name: sorted(parked, key=repr) for name, parked in joins.items()}


def _parked(parked: reference.Parked, cyclic: set[str]) -> tuple[object, ...]:
    return parked.slot, parked.error, _latest(parked.comes_from, cyclic)


# The engine


def view_of_state(state: ExecutionState) -> View:
    """What the reference has to agree with."""
    cyclic = _cyclic(state)
    memory = {name: _plain(value) for name, value in state.memory.items()}
    ended = isinstance(state.control, (Ending, Finished))
    return {
        "life": _life(state),
        "tokens": [_token(token, state, cyclic) for token in state.tokens.values()],
        "joins": {} if ended else _joins(state, cyclic),
        "memory": memory,
        "size": state.memory_size,
        "signals": [] if ended else list(state.signals or ()),
        "deadline": state.deadline,
        "steps": state.steps,
    }


def _cyclic(state: ExecutionState) -> set[str]:
    def reaches_itself(start: Any) -> bool:
        seen, ahead = set[str](), [start]
        while ahead:
            for exit in ahead.pop().exits.values():
                for target, _ in exit.targets:
                    if target is start:
                        return True
                    if target.name not in seen:
                        seen.add(target.name)
                        ahead.append(target)
        return False

    return {node.name for node in state.routing.nodes if reaches_itself(node)}


def _plain(value: object) -> object:
    if isinstance(value, ErrorContext):
        return value.node, value.step, value.attempt, value.exception
    return value


def _life(state: ExecutionState) -> tuple[object, ...]:
    control = state.control
    name = type(control).__name__
    if isinstance(control, (Ending, Finished)):
        return name, control.state
    if isinstance(control, Pausing):
        return name, control.timeouts, control.since, len(control.deferred)
    return (name, control.timeouts, control.since) if isinstance(control, Paused) else (name,)


def _token(token: Token, state: ExecutionState, cyclic: set[str]) -> View:
    phase: Any = token.phase
    name = type(phase).__name__
    if isinstance(phase, Expanded):
        todo = tuple(range(phase.started, len(phase.items)))
        given_up = "failed" if phase.failure else "skipped" if phase.skipped else None
        shown: tuple[object, ...] = (todo, phase.results, given_up)
    elif name == "Calling":
        shown = phase.child, phase.paused, phase.then
    elif name == "Stopping":
        shown = (phase.then,)
    else:
        shown = (getattr(phase, "due", None),)
    return {
        "step": token.step,
        "node": token.node.name,
        "phase": (name, *shown),
        "attempt": (token.attempt, token.failures),
        "error": _plain(token.error),
        "item": None if token.item is None else (token.item.parent, token.item.index),
        "comes from": _lineage(token.lineage, state, cyclic),
    }


def _lineage(
    lineage: dict[int, int] | None, state: ExecutionState, cyclic: set[str]
) -> dict[str, int]:
    named = {state.routing.nodes[i].name: number for i, number in (lineage or {}).items()}
    return {name: named[name] for name in sorted(named) if name in cyclic}


def _joins(state: ExecutionState, cyclic: set[str]) -> View:
    joins: View = {}
    for index, join in (state.joins or {}).items():
        waiting = _waiting(join, state, cyclic)
        if waiting:
            joins[state.routing.nodes[index].name] = sorted(waiting, key=repr)
    return joins


def _waiting(join: AllJoin | CountJoin, state: ExecutionState, cyclic: set[str]) -> list[Any]:
    def shown(slot: int, arrival: Arrival) -> tuple[object, ...]:
        return slot, _plain(arrival.error), _lineage(arrival.lineage, state, cyclic)

    if isinstance(join, AllJoin):
        return [shown(slot, each) for slot, queue in join.arrivals.items() for each in queue]
    return [
        (round.number, [shown(slot, each) for slot, each in round.arrivals.items()])
        for round in join.rounds
        if round.arrivals and not round.fired
    ]
