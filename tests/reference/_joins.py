"""The joins, from their definition.

- A join of mode *all* fires when every slot has a token. It also fires when no live token can reach
  an empty slot without passing through the join: nothing that still comes could complete it. Tokens
  that wait at other joins may go on one day, so a join waits for those joins first. Where such
  joins wait for each other, the one whose first token came earliest fires.
- A *counted* join works in rounds. The k-th token on a slot belongs to the k-th round, except that
  a token which comes from some round of this join belongs to a later one. A round fires when it has
  its count; tokens of that round that come afterwards are absorbed. With `cancel` there are none:
  every token, moving or waiting, that could still come to this round is dropped.
- A counted join fails the execution when too few of its empty slots are within reach: of a live
  token, or of one that waits at a join which may still fire. A join of mode all always may.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from ._world import (
    Active,
    Calling,
    CountedRound,
    Expanded,
    Parked,
    Ready,
    Running,
    Stopping,
    Token,
    World,
)


class Unreachable(Exception):
    def __init__(self, join: str, empty: tuple[str, ...]) -> None:
        super().__init__(f"{join} waits for {empty}")
        self.join = join
        self.empty = empty


# Tokens move


def place(
    world: World,
    node: str,
    error: Any,
    comes_from: frozenset[tuple[str, int]],
    item: tuple[int, int] | None = None,
) -> World:
    phase = Running() if isinstance(world.life, Active) else Ready()
    token = Token(world.steps + 1, node, phase, 1, 0, error, comes_from, item)
    return world.but(steps=world.steps + 1, tokens=(*world.tokens, token))


def send(world: World, token: Token, port: str, error: Any = None) -> World:
    """Let a token go by a port, to everything that is connected there."""
    for target, slot in world.drawing.ways(token.node, port):
        world = come(world, target, slot, error, token.comes_from)
    return world


def come(
    world: World, node: str, slot: int, error: Any, comes_from: frozenset[tuple[str, int]]
) -> World:
    """Let a token come to a node by a slot."""
    if not world.drawing.waits_at(node):
        return place(world, node, error, comes_from)
    world = world.but(arrived=world.arrived + 1)
    parked = Parked(slot, world.arrived, error, comes_from)
    if world.drawing.needed(node) is None:
        return _come_to_all(world, node, parked)
    return _come_to_count(world, node, parked)


def drop(world: World, token: Token) -> World:
    """Take a token back: at once, or when its attempt or its child has stopped."""
    if isinstance(token.phase, Calling):
        return world.put(_doing(token, Calling(token.phase.child, token.phase.is_paused, "drop")))
    if token.is_in_flight:
        return world.put(_doing(token, Stopping("drop")))
    if isinstance(token.phase, Expanded):
        world = drop_items(world, token)
    return world.without(token)


def drop_items(world: World, parent: Token) -> World:
    for token in items_of(world, parent):
        world = drop(world, token)
    return world


def items_of(world: World, parent: Token) -> list[Token]:
    return [token for token in world.tokens if token.item and token.item[0] == parent.step]


def _doing(token: Token, phase: Any) -> Token:
    import attrs

    return attrs.evolve(token, phase=phase)


# Joins of mode all


def _come_to_all(world: World, join: str, parked: Parked) -> World:
    all_parked = (*world.parked.get(join, ()), parked)
    world = world.but(parked={**world.parked, join: all_parked})
    if {each.slot for each in all_parked} == set(_slots(world, join)):
        return _fire_all(world, join)
    return world


def _fire_all(world: World, join: str) -> World:
    """Take the first token of every slot that has one; later ones stay for the next time."""
    rest = list(world.parked[join])
    taken: list[Parked] = []
    for parked in world.parked[join]:
        if parked.slot not in {each.slot for each in taken}:
            taken.append(parked)
            rest.remove(parked)
    others = {name: parked for name, parked in world.parked.items() if name != join}
    world = world.but(parked={**others, join: tuple(rest)} if rest else others)
    return place(world, join, _error(taken), _comes_from(taken))


def _error(taken: Iterable[Parked]) -> Any:
    """The error that was brought first."""
    return next((parked.error for parked in taken if parked.error is not None), None)


def _comes_from(taken: Iterable[Parked]) -> frozenset[tuple[str, int]]:
    return frozenset[tuple[str, int]]().union(*(parked.comes_from for parked in taken))


def _slots(world: World, join: str) -> range:
    return range(len(world.drawing.sources(join)))


# Counted joins


def _come_to_count(world: World, join: str, parked: Parked) -> World:
    rounds = list(world.rounds.get(join, ()))
    number = next(
        number
        for number, round in enumerate([*rounds, CountedRound()])
        if number > latest_round(parked.comes_from, join) and parked.slot not in round.slots
    )
    if number == len(rounds):
        rounds.append(CountedRound())
    rounds[number] = CountedRound((*rounds[number].parked, parked), rounds[number].has_fired)
    world = world.but(rounds={**world.rounds, join: tuple(rounds)})
    is_complete = len(rounds[number].parked) == world.drawing.needed(join)
    if is_complete and not rounds[number].has_fired:
        return _fire_count(world, join, number)
    return world


def latest_round(comes_from: Collection[tuple[str, int]], join: str) -> int:
    return max((number for name, number in comes_from if name == join), default=-1)


def _fire_count(world: World, join: str, number: int) -> World:
    rounds = list(world.rounds[join])
    taken = rounds[number].parked
    rounds[number] = CountedRound(taken, has_fired=True)
    world = world.but(rounds={**world.rounds, join: tuple(rounds)})
    if world.drawing.nodes[join].rest == "cancel":
        world = _drop_the_rest(world, join, number)
    return place(world, join, _error(taken), _comes_from(taken) | {(join, number)})


def _drop_the_rest(world: World, join: str, number: int) -> World:
    empty = set(_slots(world, join)) - world.rounds[join][number].slots

    def may_come(node: str, comes_from: frozenset[tuple[str, int]]) -> bool:
        is_of_a_later_round = latest_round(comes_from, join) >= number
        return not is_of_a_later_round and bool(world.drawing.slots_in_reach(node, join) & empty)

    for token in world.tokens:
        if _is_live(token) and may_come(token.node, token.comes_from):
            world = drop(world, token)
    stay = {
        name: tuple(each for each in parked if not may_come(name, each.comes_from))
        for name, parked in world.parked.items()
    }
    world = world.but(parked={name: parked for name, parked in stay.items() if parked})
    return world.but(
        rounds={
            name: tuple(
                CountedRound(
                    tuple(p for p in round.parked if not may_come(name, p.comes_from)), False
                )
                if name != join and not round.has_fired
                else round
                for round in rounds
            )
            for name, rounds in world.rounds.items()
        }
    )


# Settling


def settle(world: World) -> World:
    """Let every join fire that has nothing to wait for. Raises `Unreachable`."""
    while True:
        _check_counts(world)
        before = world
        for join in world.drawing.nodes:
            if _is_hopeless(world, join) and not _joins_before(world, join):
                world = _fire_all(world, join)
        if world is before:
            hopeless = [join for join in world.drawing.nodes if _is_hopeless(world, join)]
            if not hopeless:
                return world
            world = _fire_all(world, _first_of_knot(world, hopeless))


def _is_hopeless(world: World, join: str) -> bool:
    return join in world.parked and not _reach(world, join)


def _is_live(token: Token) -> bool:
    return token.item is None and not token.is_dropped


def _waiting(world: World) -> list[str]:
    return [join for join in world.drawing.nodes if _parked_now(world, join)]


def _parked_now(world: World, join: str) -> tuple[Parked, ...]:
    """Those that wait at a join: at a counted one, those of its open round."""
    round = _open_round(world, join)
    return world.parked.get(join, ()) if round is None else world.rounds[join][round].parked


def _open_round(world: World, join: str) -> int | None:
    """The oldest round of a counted join in which tokens wait."""
    rounds = enumerate(world.rounds.get(join, ()))
    return next((n for n, round in rounds if round.parked and not round.has_fired), None)


def _empty(world: World, join: str) -> set[int]:
    return set(_slots(world, join)) - {each.slot for each in _parked_now(world, join)}


def _reach(world: World, join: str, further: Iterable[str] = ()) -> set[int]:
    """The empty slots of a join that live tokens can get to, or tokens at the `further` nodes."""
    round = _open_round(world, join)
    places = {
        token.node
        for token in world.tokens
        if _is_live(token) and (round is None or latest_round(token.comes_from, join) < round)
    }.union(further)
    reach = set[int]().union(*(world.drawing.slots_in_reach(node, join) for node in places))
    return reach & _empty(world, join)


def _joins_before(world: World, join: str) -> list[str]:
    """The other joins at which tokens wait that may come to an empty slot one day."""
    others = [other for other in _waiting(world) if other != join]
    reach = world.drawing.slots_in_reach
    return [other for other in others if reach(other, join) & _empty(world, join)]


def _check_counts(world: World) -> None:
    """Fail if a counted join cannot be reached, even if every join fires that still may."""
    counted = [join for join in _waiting(world) if world.drawing.needed(join) is not None]
    may_fire = set(_waiting(world)) - set(counted)
    while more := [
        join for join in counted if join not in may_fire and _is_in_reach(world, join, may_fire)
    ]:
        may_fire |= set(more)
    dead = [join for join in counted if join not in may_fire]
    if dead:
        join = min(dead, key=lambda join: _parked_now(world, join)[0].since)
        empty = sorted(_empty(world, join))
        raise Unreachable(join, tuple(world.drawing.sources(join)[slot] for slot in empty))


def _is_in_reach(world: World, join: str, may_fire: set[str]) -> bool:
    needed = world.drawing.needed(join)
    assert needed is not None
    return len(_parked_now(world, join)) + len(_reach(world, join, may_fire)) >= needed


def _first_of_knot(world: World, hopeless: list[str]) -> str:
    """The one that fires where joins wait for each other, not one that merely waits for those."""
    waits = {join: _joins_before(world, join) for join in _waiting(world)}

    def awaited(join: str) -> set[str]:
        seen, ahead = set[str](), [join]
        while ahead:
            for other in waits[ahead.pop()]:
                if other not in seen:
                    seen.add(other)
                    ahead.append(other)
        return seen

    knot = [join for join in hopeless if all(join in awaited(other) for other in awaited(join))]
    return min(knot or hopeless, key=lambda join: world.parked[join][0].since)
