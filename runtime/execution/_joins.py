"""Joins: which tokens wait for which, and that no execution ever hangs on one.

A join of mode `all` fires when every slot has a token or can no longer get one. "Can no longer" is
a question about the graph and the live tokens, and it is asked as rarely as possible: a waiting
join keeps a *witness*, a live token from which an empty slot can be reached, and is looked at again
only when that token leaves its node. As long as no connection was ever left untaken (and the graph
has neither cycles nor counted joins) no join can be left waiting, and nothing at all is asked.

The search for a witness walks backwards from the empty slots and stops at the first live token,
which is usually a few nodes away.

Source: the OR-join of YAWL (Wynn et al., "Achieving a general, formal and decidable approach to the
OR-join in workflow using reset nets", 2005), with a deterministic rule for joins that wait for each
other; the discriminators of van der Aalst et al., "Workflow Patterns" (2003).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

import msgspec

from ..definition import RoutedNode
from ._state import AllJoin, Arrival, CountJoin, ExecutionState, JoinState, Lineage, Round


class Firing(msgspec.Struct):
    """A join that fires: what the token on its node brings, and the steps of tokens it cancels."""

    node: RoutedNode
    arrival: Arrival
    cancels: list[int] = []


class Unreachable(Exception):
    """A counted join can no longer be reached; the execution fails with it."""

    def __init__(self, join: RoutedNode, delivered: int, empty: tuple[str, ...]) -> None:
        super().__init__(
            f"join {join.name!r} needs {join.join.count} tokens, got {delivered}, and nothing can"
            f" come any more from {', '.join(empty)}"
        )
        self.join = join


def arrive(state: ExecutionState, node: RoutedNode, slot: int, arrival: Arrival) -> Firing | None:
    """Let a token arrive at a slot of a join; what fires at once, if anything does."""
    joins = state.joins
    if joins is None:
        joins = state.joins = {}
    join = joins.get(node.index)
    if join is None:
        made = AllJoin(node, {}) if node.join.mode == "all" else CountJoin(node, [])
        join = joins[node.index] = made
    if isinstance(join, AllJoin):
        return _arrive_all(state, join, slot, arrival)
    return _arrive_count(state, join, slot, arrival)


def _arrive_all(state: ExecutionState, join: AllJoin, slot: int, arrival: Arrival) -> Firing | None:
    queue = join.arrivals.get(slot)
    if queue is not None:
        queue.append(arrival)
        return None
    join.arrivals[slot] = [arrival]
    if len(join.arrivals) == join.node.slots:
        return _fire_all(state, join)
    if state.starving and (join.witness_slot == slot or join.witness not in state.tokens):
        look_again(state, join)
    return None


def _fire_all(state: ExecutionState, join: AllJoin) -> Firing:
    firsts = [queue.pop(0) for queue in join.arrivals.values()]
    join.arrivals = {slot: queue for slot, queue in join.arrivals.items() if queue}
    join.witness = 0
    assert state.joins is not None
    if not join.arrivals:
        del state.joins[join.node.index]
    else:
        look_again(state, join)
    return Firing(join.node, _merged(firsts))


def _merged(arrivals: list[Arrival]) -> Arrival:
    """What a joined token brings: the error of the earliest, the latest round of every lineage."""
    error = next((arrival.error for arrival in arrivals if arrival.error is not None), None)
    lineage: Lineage = {}
    for arrival in arrivals:
        for join, number in (arrival.lineage or {}).items():
            lineage[join] = max(number, lineage.get(join, number))
    return Arrival(arrivals[-1].order, error, lineage or None)


def _arrive_count(
    state: ExecutionState, join: CountJoin, slot: int, arrival: Arrival
) -> Firing | None:
    round = _round_for(state, join, slot, arrival)
    round.arrivals[slot] = arrival
    if round.fired:
        _close_full(join, round)
        return None
    if len(round.arrivals) < join.node.join.count:
        look_again(state, join)
        return None
    return _fire_count(state, join, round)


def _round_for(state: ExecutionState, join: CountJoin, slot: int, arrival: Arrival) -> Round:
    """The first open round this token can belong to: one it does not come from, its slot empty."""
    earliest = passed(arrival.lineage, join.node) + 1
    for round in join.rounds:
        if round.number >= earliest and slot not in round.arrivals:
            return round
    _forget_spent_rounds(state, join)
    round = Round(max(join.next_round, earliest), {})
    join.next_round = round.number + 1
    join.rounds.append(round)
    return round


def passed(lineage: Lineage | None, join: RoutedNode) -> int:
    """The latest round of `join` that a token comes from; -1 if it comes from none."""
    return lineage.get(join.index, -1) if lineage else -1


def _fire_count(state: ExecutionState, join: CountJoin, round: Round) -> Firing:
    merged = _merged(list(round.arrivals.values()))
    if join.node.in_cycle:
        lineage = {**(merged.lineage or {}), join.node.index: round.number}
        merged = Arrival(merged.order, merged.error, lineage)
    round.fired = True
    cancels: list[int] = []
    if join.node.join.rest == "cancel":
        cancels = _still_coming(state, join.node, round)
        join.rounds.remove(round)
    else:
        _close_full(join, round)
    look_again(state, join)
    return Firing(join.node, merged, cancels)


def _close_full(join: CountJoin, round: Round) -> None:
    if len(round.arrivals) == join.node.slots:
        join.rounds.remove(round)


def _forget_spent_rounds(state: ExecutionState, join: CountJoin) -> None:
    """Drop fired rounds that no live token can deliver to, so that a loop does not pile them up."""
    for round in [round for round in join.rounds if round.fired]:
        if not _still_coming(state, join.node, round):
            join.rounds.remove(round)


def _still_coming(state: ExecutionState, join: RoutedNode, round: Round) -> list[int]:
    """The steps of the tokens that can still deliver to an empty slot of this round."""
    seen = _search(state, join, _empty(join, round.arrivals), ())[2]
    live = _live_nodes(state, join, round.number)
    return [step for node, steps in live.items() if seen[node] for step in steps]


def look_again(state: ExecutionState, join: JoinState) -> None:
    """Have a join examined before the turn ends, unless its witnesses are still good."""
    if state.recheck is None:
        state.recheck = set()
    state.recheck.add(join.node.index)


def look_at_all(state: ExecutionState) -> None:
    """Some connection was left untaken for the first time: from now on joins are watched."""
    state.starving = True
    for join in (state.joins or {}).values():
        look_again(state, join)


def forget_witness(state: ExecutionState, step: int) -> None:
    """A token has left its node: look again at the joins that waited because of it."""
    if state.witnesses and (joins := state.witnesses.pop(step, None)):
        state.recheck = joins if state.recheck is None else state.recheck | joins


def settle(state: ExecutionState) -> Iterator[Firing]:
    """Examine what has to be, and yield the joins that fire, one by one, until none does.

    The caller starts each firing before it asks for the next. Afterwards every waiting join has a
    live token that may still reach one of its empty slots. Raises `Unreachable`.
    """
    while state.recheck:
        batch, state.recheck = sorted(state.recheck), None
        stuck: list[JoinState] = []
        fired = False
        for index in batch:
            join = (state.joins or {}).get(index)
            if join is None or not _is_waiting(join) or _has_witnesses(state, join):
                continue
            if _waits_for(state, join):
                stuck.append(join)
            else:
                fired = True
                yield _resolve(state, join)
        if stuck and not fired:
            first = _first_of_deadlock(state, stuck)
            stuck.remove(first)
            yield _resolve(state, first)
        for join in stuck:
            look_again(state, join)


def _is_waiting(join: JoinState) -> bool:
    return bool(join.arrivals) if isinstance(join, AllJoin) else _open_round(join) is not None


def _open_round(join: CountJoin) -> Round | None:
    return next((round for round in join.rounds if not round.fired), None)


def _waiting_arrivals(join: JoinState) -> Container[int]:
    """The slots that have delivered to the join, or to its oldest round that has not fired."""
    if isinstance(join, AllJoin):
        return join.arrivals
    round = _open_round(join)
    return round.arrivals if round is not None else ()


def _empty(join: RoutedNode, filled: Container[int]) -> list[int]:
    """The slots that have not delivered, the latest first.

    Tokens tend to arrive in the order of their slots: a witness for the last slot lasts longest.
    """
    return [slot for slot in range(join.slots - 1, -1, -1) if slot not in filled]


def _has_witnesses(state: ExecutionState, join: JoinState) -> bool:
    """Whether enough live tokens may still come; if so, have the join wait for them."""
    return _all_has(state, join) if isinstance(join, AllJoin) else _count_has(state, join)


def _all_has(state: ExecutionState, join: AllJoin) -> bool:
    live = _live_nodes(state, join.node, -1)
    node, slot, _ = _search(state, join.node, _empty(join.node, join.arrivals), live)
    if node < 0:
        return False
    join.witness, join.witness_slot = live[node][-1], slot
    _watch(state, join, join.witness)
    return True


def _count_has(state: ExecutionState, join: CountJoin) -> bool:
    round = _open_round(join)
    assert round is not None
    live = _live_nodes(state, join.node, round.number)
    missing = join.node.join.count - len(round.arrivals)
    for slot in _empty(join.node, round.arrivals):
        node, _, _ = _search(state, join.node, [slot], live)
        if node >= 0:
            _watch(state, join, live[node][-1])
            missing -= 1
            if not missing:
                return True
    return False


def _watch(state: ExecutionState, join: JoinState, step: int) -> None:
    if state.witnesses is None:
        state.witnesses = {}
    state.witnesses.setdefault(step, set()).add(join.node.index)


def _live_nodes(state: ExecutionState, join: RoutedNode, round: int) -> dict[int, list[int]]:
    """Live tokens by node, without those that come from this round of the join or a later one."""
    live: dict[int, list[int]] = {}
    for step, token in state.tokens.items():
        if token.counts_for_joins and not 0 <= round <= passed(token.lineage, join):
            live.setdefault(token.node.index, []).append(step)
    return live


def _search(
    state: ExecutionState, join: RoutedNode, slots: Iterable[int], wanted: Container[int]
) -> tuple[int, int, bytearray]:
    """Walk backwards from `slots`, not through `join`, to the first node that is wanted.

    Gives that node (-1 if there is none), the slot it can reach, and marks of the nodes seen. A
    token at `join` itself has passed it already and may come round again.
    """
    sources, predecessors = state.routing.sources[join.index], state.routing.predecessors
    seen = bytearray(len(predecessors))
    for slot in slots:
        stack = [sources[slot]] if sources[slot] >= 0 and not seen[sources[slot]] else []
        for source in stack:
            seen[source] = 1
        while stack:
            node = stack.pop()
            if node in wanted:
                return node, slot, seen
            if node == join.index:
                continue
            for predecessor in predecessors[node]:
                if not seen[predecessor]:
                    seen[predecessor] = 1
                    stack.append(predecessor)
    return -1, -1, seen


def _waits_for(state: ExecutionState, join: JoinState) -> list[int]:
    """The other waiting joins whose firing might fill an empty slot of this one, by node number."""
    seen = _search(state, join.node, _empty(join.node, _waiting_arrivals(join)), ())[2]
    return [
        index
        for index, other in (state.joins or {}).items()
        if other is not join and seen[index] and _is_waiting(other)
    ]


def _first_of_deadlock(state: ExecutionState, stuck: list[JoinState]) -> JoinState:
    """Of joins that wait only for each other: the one whose first token came earliest.

    A join that merely waits for such a knot, without being part of it, is left waiting. A counted
    join cannot be hurried, so joins of mode `all` go before them.
    """
    waits = {
        index: _waits_for(state, join)
        for index, join in (state.joins or {}).items()
        if _is_waiting(join)
    }
    knot = [
        join
        for join in stuck
        if all(
            join.node.index in _closure(other, waits) for other in _closure(join.node.index, waits)
        )
    ]
    return min(knot or stuck, key=lambda join: (isinstance(join, CountJoin), _first_order(join)))


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
    if isinstance(join, AllJoin):
        return min(queue[0].order for queue in join.arrivals.values())
    round = _open_round(join)
    assert round is not None
    return min(arrival.order for arrival in round.arrivals.values())


def _resolve(state: ExecutionState, join: JoinState) -> Firing:
    if isinstance(join, AllJoin):
        return _fire_all(state, join)
    round = _open_round(join)
    assert round is not None
    empty = reversed(_empty(join.node, round.arrivals))
    names = tuple(state.routing.source_name(join.node, slot) for slot in empty)
    raise Unreachable(join.node, len(round.arrivals), names)
