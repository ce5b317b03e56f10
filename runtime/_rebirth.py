"""An execution made again from what is stored of it."""

from __future__ import annotations

from typing import Any

from ._journal import Journal
from .execution import Execution, ExecutionState, House, Program, transition
from .store import Codec, CorruptRecord, Stored, UnknownRecord, decompress


def rebuilt(
    stored: Stored, program: Program, house: House, journal: Journal, incarnation: int
) -> Execution:
    """The execution, as it was after its last record; nothing of it goes on yet.

    Raises `CorruptRecord` or `UnknownRecord`, telling which record it is.
    """
    head = stored.head
    execution = Execution(head.id, program, house, head.parent)
    execution.incarnation = max(head.incarnation, incarnation)
    execution.spawned_at = head.created
    execution.state, execution.history = _state_of(stored, program, house, journal.codec)
    journal.open(execution, head.seq)
    return execution


def _state_of(
    stored: Stored, program: Program, house: House, codec: Codec
) -> tuple[ExecutionState, list[Any]]:
    id = stored.head.id
    state = ExecutionState(id, program.routing, house.limits)
    if stored.snapshot is not None:
        try:
            body = decompress(stored.snapshot.body)
            state = codec.decode_state(body, program.routing, house.limits)
        except (CorruptRecord, UnknownRecord) as error:
            raise error.located(id, stored.snapshot.seq) from error
    history: list[Any] = []
    for record in stored.records:
        try:
            at, message = codec.decode_record(decompress(record.body))
        except (CorruptRecord, UnknownRecord) as error:
            raise error.located(id, record.seq) from error
        transition(state, message, at)
        history += (at, message)
    return state, history
