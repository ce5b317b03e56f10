"""The journal of a runtime: what is stored of its executions, when, and by whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import trio

from ._blocking import run_blocking
from ._ledger import LazyLedger, StepLedger
from .definition import Durability, EndName, ProcessDefinition
from .execution import Execution, Finished, logger, next_due
from .store import (
    Append,
    Codec,
    ExecutionHead,
    GroupWriter,
    LoopWriter,
    Store,
    StoreError,
    ValueTypes,
    WhenDurable,
)

SLICE_SECONDS = 0.001


class Journal:
    """Gives executions their ledgers, and has one writer commit for all of them.

    `live` are the executions in memory; `lost` is told of one that cannot be stored here any more,
    and why. `lag` is how many seconds a turn of mode `lazy` may go unstored, `retention` how many
    an ended execution is kept, `kept` how many records before its latest snapshot one keeps.
    """

    def __init__(
        self,
        live: Mapping[str, Execution],
        clock: Callable[[], float],
        lost: Callable[[Execution, Exception], None],
        store: Store,
        types: ValueTypes | None,
        *,
        mode: Durability,
        lag: float,
        retention: float | None,
        kept: int,
    ) -> None:
        self.store = store
        self.codec = Codec(types)
        self.writer = LoopWriter(store) if store.is_instant else GroupWriter(store)
        self.append: Callable[[Append, WhenDurable], None] = self.writer.append_then
        self.lost = lost
        self._live = live
        self._clock = clock
        self._mode: Durability = mode
        self._lag = lag
        self._retention = retention
        self._kept = kept
        self._lazy = trio.Event()
        self._outgrown: dict[str, int] = {}
        self._held: dict[int, str] = {}
        self._caught_up = trio.Event()
        self._news = trio.Event()

    def open(self, execution: Execution, seq: int = 0) -> None:
        """Give an execution its ledger, if it is to be stored; `seq` numbers its last record."""
        mode = execution.program.definition.durability or self._mode
        if mode == "step":
            execution.ledger = StepLedger(execution, self, seq)
        elif mode == "lazy":
            self._lazy.set()
            execution.ledger = LazyLedger(execution, self, seq)

    # For ledgers

    def head(self, execution: Execution, seq: int, now: float) -> ExecutionHead:
        """An execution in a row, as it is now."""
        state, definition = execution.state, execution.program.definition
        name = state.name
        expires = None
        if has_ended := isinstance(state.control, Finished):
            expires = self._expiry(definition, state.control.state, now)
        return ExecutionHead(
            id=state.id,
            definition=definition.id,
            version=definition.version,
            hash=definition.hash,
            state=name,
            incarnation=execution.incarnation,
            seq=seq,
            created=execution.spawned_at,
            updated=now,
            due=None if state.in_flight or has_ended else next_due(state),
            expires=expires,
            parent=execution.parent,
            size=state.memory_size,
        )

    def _expiry(self, definition: ProcessDefinition, state: EndName, now: float) -> float | None:
        own = definition.retention or {}
        kept = own.get(state, self._retention)
        return None if kept is None else now + kept

    def outgrown(self, id: str, seq: int) -> None:
        """A snapshot was handed over: records far behind it may go."""
        if seq > self._kept:
            self._outgrown[id] = seq - self._kept
            self._news.set()

    def flush(self, id: str) -> None:
        """Have everything handed over that an execution holds back."""
        execution = self._live.get(id)
        if execution is not None and execution.ledger is not None:
            execution.ledger.flush()

    # For the post office

    def hold(self, mail: int, id: str) -> None:
        """Keep all records of an execution that mail begins, or begins again: one tells of that."""
        self._held[mail] = id

    def let_go(self, mail: int) -> None:
        """That mail is answered, and will not come again."""
        if self._held.pop(mail, None) is not None:
            self._news.set()

    def caught_up(self) -> None:
        """What mail from earlier hosts has begun is known now: records may go."""
        self._caught_up.set()

    # Services

    async def flush_lazy(self) -> None:
        """Hand over, time and again, what executions of mode `lazy` have gathered, if there are."""
        while True:
            await self._lazy.wait()
            await trio.sleep(self._lag)
            self._lazy = trio.Event()
            if await self._flush_all():
                self._lazy.set()

    async def _flush_all(self) -> bool:
        """Hand over all that is held back, some at a time; whether any may hold something back."""
        slice_end = self._clock() + SLICE_SECONDS
        is_any_lazy = False
        for execution in list(self._live.values()):
            if execution.ledger is not None and not execution.ledger.waits:
                is_any_lazy = True
                execution.ledger.flush()
            if self._clock() > slice_end:
                await trio.lowlevel.checkpoint()
                slice_end = self._clock() + SLICE_SECONDS
        return is_any_lazy

    async def compact(self) -> None:
        """Drop records that snapshots stand for, as they come about, but none that mail needs."""
        await self._caught_up.wait()
        while True:
            await self._news.wait()
            self._news = trio.Event()
            held = {*self._held.values()}
            free = [id for id in self._outgrown if id not in held]
            outgrown = [(id, self._outgrown.pop(id)) for id in free]
            await self.writer.flush()
            for id, seq in outgrown:
                try:
                    await run_blocking(self.store, self.store.compact, id, seq)
                except StoreError as error:
                    logger.warning("records of execution %r were not compacted: %s", id, error)
