"""Time travel: the history of an execution, and going on from any point of it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, Protocol

from ..actors import RuntimeClosed
from ._blocking import run_blocking
from ._errors import (
    BadArgument,
    CannotRewind,
    ExecutionConflict,
    ExecutionParked,
    UnknownExecution,
)
from ._journal import Journal
from ._lifecycle import Lifecycle
from ._migration import moved
from ._rebirth import HistoryRecord, Rebuilder, decoded
from ._sleepers import Sleepers, rests
from .definition import ProcessDefinition, owned
from .execution import (
    AttemptOutcome,
    ChildEnded,
    Due,
    Ending,
    Execution,
    ExecutionState,
    Finished,
    House,
    Program,
    Rewound,
    check_memory,
    size_of,
    write,
)
from .store import ExecutionHead, StaleWriter, compress


class RewindHouse(House, Protocol):
    """What going back needs of the runtime."""

    is_closing: bool
    live: dict[str, Execution]

    @property
    def id(self) -> str: ...
    @property
    def lifecycle(self) -> Lifecycle: ...

    def program(self, definition: ProcessDefinition) -> Program:
        """The definition compiled."""
        ...


class Past:
    """All that is stored of one execution, decoded."""

    def __init__(self, head: ExecutionHead, turns: list[HistoryRecord], rebuild: Rebuilder) -> None:
        self.head: ExecutionHead = head
        self.turns: list[HistoryRecord] = turns
        self._rebuild = rebuild

    @property
    def last(self) -> ExecutionState:
        """The latest state."""
        return self.state_before(len(self.turns))

    def state_before(self, place: int) -> ExecutionState:
        """The state before the turn at a place in `turns`. Raises `CannotRewind`."""
        turns, id = self.turns, self.head.id
        changes = [i for i, turn in enumerate(turns) if isinstance(turn.message, Rewound)]
        later = [turns[i].message for i in changes if i >= place]
        if later and isinstance(later[0], Rewound) and later[0].before != self.head.hash:
            raise CannotRewind(id, "it was migrated to another definition since then")
        first = max((i for i in changes if i < place), default=0)
        if not turns or (turns[0].seq != 1 and first == 0 and 0 not in changes):
            raise CannotRewind(id, "its first records are not kept any more")
        state = self._rebuild.begun(id)
        for turn in turns[first:place]:
            state = self._rebuild.after(state, turn)
        return state

    def end_of(self, step: int) -> int | None:
        """The place of the latest turn that was about the end of a step; None if there is none."""
        for place in reversed(range(len(self.turns))):
            message = self.turns[place].message
            if isinstance(message, (AttemptOutcome, ChildEnded, Due)) and message.step == step:
                return place
        return None

    def time_before(self, place: int) -> float:
        """When the turn at a place was taken; the latest time if it was not yet."""
        return self.turns[place].at if place < len(self.turns) else self.head.updated


class Rewinder:
    """Looks into the past of executions and has them, or others, go on from there."""

    def __init__(self, house: RewindHouse, journal: Journal, sleepers: Sleepers) -> None:
        self._house = house
        self._journal = journal
        self._sleepers = sleepers

    async def history(self, id: str) -> tuple[HistoryRecord, ...]:
        """Every turn that is kept. Raises `UnknownExecution`, `StoreError`, `CorruptRecord`."""
        await self._flush(id)
        store = self._journal.store
        records = await run_blocking(store, store.journal, id)
        if not records:
            raise UnknownExecution(id)
        return tuple(decoded(self._journal.codec, id, records))

    async def fork(
        self,
        id: str,
        *,
        at: int | None,
        changes: Mapping[str, Any],
        new_id: str | None,
        mail: int = 0,
    ) -> Execution:
        """Begin another execution with the state that one had when step `at` was to be made.

        `at` None: that in which it failed, else the present. `changes` are variables to write
        first, `mail` numbers the letter that asks for it. Raises `UnknownExecution`,
        `ExecutionParked`, `CannotRewind`, `MemoryLimitExceeded`, `UnstorableValue`, and
        `ExecutionConflict` if there is an execution `new_id`.
        """
        past = await self._past(id)
        place, step = self._place_of(past, at)
        state = past.state_before(place)
        if isinstance(state.control, (Ending, Finished)):
            raise CannotRewind(id, f"it has ended, {state.control.state}: say at which step")
        program = self._program_of(past.head)
        state.id = new_id or self._house.lifecycle.new_id(program.definition)
        self._check_free(state.id, id)
        _write_all(state, changes)
        execution = self._made(program, state, past.head, seq=0, incarnation=1)
        execution.parent = None
        try:
            return await self._begin(execution, past, place, step, mail=mail)
        except StaleWriter as error:
            raise _taken(state.id, id) from error

    async def rerun(self, id: str, *, mail: int = 0) -> Execution:
        """Have a failed execution go on from the node that failed, which gets all its retries.

        Raises as `fork`.
        """
        past = await self._past(id)
        if past.head.state != "failed":
            raise CannotRewind(id, f"it has not failed, it is {past.head.state}")
        place, step = self._place_of(past, None)
        state = past.state_before(place)
        if id in self._house.live or id in self._sleepers.asleep:
            raise CannotRewind(id, "it has been taken up already")
        execution = self._made(
            self._program_of(past.head),
            state,
            past.head,
            seq=past.head.seq,
            incarnation=past.head.incarnation + 1,
        )
        return await self._begin(execution, past, place, step, mail=mail)

    async def has_done(self, id: str, *, source: str, mail: int) -> bool:
        """Whether a letter has had its effect: a fork or rerun of `source` that is now `id`.

        As far as the records of that are kept. Raises `StoreError`, `CorruptRecord`.
        """
        store = self._journal.store
        records = await run_blocking(store, store.journal, id)
        messages = (turn.message for turn in decoded(self._journal.codec, id, records))
        return any(
            isinstance(message, Rewound) and (message.source, message.mail) == (source, mail)
            for message in messages
        )

    async def migrate(
        self, id: str, definition: ProcessDefinition, nodes: Mapping[str, str]
    ) -> Execution:
        """Have an execution that rests go on by another definition.

        Raises as `fork`, and `MigrationError` with all that does not fit.
        """
        past = await self._past(id)
        state = moved(id, past.last, self._house.program(definition).routing, nodes)
        self._check_rests(id, past.head)
        live = self._house.live.get(id)
        if live is not None:
            self._sleepers.dismiss(live)
        self._sleepers.forget(id)
        self._sleepers.take_in(definition)
        program = self._house.program(definition)
        execution = self._made(
            program, state, past.head, seq=past.head.seq, incarnation=past.head.incarnation + 1
        )
        return await self._begin(execution, past, len(past.turns), 0)

    def _check_free(self, id: str, source: str) -> None:
        """Refuse an id of which there is an execution here; the store refuses all others."""
        sleepers = self._sleepers
        if self._house.lifecycle.find(id) or id in sleepers.asleep or id in sleepers.parked:
            raise _taken(id, source)

    def _check_rests(self, id: str, head: ExecutionHead) -> None:
        live = self._house.live.get(id)
        if live is not None:
            if not rests(live) or live.ledger is None or live.ledger.seq != head.seq:
                raise CannotRewind(id, "it is at work: pause it first")
        elif head.is_finished:
            raise CannotRewind(id, f"it has ended, {head.state}")
        elif self._sleepers.is_waking(id):
            raise CannotRewind(id, "it is at work: pause it first")

    async def _flush(self, id: str) -> None:
        live = self._house.live.get(id)
        if live is not None:
            if live.ledger is None:
                raise CannotRewind(id, "it is not stored")
            live.ledger.flush()
        await self._journal.writer.flush()

    async def _past(self, id: str) -> Past:
        await self._flush(id)
        store = self._journal.store
        stored = await run_blocking(store, store.load, id)
        if stored is None:
            raise UnknownExecution(id)
        records = await run_blocking(store, store.journal, id)
        turns = decoded(self._journal.codec, id, records)
        catalog = self._sleepers.catalog
        load = catalog.load(stored.head) if catalog.of(stored.head) is None else None
        if load is not None:
            with contextlib.suppress(Exception):  # told by the catalog
                await load
        if self._house.is_closing:  # meanwhile
            raise RuntimeClosed(self._house.id)
        program = self._program_of(stored.head)
        rebuild = Rebuilder(self._journal.codec, program.routing, self._house.limits)
        return Past(stored.head, [turn for turn in turns if turn.seq <= stored.head.seq], rebuild)

    def _program_of(self, head: ExecutionHead) -> Program:
        definition = self._sleepers.catalog.of(head)
        if definition is None:
            raise ExecutionParked(head.id, self._sleepers.catalog.why_missing(head))
        return self._house.program(definition)

    def _place_of(self, past: Past, at: int | None) -> tuple[int, int]:
        """Before which turn to go on, and which step to make again."""
        id = past.head.id
        if at is None:
            if past.head.state != "failed":
                return len(past.turns), 0
            control = past.last.control
            error = control.error if isinstance(control, Finished) else None
            if error is None or not error.step:
                raise CannotRewind(id, "no node of it has failed")
            at = error.step
        place = past.end_of(at)
        if place is None:
            if at not in past.last.tokens:
                raise CannotRewind(id, f"there is no step {at} in its history")
            place = len(past.turns)
        return place, at

    def _made(
        self,
        program: Program,
        state: ExecutionState,
        head: ExecutionHead,
        *,
        seq: int,
        incarnation: int,
    ) -> Execution:
        execution = Execution(state.id, program, self._house, head.parent)
        execution.state = state
        execution.incarnation = incarnation
        execution.spawned_at = head.created if seq else self._house.clock()
        self._journal.open(execution, seq)
        return execution

    async def _begin(
        self, execution: Execution, past: Past, place: int, step: int, *, mail: int = 0
    ) -> Execution:
        body = compress(self._journal.codec.encode_state(execution.state))
        at = past.time_before(place)
        message = Rewound(past.head.id, step, at, body, past.head.hash, mail)
        self._house.lifecycle.arrives_rewound(execution, message)
        if execution.ledger is not None:
            await execution.ledger.stored()
        return execution


def _taken(id: str, source: str) -> ExecutionConflict:
    return ExecutionConflict(id, "a history of its own", f"that of {source!r}")


def _write_all(state: ExecutionState, changes: Mapping[str, Any]) -> None:
    for name in changes:
        if not name:
            raise BadArgument("fork", "changes", name, "names that are text")
    values = {name: owned(value) for name, value in changes.items()}
    sizes = {name: size for name, value in values.items() if (size := size_of(value))}
    check_memory(state, sizes)
    for name, value in values.items():
        write(state, name, value, sizes.get(name, 0))
