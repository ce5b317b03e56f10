"""An execution made again from what is stored of it, at any point of its history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from ..actors import Message
from .definition import RoutingMap
from .execution import ExecutionState, Limits, Rewound, forget_replies, transition
from .execution import Record as Turn
from .store import Codec, CorruptRecord, Record, Snapshot, Stored, UnknownRecord, decompress


@attrs.frozen
class HistoryRecord:
    """One turn of an execution as it is stored: its number, when (seconds), what it took."""

    seq: int
    at: float
    message: Message


def decoded(codec: Codec, execution: str, records: Iterable[Record]) -> list[HistoryRecord]:
    """Stored records as turns. Raises `CorruptRecord` or `UnknownRecord`, telling which it is."""
    turns: list[HistoryRecord] = []
    for record in records:
        try:
            turns.append(HistoryRecord(record.seq, *codec.decode_record(decompress(record.body))))
        except (CorruptRecord, UnknownRecord) as error:
            raise error.located(execution, record.seq) from error
    return turns


class Rebuilder:
    """Makes states from snapshots and turns, of executions of one definition."""

    def __init__(self, codec: Codec, routing: RoutingMap, limits: Limits) -> None:
        self._codec = codec
        self._routing = routing
        self._limits = limits

    def begun(self, id: str) -> ExecutionState:
        """The state of an execution before its first turn."""
        return ExecutionState(id, self._routing, self._limits)

    def thawed(self, execution: str, snapshot: Snapshot) -> ExecutionState:
        """The state in a snapshot. Raises `CorruptRecord` or `UnknownRecord`."""
        try:
            body = decompress(snapshot.body)
            state = self._codec.decode_state(body, self._routing, self._limits)
        except (CorruptRecord, UnknownRecord) as error:
            raise error.located(execution, snapshot.seq) from error
        forget_replies(state)
        return state

    def after(self, state: ExecutionState, turn: HistoryRecord) -> ExecutionState:
        """The state after one more turn: the same one, unless the turn brings another."""
        message = turn.message
        if isinstance(message, Rewound):
            state = self.thawed(state.id, Snapshot(turn.seq, message.state))
        transition(state, message, turn.at)
        return state


def history_of(turns: Iterable[HistoryRecord]) -> list[Any]:
    """Turns as an execution keeps them in memory: times and messages by turns."""
    return [part for turn in turns for part in Turn(turn.at, turn.message)]


def rebuilt_state(
    stored: Stored, rebuild: Rebuilder, codec: Codec
) -> tuple[ExecutionState, list[Any]]:
    """The state after the last record, and the turns it was replayed from as a history.

    Raises `CorruptRecord` or `UnknownRecord`, telling which record it is.
    """
    id = stored.head.id
    turns = decoded(codec, id, stored.records)
    changes = [i for i, turn in enumerate(turns) if isinstance(turn.message, Rewound)]
    first = changes[-1] if changes else 0
    state = rebuild.begun(id)
    if stored.snapshot is not None and not changes:
        state = rebuild.thawed(id, stored.snapshot)
    for turn in turns[first:]:
        state = rebuild.after(state, turn)
    return state, history_of(turns)
