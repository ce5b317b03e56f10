"""The state of an execution as plain data and back.

Nodes are stored by number, phases by tag. What the engine compares by identity comes back as the
very object; what the shell notes down is not stored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from ...actors import Message
from ..definition import RoutedNode, RoutingMap
from ..execution import (
    KEPT_ERRORS,
    AllJoin,
    Arrival,
    CountJoin,
    ErrorContext,
    ExecutionState,
    Expanded,
    Item,
    JoinState,
    LimitParts,
    Limits,
    Lineage,
    Round,
    Token,
    limits_of,
)
from ._codec_errors import UnknownRecord, UnstorableValue
from ._phases import Tagged, control_again, phase_again, tagged_control, tagged_phase
from ._values import ValueCodec


class StoredItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """`value` is left out where it is in the list of the each node, as it nearly always is."""

    parent: int
    index: int
    value: Any = msgspec.UNSET


class StoredToken(msgspec.Struct, frozen=True, omit_defaults=True):
    step: int
    node: int
    phase: Tagged
    attempt: int = 1
    failures: int = 0
    wait: float = 0.0
    error: ErrorContext | None = None
    lineage: Lineage | None = None
    item: StoredItem | None = None
    since: float = 0.0


class StoredAllJoin(msgspec.Struct, frozen=True, tag="all"):
    node: int
    arrivals: dict[int, list[Arrival]]
    witness: int
    witness_slot: int


class StoredCountJoin(msgspec.Struct, frozen=True, tag="count"):
    node: int
    rounds: list[Round]
    next_round: int


StoredJoin = StoredAllJoin | StoredCountJoin


class StoredState(msgspec.Struct, frozen=True, omit_defaults=True):
    """`nodes` counts those of the definition; everything else is named as in `ExecutionState`."""

    id: str
    nodes: int
    control: Tagged
    memory: dict[str, Any]
    tokens: list[StoredToken]
    steps: int
    arrived: int
    in_flight: int
    calls: int
    starving: bool
    memory_size: int = 0
    sizes: dict[str, int] | None = None
    deadline: float | None = None
    signals: list[tuple[str, Any, int]] | None = None
    joins: list[StoredJoin] | None = None
    witnesses: dict[int, set[int]] | None = None
    errors: list[ErrorContext] | None = None
    recheck: set[int] | None = None
    limits: LimitParts | None = None


def stored_state(
    state: ExecutionState, values: ValueCodec, message: Callable[[Message], object]
) -> StoredState:
    """A state as plain data. Raises `UnstorableValue`."""

    def token(each: Token) -> StoredToken:
        return _stored_token(each, state, values)

    joins, signals, errors = state.joins, state.signals, state.errors
    return StoredState(
        id=state.id,
        nodes=len(state.routing.nodes),
        control=tagged_control(state.control, token, message),
        memory=_memory(state, values),
        tokens=[token(each) for each in state.tokens.values()],
        signals=None if signals is None else _stored_signals(signals, values),
        joins=None if joins is None else [_stored_join(each) for each in joins.values()],
        errors=None if errors is None else list(errors),
        limits=state.limits.parts,
        **{name: getattr(state, name) for name in _ALIKE},
    )


_ALIKE = (
    "steps", "arrived", "in_flight", "calls", "starving", "memory_size", "sizes", "deadline",
    "witnesses", "recheck",
)  # fmt: skip


def restore_state(
    stored: StoredState,
    routing: RoutingMap,
    limits: Limits,
    message: Callable[[object], Message],
) -> ExecutionState:
    """The state of an execution of that definition. Raises `UnknownRecord` if it is of another."""
    nodes = routing.nodes
    if stored.nodes != len(nodes):
        why = f"it is of a process of {stored.nodes} nodes, not of one of {len(nodes)}"
        raise UnknownRecord("snapshot", why)
    if stored.limits is not None:
        limits = limits_of(stored.limits)
    state = ExecutionState(stored.id, routing, limits, memory=stored.memory)
    for name in _ALIKE:
        setattr(state, name, getattr(stored, name))
    state.tokens = {each.step: _token(each, nodes) for each in stored.tokens}
    state.control = control_again(stored.control, _abandoned(nodes), message)
    state.signals = None if stored.signals is None else deque(stored.signals)
    if stored.joins is not None:
        state.joins = {each.node: _join(each, nodes) for each in stored.joins}
    if stored.errors is not None:
        state.errors = deque(stored.errors, maxlen=KEPT_ERRORS)
    _hand_out_items(state, stored)
    return state


def _memory(state: ExecutionState, values: ValueCodec) -> dict[str, object]:
    try:
        return values.variables(state.memory)
    except UnstorableValue as error:
        raise error.inside("memory") from None


def _stored_signals(
    signals: deque[tuple[str, Any, int]], values: ValueCodec
) -> list[tuple[str, Any, int]]:
    return [(name, values.pack(payload), size) for name, payload, size in signals]


# Tokens


def _stored_token(token: Token, state: ExecutionState, values: ValueCodec) -> StoredToken:
    return StoredToken(
        token.step, token.node.index, tagged_phase(token.phase, values), token.attempt,
        token.failures, token.wait, token.error, token.lineage,
        None if token.item is None else _stored_item(token.item, state, values), token.since,
    )  # fmt: skip


def _stored_item(item: Item, state: ExecutionState, values: ValueCodec) -> StoredItem:
    items = _items_of(state, item.parent)
    if items is not None and items[item.index] is item.value:
        return StoredItem(item.parent, item.index)
    return StoredItem(item.parent, item.index, values.pack(item.value))


def _items_of(state: ExecutionState, step: int) -> list[Any] | None:
    """The items of the each node at this step; None if it has gone."""
    parent = state.tokens.get(step)
    return parent.phase.items if parent and isinstance(parent.phase, Expanded) else None


def _token(stored: StoredToken, nodes: tuple[RoutedNode, ...]) -> Token:
    item = stored.item
    return Token(
        stored.step, nodes[stored.node], phase_again(stored.phase), stored.attempt,
        stored.failures, stored.wait, stored.error, stored.lineage,
        None if item is None else Item(item.parent, item.index, item.value), stored.since,
    )  # fmt: skip


def _abandoned(nodes: tuple[RoutedNode, ...]) -> Callable[[object], Token]:
    return lambda plain: _token(msgspec.convert(plain, StoredToken), nodes)


def _hand_out_items(state: ExecutionState, stored: StoredState) -> None:
    """Give tokens of items their values, once the each nodes that list them are there."""
    for each in stored.tokens:
        item = each.item
        if item is not None and item.value is msgspec.UNSET:
            items = _items_of(state, item.parent)
            value = None if items is None else items[item.index]
            state.tokens[each.step].item = Item(item.parent, item.index, value)


# Joins


def _stored_join(join: JoinState) -> StoredJoin:
    if isinstance(join, AllJoin):
        return StoredAllJoin(join.node.index, join.arrivals, join.witness, join.witness_slot)
    return StoredCountJoin(join.node.index, join.rounds, join.next_round)


def _join(stored: StoredJoin, nodes: tuple[RoutedNode, ...]) -> JoinState:
    node = nodes[stored.node]
    if isinstance(stored, StoredAllJoin):
        return AllJoin(node, stored.arrivals, stored.witness, stored.witness_slot)
    return CountJoin(node, stored.rounds, stored.next_round)
