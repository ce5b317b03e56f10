"""Counted joins: they work in rounds, and fire once in each.

The k-th token on a slot belongs to the k-th round, but a token that comes from some round of this
join belongs to a later one. A fired round stays open, to absorb what still comes to it.

Source: the discriminators of van der Aalst et al., "Workflow Patterns" (2003).
"""

from __future__ import annotations

import msgspec

from ..definition import RoutedNode
from ._reach import live_nodes, passed, seen_from
from ._state import AllJoin, Arrival, CountJoin, ExecutionState, Lineage, Round
from ._witnesses import look_again


class Firing(msgspec.Struct):
    """A join that fires: what the token on its node brings, and the steps of tokens it cancels."""

    node: RoutedNode
    arrival: Arrival
    cancels: list[int] = []


def merged(arrivals: list[Arrival]) -> Arrival:
    """What a joined token brings: the error of the earliest, the latest round of every lineage."""
    failed = [arrival for arrival in arrivals if arrival.error is not None]
    error = min(failed, key=lambda arrival: arrival.order).error if failed else None
    lineage: Lineage = {}
    for arrival in arrivals:
        for join, number in (arrival.lineage or {}).items():
            lineage[join] = max(number, lineage.get(join, number))
    return Arrival(arrivals[-1].order, error, lineage or None)


def arrive_counted(
    state: ExecutionState, join: CountJoin, slot: int, arrival: Arrival
) -> Firing | None:
    """Let a token arrive at a slot of a counted join; the firing, if it completes the count."""
    round = _round_for(state, join, slot, arrival)
    round.arrivals[slot] = arrival
    if round.fired:
        _close_full(join, round)
        return None
    if len(round.arrivals) < join.node.join.count:
        look_again(state, join)
        return None
    return _fire(state, join, round)


def _round_for(state: ExecutionState, join: CountJoin, slot: int, arrival: Arrival) -> Round:
    """The first open round this token can belong to: one it does not come from, its slot empty."""
    earliest = passed(arrival.lineage, join.node) + 1
    for round in join.rounds:
        if round.number >= earliest and slot not in round.arrivals:
            return round
    round = Round(max(join.next_round, earliest), {})
    join.next_round = round.number + 1
    join.rounds.append(round)
    return round


def _fire(state: ExecutionState, join: CountJoin, round: Round) -> Firing:
    arrival = merged(list(round.arrivals.values()))
    if join.node.in_cycle:
        lineage = {**(arrival.lineage or {}), join.node.index: round.number}
        arrival = Arrival(arrival.order, arrival.error, lineage)
    round.fired = True
    cancels: list[int] = []
    if join.node.join.rest == "cancel":
        cancels = _coming(state, join, round)
        _withdraw(state, join, round)
    _close_full(join, round)
    look_again(state, join)
    return Firing(join.node, arrival, cancels)


def _close_full(join: CountJoin, round: Round) -> None:
    if len(round.arrivals) == join.node.slots:
        join.rounds.remove(round)


def forget_spent_rounds(state: ExecutionState, join: CountJoin) -> None:
    """Drop fired rounds that nothing can deliver to, so that a loop does not pile them up.

    Not in the middle of a turn: a token on its way to several nodes is at none of them.
    """
    if len(join.rounds) < 2:
        return
    for round in [round for round in join.rounds if round.fired]:
        if not _coming(state, join, round) and not _waiting_to_come(state, join, round):
            join.rounds.remove(round)


def _coming(state: ExecutionState, join: CountJoin, round: Round) -> list[int]:
    """The steps of the live tokens that can still deliver to an empty slot of this round."""
    seen = seen_from(state, join, round)
    live = live_nodes(state, join.node, round.number)
    return [step for node, steps in live.items() if seen[node] for step in steps]


Queue = list[Arrival]


def _waiting_to_come(state: ExecutionState, join: CountJoin, round: Round) -> bool:
    """Whether a token that waits at another join can still deliver to a slot of this round."""
    seen = seen_from(state, join, round)
    return any(
        passed(arrival.lineage, join.node) < round.number
        for index, other in (state.joins or {}).items()
        if other is not join and seen[index]
        for arrivals in _held(other)
        for arrival in arrivals
    )


def _held(join: AllJoin | CountJoin) -> list[Queue]:
    if isinstance(join, AllJoin):
        return list(join.arrivals.values())
    return [list(round.arrivals.values()) for round in join.rounds if not round.fired]


def _withdraw(state: ExecutionState, join: CountJoin, round: Round) -> None:
    """Take back the tokens that wait at other joins and might have come to this round."""
    seen = seen_from(state, join, round)

    def stays(arrival: Arrival) -> bool:
        return passed(arrival.lineage, join.node) >= round.number

    for index, other in list((state.joins or {}).items()):
        if other is join or not seen[index]:
            continue
        look_again(state, other)
        if isinstance(other, AllJoin):
            left = {s: [a for a in queue if stays(a)] for s, queue in other.arrivals.items()}
            other.arrivals = {slot: queue for slot, queue in left.items() if queue}
            if not other.arrivals and state.joins is not None:
                del state.joins[index]
        else:
            for held in other.rounds:
                if not held.fired:
                    held.arrivals = {s: a for s, a in held.arrivals.items() if stays(a)}
