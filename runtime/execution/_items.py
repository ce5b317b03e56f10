"""Each nodes: a token an item, results in item order, the first failure ends them all."""

from __future__ import annotations

from typing import Any

from ..definition import OUT, Each
from ._effects import Effects
from ._memory import write
from ._records import Completed, ErrorContext
from ._state import ExecutionState, Expanded, Item, Token
from ._tokens import drop_items, fail, leave, place, remove


def expand(state: ExecutionState, token: Token, items: list[Any], effects: Effects) -> None:
    """Give as many items as may run at once a token of their own."""
    phase = token.phase = Expanded(items, [None] * len(items))
    kind = token.node.spec.kind
    assert isinstance(kind, Each)
    for _ in range(min(len(items), kind.concurrency or len(items))):
        _place_next(state, token, phase, effects)
    if not items:
        _collect(state, token, phase, effects)


def _place_next(state: ExecutionState, token: Token, phase: Expanded, effects: Effects) -> None:
    item = Item(token.step, phase.started, phase.items[phase.started])
    phase.started += 1
    phase.live += 1
    place(state, token.node, effects, token.error, token.lineage, item)


def _collect(state: ExecutionState, token: Token, phase: Expanded, effects: Effects) -> None:
    write(state, token.node.output, phase.results, phase.size)
    leave(state, token, OUT, effects)


def _parent(state: ExecutionState, token: Token) -> tuple[Token, Expanded] | None:
    """The each node of an item, None if that was dropped meanwhile."""
    assert token.item is not None
    parent = state.tokens.get(token.item.parent)
    if parent is None or not isinstance(parent.phase, Expanded):
        return None
    parent.phase.live -= 1
    return parent, parent.phase


def item_completed(
    state: ExecutionState, token: Token, message: Completed, effects: Effects
) -> None:
    """Keep the result of an item and start the next; after the last one the node is done."""
    remove(state, token)
    found = _parent(state, token)
    if found is None:
        return
    parent, phase = found
    assert token.item is not None
    phase.results[token.item.index] = message.value
    phase.size += message.size
    if phase.started < len(phase.items):
        _place_next(state, parent, phase, effects)
    elif not phase.live:
        _collect(state, parent, phase, effects)


def item_failed(
    state: ExecutionState, token: Token, error: ErrorContext, effects: Effects, port: str
) -> None:
    """An item failed for good: the others are dropped, and then the node fails, leaving by `port`.

    It leaves by `error`, or by `rejected` if the item was refused and that is connected.
    """
    assert token.item is not None
    remove(state, token)
    parent = state.tokens[token.item.parent]
    assert isinstance(parent.phase, Expanded)
    parent.phase.failure, parent.phase.port = error, port
    _abandon_items(state, parent, parent.phase, effects)


def skip_items(state: ExecutionState, parent: Token, phase: Expanded, effects: Effects) -> None:
    """Leave an each node without its results, once its items are gone."""
    phase.skipped = True
    _abandon_items(state, parent, phase, effects)


def item_dropped(state: ExecutionState, token: Token, effects: Effects) -> None:
    """The attempt of a dropped item has stopped."""
    found = _parent(state, token)
    if found is not None:
        _go_on_without(state, *found, effects)


def _abandon_items(state: ExecutionState, parent: Token, phase: Expanded, effects: Effects) -> None:
    phase.started = len(phase.items)
    phase.live = drop_items(state, parent.step, effects)
    _go_on_without(state, parent, phase, effects)


def _go_on_without(state: ExecutionState, parent: Token, phase: Expanded, effects: Effects) -> None:
    if phase.live:
        return
    if phase.failure is not None:
        fail(state, parent, phase.failure, effects, phase.port)
    elif phase.skipped:
        leave(state, parent, OUT, effects)
