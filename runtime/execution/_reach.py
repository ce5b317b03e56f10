"""What can still reach a join: questions about the graph and the live tokens, which change nothing.

The search for a token walks backwards from the empty slots and stops at the first one it meets,
which is usually a few nodes away.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from ..definition import RoutedNode
from ._state import AllJoin, Arrival, ExecutionState, JoinState, Lineage, Round


def passed(lineage: Lineage | None, join: RoutedNode) -> int:
    """The latest round of `join` that a token comes from; -1 if it comes from none."""
    return lineage.get(join.index, -1) if lineage else -1


def open_round(join: JoinState) -> Round | None:
    """The oldest round of a counted join that waits for tokens."""
    if isinstance(join, AllJoin):
        return None
    return next((round for round in join.rounds if round.arrivals and not round.fired), None)


def waiting_arrivals(join: JoinState) -> list[Arrival]:
    """The tokens that wait at a join, the first of every slot; if counted, in its open round."""
    if isinstance(join, AllJoin):
        return [queue[0] for queue in join.arrivals.values()]
    round = open_round(join)
    return [] if round is None else list(round.arrivals.values())


def empty_slots(join: JoinState, round: Round | None = None) -> list[int]:
    """The slots that have not delivered (to the round given, else to the open one), latest first.

    Tokens tend to arrive in the order of their slots: a witness for the last slot lasts longest.
    """
    round = round or open_round(join)
    filled: Container[int] = ()
    if isinstance(join, AllJoin):
        filled = join.arrivals
    elif round is not None:
        filled = round.arrivals
    return [slot for slot in range(join.node.slots - 1, -1, -1) if slot not in filled]


def live_nodes(state: ExecutionState, join: RoutedNode, round: int) -> dict[int, list[int]]:
    """Live tokens by node, without those that come from this round of the join or a later one."""
    live: dict[int, list[int]] = {}
    for step, token in state.tokens.items():
        if token.counts_for_joins and not 0 <= round <= passed(token.lineage, join):
            live.setdefault(token.node.index, []).append(step)
    return live


def search(
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


def seen_from(state: ExecutionState, join: JoinState, round: Round | None = None) -> bytearray:
    """Marks of the nodes from which an empty slot of a join can be reached."""
    return search(state, join.node, empty_slots(join, round), ())[2]
