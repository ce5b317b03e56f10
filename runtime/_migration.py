"""Moving an execution to another definition: its tokens, by the names of their nodes."""

from __future__ import annotations

from collections.abc import Mapping

from ._errors import MigrationError
from .definition import RoutedNode, RoutingMap
from .execution import (
    AllJoin,
    Arrival,
    CountJoin,
    Ending,
    ExecutionState,
    Finished,
    JoinState,
    Lineage,
    Round,
    look_at_all,
)


def moved(
    id: str, state: ExecutionState, routing: RoutingMap, names: Mapping[str, str]
) -> ExecutionState:
    """The state, which is changed in place, as one of the other definition.

    `names` says what nodes are called there, of those that have another name. Every node where
    there is a token, and every join where something waits, has to be there, of the same kind, and
    a join has to wait for the same nodes. Raises `MigrationError` with all that does not fit; the
    state is not to be used then.
    """
    return _Move(id, state, routing, names).made()


class _Move:
    def __init__(
        self, id: str, state: ExecutionState, routing: RoutingMap, names: Mapping[str, str]
    ) -> None:
        self._id = id
        self._state = state
        self._old = state.routing
        self._new = routing
        self._names = names
        self._by_name = {node.name: node for node in routing.nodes}
        self._faults: list[str] = []

    def made(self) -> ExecutionState:
        state = self._state
        self._check_names()
        if isinstance(state.control, (Ending, Finished)):
            self._faults.append(f"it has ended, {state.control.state}")
        for token in state.tokens.values():
            node = self._node(token.node, f"step {token.step}")
            if node is not None:
                token.node = node
            token.lineage = self._lineage(token.lineage)
        joins = [self._join(join) for join in (state.joins or {}).values()]
        if self._faults:
            raise MigrationError(self._id, str(self._new.definition), tuple(self._faults))
        state.joins = {join.node.index: join for join in joins if join is not None} or None
        state.routing, state.witnesses, state.recheck = self._new, None, None
        look_at_all(state)
        return state

    def _check_names(self) -> None:
        old = {node.name for node in self._old.nodes}
        for name, target in self._names.items():
            if name not in old:
                self._faults.append(f"there is no node {name!r} to be renamed")
            if target not in self._by_name:
                self._faults.append(f"there is no node {target!r} in {self._new.definition}")

    def _name(self, node: RoutedNode) -> str:
        return self._names.get(node.name, node.name)

    def _node(self, old: RoutedNode, who: str) -> RoutedNode | None:
        new = self._by_name.get(self._name(old))
        if new is None:
            self._faults.append(f"{who} is at node {old.name!r}, which has no counterpart")
            return None
        if type(new.spec.kind) is not type(old.spec.kind):
            kinds = f"{type(old.spec.kind).__name__} and {type(new.spec.kind).__name__}"
            self._faults.append(f"{who} is at node {old.name!r}, whose kinds differ: {kinds}")
            return None
        return new

    def _join(self, join: JoinState) -> JoinState | None:
        new = self._node(join.node, "what has arrived at a join")
        if new is None:
            return None
        if new.join.mode != join.node.join.mode:
            self._faults.append(f"the joins at node {join.node.name!r} differ in their mode")
            return None
        if isinstance(join, AllJoin):
            arrivals = {
                self._slot(join.node, new, slot): [self._arrival(each) for each in queue]
                for slot, queue in join.arrivals.items()
            }
            return AllJoin(new, arrivals)
        rounds = [
            Round(
                each.number,
                {
                    self._slot(join.node, new, slot): self._arrival(arrival)
                    for slot, arrival in each.arrivals.items()
                },
                each.fired,
            )
            for each in join.rounds
        ]
        return CountJoin(new, rounds, join.next_round)

    def _slot(self, old: RoutedNode, new: RoutedNode, slot: int) -> int:
        """The connection of the new join that stands for one of the old; a fault if none does."""
        name = self._source(self._old, old, slot, self._names)
        place = [self._source(self._old, old, i, self._names) for i in range(slot)].count(name)
        there = [i for i in range(new.slots) if self._source(self._new, new, i, {}) == name]
        if place < len(there):
            return there[place]
        self._faults.append(f"a token has come to join {old.name!r} from {name!r}, which is gone")
        return slot

    def _source(
        self, routing: RoutingMap, join: RoutedNode, slot: int, names: Mapping[str, str]
    ) -> str:
        name = routing.source_name(join, slot)
        return names.get(name, name)

    def _arrival(self, arrival: Arrival) -> Arrival:
        return Arrival(arrival.order, arrival.error, self._lineage(arrival.lineage))

    def _lineage(self, lineage: Lineage | None) -> Lineage | None:
        if not lineage:
            return lineage
        moved_to = {
            index: self._by_name.get(self._name(self._old.nodes[index])) for index in lineage
        }
        return {node.index: lineage[index] for index, node in moved_to.items() if node is not None}
