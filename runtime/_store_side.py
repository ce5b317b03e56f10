"""The side of a runtime that faces its store: what goes there, sleeps there and comes back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, Protocol

import trio

from ..actors import Message, ProcessEngineError, Reply, StaleIncarnation
from ..supervision import Child
from ._blocking import run_blocking
from ._catalog import Catalog
from ._clock import WallClock
from ._delivery import Addressed, Delivery
from ._errands import Errands
from ._errors import ExecutionParked
from ._group_registry import GroupRegistry
from ._journal import Journal
from ._options import Options
from ._post_office import PostOffice
from ._programs import Programs
from ._rebirth import HistoryRecord
from ._restarts import BACKOFF, INTENSITY
from ._results import Results
from ._rewind import Rewinder, RewindHouse
from ._sleepers import Letter, ParkedExecution, Sleepers, SleepHouse, Sort
from ._storage import Storage
from ._views import Outcome, outcome_of
from .definition import Durability, ProcessDefinition
from .execution import Execution, about, logger
from .store import DamagedHead, ExecutionHead, Janitor, StaleWriter

PAGE = 1000


class StoreHouse(RewindHouse, SleepHouse, Protocol):
    """What the store's side needs of the rest of the runtime."""

    @property
    def options(self) -> Options: ...

    past: dict[str, Execution]
    groups: GroupRegistry
    wall: WallClock | None

    @property
    def programs(self) -> Programs: ...
    @property
    def delivery(self) -> Delivery: ...
    @property
    def results(self) -> Results: ...


class StoreSide:
    """The journal, the sleepers and the janitor of a runtime, and how they work together."""

    def __init__(self, house: StoreHouse, storage: Storage) -> None:
        options, days = house.options, house.options.state_retention_days
        self._house = house
        self._store = storage.store
        self.catalog = Catalog(storage.definitions, house.programs.library)
        self.journal = Journal(
            house.live,
            house.clock,
            self.lost,
            storage.store,
            storage.types,
            mode=options.durability,
            lag=options.lazy_lag,
            retention=None if days is None else days * 86_400.0,
            kept=options.history_limit,
        )
        self.sleepers = Sleepers(
            house,
            self,
            self.journal,
            self.catalog,
            after=options.passivate_after,
            capacity=options.mailbox_capacity,
        )
        self.errands = Errands(house.id)
        self.rewinder = Rewinder(house, self.journal, self.sleepers)
        self.janitor = Janitor(
            storage.store,
            house.clock,
            options.state_cleanup_interval_minutes * 60.0,
        )
        self.post_office = PostOffice(house, self.sleepers, self.journal, self.rewinder)

    @property
    def asleep(self) -> dict[str, Sort]:
        """The executions that only the store holds, but have not ended."""
        return self.sleepers.asleep

    @property
    def parked(self) -> dict[str, ParkedExecution]:
        """The executions that cannot be run here."""
        return self.sleepers.parked

    def services(self) -> tuple[Child, ...]:
        """What has to run, in the order in which it is started."""
        return (
            Child("journal writer", self.journal.writer.run),
            Child("lazy journal", self.journal.flush_lazy),
            Child("compaction", self.journal.compact),
            Child("sleepers", self.sleepers.run),
            Child("errands", self.errands.run),
            Child("janitor", self.janitor.run),
            Child("post office", self.post_office.run),
        )

    async def recover(self) -> None:
        """Find all that has not ended in the store; that which was at work is woken."""
        heads, wall = self._store.unfinished(), self._house.wall
        assert wall is not None
        self._house.groups.in_doubt = True  # what calls failed with before is not known any more
        while page := await run_blocking(self._store, _page, heads):
            wall.raise_to(max(_time_of(head) for head in page))
            loads = await self._loaded(page)
            self.sleepers.add_stored(page)
            del loads
            await trio.lowlevel.checkpoint()
        self._house.groups.in_doubt = False
        self.post_office.open()

    async def _loaded(
        self, heads: Iterable[ExecutionHead | DamagedHead]
    ) -> list[Reply[ProcessDefinition]]:
        """Have definitions loaded that are not here, all at once; they are, while this is kept."""
        missing = {
            (head.definition, head.version): head
            for head in heads
            if isinstance(head, ExecutionHead) and self.catalog.of(head) is None
        }
        loads = [load for head in missing.values() if (load := self.catalog.load(head)) is not None]
        for load in loads:
            with contextlib.suppress(Exception):  # told by the catalog
                await load
        return loads

    def give_up(self) -> None:
        """Refuse whoever waits for something that cannot come any more."""
        self.journal.writer.close()
        self.sleepers.give_up()
        self.errands.give_up()

    # For the runtime

    def mode_of(self, definition: ProcessDefinition) -> Durability:
        """How the executions of a definition are stored."""
        return definition.durability or self._house.options.durability

    def open(self, execution: Execution) -> None:
        """Give a new execution its ledger."""
        self.sleepers.take_in(execution.program.definition)
        self.journal.open(execution)

    def may_sleep(self, execution: Execution) -> None:
        """An execution has come to rest."""
        self.sleepers.may_sleep(execution)

    def held(self, id: str) -> Sort | ParkedExecution | None:
        """What is known of an execution that has not ended and is only in the store."""
        return self.sleepers.asleep.get(id) or self.sleepers.parked.get(id)

    def deliver(self, letter: Addressed) -> bool:
        """Deliver a message to an execution that only the store holds; false if it is unknown."""
        id, incarnation, message, reply = letter
        held = self.held(id)
        if held is None:
            return False
        known = held.incarnation
        if incarnation != known and known:
            stale = StaleIncarnation(id, incarnation, known)
            self._house.delivery.dead(letter, "stale incarnation", stale)
        elif id in self.sleepers.parked:
            error = ExecutionParked(id, self.sleepers.parked[id].why)
            self._house.delivery.dead(letter, "parked", error)
        else:
            self.sleepers.deliver(id, message, reply)
        return True

    def deliver_own(self, id: str, message: Message, reply: Reply[Any] | None) -> None:
        """Wake an execution with a message of the engine's own, if it sleeps."""
        if id in self.sleepers.asleep:
            self.sleepers.deliver(id, message, reply)

    def answer_result(self, id: str, reply: Reply[Outcome]) -> None:
        """Answer with the outcome of an execution that is not in memory, perhaps later."""
        if id in self.sleepers.asleep:
            self._house.results.await_end(id, reply)
        elif id in self.sleepers.parked:
            reply.fail(ExecutionParked(id, self.sleepers.parked[id].why))
        else:
            found = self.sleepers.fetch(id)
            found.when_done(lambda: self._answer_found(id, found, reply))

    def answer_history(self, id: str, reply: Reply[tuple[HistoryRecord, ...]]) -> None:
        """Answer with every turn that is kept of an execution."""
        self.errands.send(partial(self.rewinder.history, id), reply)

    def _answer_found(self, id: str, found: Reply[Execution], reply: Reply[Outcome]) -> None:
        try:
            execution = found.wait()
        except ProcessEngineError as error:
            reply.fail(error)
            return
        if execution.ended_at is None:
            self._house.results.await_end(id, reply)
        else:
            reply.answer(outcome_of(execution))

    def crashed(self, old: Execution, error: Exception) -> None:
        """A life has ended by a fault: there is another from the store, or it is parked."""
        house = self._house
        if not house.is_closing:
            self._restart_or_park(old, error)
        house.lifecycle.leaves(old)

    def _restart_or_park(self, old: Execution, error: Exception) -> None:
        house = self._house
        restarts = INTENSITY.add(old.restarts, house.clock())
        if restarts is not None:
            delay = BACKOFF.delay(len(restarts), house.random.random())
            self.sleepers.restart(old, restarts, delay)
            return
        why = f"fault in the engine, again and again: {error!r}"
        self.sleepers.park_crashed(old, why)
        house.results.fail(old.id, ExecutionParked(old.id, why))

    # For the journal

    def lost(self, execution: Execution, error: Exception) -> None:
        """What an execution did cannot be stored: this life of it never was."""
        id, house = execution.id, self._house
        is_new = isinstance(error, StaleWriter) and error.first_seq == 1
        execution.leave()
        execution.crash_replies(error)
        house.lifecycle.leaves(execution)
        if is_new:  # there is an execution of that id, which had left memory
            found = self.sleepers.fetch(id)
            found.when_done(lambda: self._found_existing(execution, found))
            return
        logger.error("execution %r is not run here any more: %s", id, error, extra=about(id))
        house.results.fail(id, error)

    def _found_existing(self, new: Execution, found: Reply[Execution]) -> None:
        """There was an execution where one was begun for a parent."""
        if new.parent is not None and not found.has_failed():
            self.tell_of(found.wait())

    def tell_of(self, execution: Execution) -> None:
        """Let the parent of an execution know, and whoever waits, if it has ended."""
        if execution.ended_at is not None:
            self._house.results.tell(execution)

    # For the sleepers

    def came_back(self, execution: Execution, letters: list[Letter]) -> None:
        """An execution is in memory again, and has mail; it may have ended, or never have left."""
        house = self._house
        if execution.ended_at is not None:
            house.lifecycle.keep(execution)
            if execution.restarts:  # it ended as it crashed, and has told nobody
                house.results.tell(execution)
            house.lifecycle.look_whether_idle()
        elif execution.id not in house.live:
            house.lifecycle.arrives(execution)
        for message, reply in letters:
            if execution.ended_at is None:
                house.delivery.deliver((execution.id, execution.incarnation, message, reply))
            else:
                house.delivery.too_late(execution, message, reply)
        if not execution.busy and execution.ended_at is None:
            self.sleepers.may_sleep(execution)

    def fell_asleep(self, execution: Execution) -> None:
        """An execution has left memory."""
        self._house.lifecycle.leaves(execution)

    def refused(self, id: str, incarnation: int, letters: list[Letter], error: Exception) -> None:
        """Mail that an execution does not take."""
        assert isinstance(error, ProcessEngineError)
        for message, reply in letters:
            self._house.delivery.dead((id, incarnation, message, reply), "not in memory", error)

    def stays_away(self, id: str, error: Exception) -> None:
        """An execution does not come back."""
        self._house.results.fail(id, error)
        self._house.lifecycle.look_whether_idle()


def _page(heads: Iterator[ExecutionHead | DamagedHead]) -> list[ExecutionHead | DamagedHead]:
    return list(islice(heads, PAGE))


def _time_of(head: ExecutionHead | DamagedHead) -> float:
    return head.created if isinstance(head, DamagedHead) else head.updated
