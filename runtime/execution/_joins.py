"""Joins: which tokens wait for which.

A join of mode `all` fires when every slot has a token, or can no longer get one: see `_settling`.
One that counts fires as soon as it has its count: see `_rounds`.
"""

from __future__ import annotations

from ..definition import RoutedNode
from ._rounds import Firing, arrive_counted, merged
from ._state import AllJoin, Arrival, CountJoin, ExecutionState
from ._witnesses import look_again


def arrive(state: ExecutionState, node: RoutedNode, slot: int, arrival: Arrival) -> Firing | None:
    """Let a token arrive at a slot of a join; what fires at once, if anything does."""
    join = None if state.joins is None else state.joins.get(node.index)
    if join is None:
        join = _made(state, node)
    if type(join) is not AllJoin:
        assert isinstance(join, CountJoin)
        return arrive_counted(state, join, slot, arrival)
    arrivals = join.arrivals
    queue = arrivals.get(slot)
    if queue is not None:
        queue.append(arrival)
        return None
    arrivals[slot] = [arrival]
    if len(arrivals) == node.slots:
        return fire_all(state, join)
    if state.starving and (join.witness_slot == slot or join.witness not in state.tokens):
        look_again(state, join)
    return None


def _made(state: ExecutionState, node: RoutedNode) -> AllJoin | CountJoin:
    joins = state.joins
    if joins is None:
        joins = state.joins = {}
    made = AllJoin(node, {}) if node.join.mode == "all" else CountJoin(node, [])
    joins[node.index] = made
    return made


def fire_all(state: ExecutionState, join: AllJoin) -> Firing:
    """Take the first token of every slot that has one; later ones stay for the next time."""
    firsts = [queue.pop(0) for queue in join.arrivals.values()]
    join.arrivals = {slot: queue for slot, queue in join.arrivals.items() if queue}
    join.witness = 0
    assert state.joins is not None
    if not join.arrivals:
        del state.joins[join.node.index]
    else:
        look_again(state, join)
    return Firing(join.node, merged(firsts))
