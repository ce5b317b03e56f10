"""Which waiting joins fire as nothing more can come to them: no execution hangs on a join.

A join of mode `all` fires when no live token can reach one of its empty slots without passing
through the join itself. Tokens that wait at other joins may go on one day, so it waits for those
joins first. Where joins wait for each other, the one whose first token came earliest fires.

A counted join fails the execution when fewer of its empty slots than it needs are within reach: of
a live token, or of a token that waits at a join which may still fire. A join of mode `all` always
may.

These questions are asked as rarely as possible: see `_witnesses`.

Source: the OR-join of YAWL (Wynn et al., "Achieving a general, formal and decidable approach to the
OR-join in workflow using reset nets", 2005), with a deterministic rule for joins that wait for each
other.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from ..definition import RoutedNode
from ._joins import fire_all
from ._reach import empty_slots, live_nodes, open_round, search, seen_from, waiting_arrivals
from ._rounds import Firing, forget_spent_rounds
from ._state import AllJoin, CountJoin, ExecutionState, JoinState
from ._witnesses import look_again, watch


class Unreachable(Exception):
    """A counted join can no longer be reached; the execution fails with it."""

    def __init__(self, join: RoutedNode, delivered: int, empty: tuple[str, ...]) -> None:
        super().__init__(
            f"join {join.name!r} needs {join.join.count} tokens, got {delivered}, and nothing can"
            f" come any more from {', '.join(empty)}"
        )
        self.join = join


def settle(state: ExecutionState) -> Iterator[Firing]:
    """Examine what has to be, and yield the joins that fire, one by one, until none does.

    The caller starts each firing before it asks for the next. Afterwards every waiting join has a
    live token that may still come to one of its empty slots, or is a counted one that waits for a
    join which has. Raises `Unreachable`.
    """
    while state.recheck:
        batch, state.recheck = sorted(state.recheck), None
        joins = [join for index in batch if (join := (state.joins or {}).get(index)) is not None]
        leaning = _check_counts(state, [join for join in joins if isinstance(join, CountJoin)])
        stuck: list[AllJoin] = []
        fired = False
        for join in joins:
            if not isinstance(join, AllJoin) or not join.arrivals or _has_witness(state, join):
                continue
            if _waits_for(state, join):
                stuck.append(join)
            else:
                fired = True
                yield fire_all(state, join)
        if stuck and not fired:
            first = _first_of_knot(state, stuck)
            stuck.remove(first)
            fired = True
            yield fire_all(state, first)
        for waiting in (*stuck, *(leaning if fired else ())):
            look_again(state, waiting)


def _has_witness(state: ExecutionState, join: AllJoin) -> bool:
    """Whether a live token may still come to an empty slot; if so, have the join wait for it."""
    live = live_nodes(state, join.node, -1)
    node, slot, _ = search(state, join.node, empty_slots(join), live)
    if node < 0:
        return False
    join.witness, join.witness_slot = live[node][-1], slot
    watch(state, join, join.witness)
    return True


# Joins that wait for joins


def _waiting(state: ExecutionState) -> dict[int, JoinState]:
    joins = state.joins or {}
    return {index: join for index, join in joins.items() if waiting_arrivals(join)}


def _waits_for(state: ExecutionState, join: JoinState) -> list[int]:
    """The other waiting joins whose firing might fill an empty slot of this one, by node number."""
    seen = seen_from(state, join)
    return [index for index, other in _waiting(state).items() if other is not join and seen[index]]


def _first_of_knot(state: ExecutionState, stuck: list[AllJoin]) -> AllJoin:
    """Of joins that wait only for each other: the one whose first token came earliest.

    A join that merely waits for such a knot, without being part of it, is left waiting.
    """
    waits = {index: _waits_for(state, join) for index, join in _waiting(state).items()}
    knot = [
        join
        for join in stuck
        if all(
            join.node.index in _closure(other, waits) for other in _closure(join.node.index, waits)
        )
    ]
    return min(knot or stuck, key=_first_order)


def _closure(index: int, waits: dict[int, list[int]]) -> set[int]:
    seen: set[int] = set()
    stack = [index]
    while stack:
        for other in waits[stack.pop()]:
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return seen


def _first_order(join: JoinState) -> int:
    return min(arrival.order for arrival in waiting_arrivals(join))


# Counted joins


def _check_counts(state: ExecutionState, joins: list[CountJoin]) -> list[CountJoin]:
    """Fail if one can no longer be reached; those that lean on other joins to be reached."""
    for join in joins:
        forget_spent_rounds(state, join)
    leaning = [join for join in joins if open_round(join) and not _has_enough(state, join)]
    if leaning:
        _check_all_counts(state)
    for join in leaning:
        # What decides may be far away: look again whenever anything moves. Such joins are rare.
        for step, token in state.tokens.items():
            if token.counts_for_joins:
                watch(state, join, step)
    return leaning


def _has_enough(state: ExecutionState, join: CountJoin) -> bool:
    """Whether live tokens alone may complete the count; if so, have the join wait for them."""
    round = open_round(join)
    assert round is not None
    live = live_nodes(state, join.node, round.number)
    missing = join.node.join.count - len(round.arrivals)
    for slot in empty_slots(join):
        node, _, _ = search(state, join.node, [slot], live)
        if node >= 0:
            watch(state, join, live[node][-1])
            missing -= 1
            if not missing:
                return True
    return False


def _check_all_counts(state: ExecutionState) -> None:
    waiting = _waiting(state)
    counted = [join for join in waiting.values() if isinstance(join, CountJoin)]
    may_fire = {index for index, join in waiting.items() if isinstance(join, AllJoin)}
    while more := {
        join.node.index
        for join in counted
        if join.node.index not in may_fire and _is_within_reach(state, join, may_fire)
    }:
        may_fire |= more
    dead = [join for join in counted if join.node.index not in may_fire]
    if dead:
        raise _unreachable(state, min(dead, key=lambda join: (_first_order(join), join.node.index)))


def _is_within_reach(state: ExecutionState, join: CountJoin, may_fire: Container[int]) -> bool:
    round = open_round(join)
    assert round is not None
    live = live_nodes(state, join.node, round.number)
    others = [index for index in _waits_for(state, join) if index in may_fire]
    sources = {*live, *others}
    reached = [
        slot for slot in empty_slots(join) if search(state, join.node, [slot], sources)[0] >= 0
    ]
    return len(round.arrivals) + len(reached) >= join.node.join.count


def _unreachable(state: ExecutionState, join: CountJoin) -> Unreachable:
    names = (state.routing.source_name(join.node, slot) for slot in reversed(empty_slots(join)))
    return Unreachable(join.node, len(waiting_arrivals(join)), tuple(names))
