"""Executions that are not in memory: those that sleep until something happens, and parked ones."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Any, Protocol, cast
from weakref import WeakValueDictionary

import attrs
import trio

from ..actors import MailboxFull, Message, Reply, RuntimeClosed
from ._blocking import run_blocking
from ._catalog import Catalog
from ._errors import ExecutionParked, UnknownExecution
from ._journal import Journal
from ._rebirth import Rebuilder, rebuilt_state
from ._timers import Timers
from .definition import ProcessDefinition
from .execution import (
    Active,
    Calling,
    Execution,
    Finished,
    House,
    Paused,
    Program,
    State,
    Watcher,
    about,
    logger,
    next_due,
)
from .store import CorruptExecution, DamagedHead, ExecutionHead, Stored, StoreError

BATCH = 64
SLICE_SECONDS = 0.001
SWEEP_AFTER = 256
AGAIN_AFTER = 1.0
"""Seconds at least until one that was looked at is looked at again."""

PATIENCE = (0.1, 5.0)
"""Seconds to wait when the store cannot be read: at first, and at most."""

Letter = tuple[Message, Reply[Any] | None]


@attrs.frozen
class Sort:
    """What sleeping executions have in common; one object for all that are alike, as they sleep."""

    program: Program | None
    definition: str
    state: State
    incarnation: int

    @property
    def shown_state(self) -> State:
        """Its state, as far as that is known."""
        return self.state

    @property
    def why(self) -> None:
        """Nothing is wrong with it."""


UNKNOWN = Sort(None, "", "queued", 0)
"""One that may be in the store, or not."""


@attrs.frozen
class ParkedExecution:
    """An execution that cannot be run here; nothing of it is lost. `why` says why not.

    `state` is that in the store, `lacks` the hash of the definition for want of which it is parked.
    """

    id: str
    definition: str
    state: str
    incarnation: int
    why: str
    lacks: str | None

    @property
    def shown_state(self) -> State:
        """Its state here."""
        return "parked"


class SleepHouse(House, Protocol):
    """What sleepers need of the runtime."""

    @property
    def id(self) -> str: ...

    @property
    def timers(self) -> Timers: ...

    is_closing: bool
    live: dict[str, Execution]

    def program(self, definition: ProcessDefinition) -> Program:
        """The definition compiled."""
        ...


class Host(Protocol):
    """Is told who comes and goes."""

    def came_back(self, execution: Execution, letters: list[Letter]) -> None:
        """An execution is in memory again, and has mail; it may have ended."""

    def fell_asleep(self, execution: Execution) -> None:
        """An execution has left memory."""

    def refused(self, id: str, incarnation: int, letters: list[Letter], error: Exception) -> None:
        """Mail that an execution does not take."""

    def stays_away(self, id: str, error: Exception) -> None:
        """An execution does not come back."""


class _Drowsy:
    """Wakes some time after an execution came to rest, to see whether it still rests."""

    __slots__ = ("_execution", "_seq", "_sleepers")

    def __init__(self, execution: Execution, sleepers: Sleepers) -> None:
        self._execution = execution
        self._sleepers = sleepers
        self._seq = len(execution.notes)

    @property
    def ended_at(self) -> float | None:
        return self._execution.ended_at

    def wake(self, _: object) -> None:
        is_undisturbed = len(self._execution.notes) == self._seq
        self._sleepers.look_at(self._execution, is_undisturbed)


class Sleepers:
    """Holds a line in memory for each execution that is only in the store, and brings it back.

    Whoever sends it a message wakes it, as does its next timer. `after` is how many seconds an
    execution rests in memory before it leaves that. Single writer: the trio thread.
    """

    ended_at: None = None  # for `Timers`

    def __init__(
        self,
        house: SleepHouse,
        host: Host,
        journal: Journal,
        catalog: Catalog,
        *,
        after: float | None,
        capacity: int,
    ) -> None:
        self.asleep: dict[str, Sort] = {}
        self.parked: dict[str, ParkedExecution] = {}
        self.catalog: Catalog = catalog
        self._house = house
        self._host = host
        self._journal = journal
        self._after = after
        self._capacity = capacity
        self._sorts: WeakValueDictionary[tuple[object, ...], Sort] = WeakValueDictionary()
        self._dues: list[tuple[float, str]] = []
        self._next = float("inf")
        self._letters: dict[str, list[Letter]] = {}
        self._asking: dict[str, list[Reply[Execution]]] = {}
        self._relics: dict[str, tuple[tuple[float, ...], list[Watcher] | None]] = {}
        self._wanted: deque[str] = deque()
        self._loads: dict[str, Reply[ProcessDefinition]] = {}
        self._left = 0
        self._news = trio.Event()
        self._is_over = False

    def __len__(self) -> int:
        return len(self.asleep)

    @property
    def mail(self) -> int:
        """How many messages wait for those who are being woken."""
        return sum(map(len, list(self._letters.values())))

    # To sleep

    def may_sleep(self, execution: Execution) -> None:
        """An execution has come to rest: if it stays so, it leaves memory."""
        if execution.ledger is not None and self._after is not None:
            self._look_in(self._after, execution)

    def _look_in(self, seconds: float, execution: Execution) -> None:
        drowsy = _Drowsy(execution, self)
        self._house.timers.add(self._house.clock() + seconds, drowsy, None)

    def look_at(self, execution: Execution, is_undisturbed: bool) -> None:
        """Let an execution leave memory if it rests; if it was disturbed, some time later."""
        is_over = execution.ended_at is not None or execution.busy or self._house.is_closing
        if is_over or self._after is None:
            return
        due = next_due(execution.state)
        soon = due is not None and due < self._house.clock() + self._after
        rests_now = rests(execution) and not self._is_looking_for_child(execution)
        if not is_undisturbed or soon or not rests_now:
            self._look_in(max(self._after, AGAIN_AFTER), execution)
            return
        self.dismiss(execution)

    def _is_looking_for_child(self, execution: Execution) -> bool:
        """Whether a child is being fetched: if there is none yet, its parent has to call it."""
        state = execution.state
        return bool(state.calls) and any(
            isinstance(token.phase, Calling) and self.is_waking(token.phase.child)
            for token in state.tokens.values()
        )

    def dismiss(self, execution: Execution) -> None:
        """Have an execution that rests leave memory; at no moment is it in neither place."""
        program, state = execution.program, execution.state
        sort = Sort(program, str(program.definition), state.name, execution.incarnation)
        self._put(execution.id, sort, next_due(state))
        execution.leave()
        self._host.fell_asleep(execution)
        self._left += 1
        if self._left > max(SWEEP_AFTER, len(self._house.timers) // 2):
            self._left = 0
            self._house.timers.sweep()  # of its deadline, which would keep it in memory

    def forget(self, id: str) -> None:
        """An execution that is not in memory is dealt with by somebody else."""
        self.asleep.pop(id, None)
        self.parked.pop(id, None)

    def is_waking(self, id: str) -> bool:
        """Whether an execution is about to be in memory."""
        return id in self._letters

    def _put(self, id: str, sort: Sort, due: float | None) -> None:
        what = sort.program, sort.definition, sort.state, sort.incarnation
        self.asleep[id] = self._sorts.setdefault(what, sort)
        if due is not None:
            heapq.heappush(self._dues, (due, id))
            self._set_alarm()

    def _set_alarm(self) -> None:
        if self._dues and self._dues[0][0] < self._next:
            self._next = self._dues[0][0]
            self._house.timers.add(self._next, self, None)

    def wake(self, _: object) -> None:
        """Bring back whoever's timer is due."""
        now = self._house.clock()
        self._next = float("inf")
        while self._dues and self._dues[0][0] <= now:
            _, id = heapq.heappop(self._dues)
            if id in self.asleep:
                self.rouse(id)
        self._set_alarm()

    # What is stored

    def add_stored(self, heads: Iterable[ExecutionHead | DamagedHead]) -> None:
        """Take in executions of an earlier life: those that were at work are woken."""
        for head in heads:
            if isinstance(head, DamagedHead):
                self.park(head.id, UNKNOWN, f"its row in the store is damaged: {head.why}")
                continue
            sort = self._sort_of(head)
            if sort.program is None:
                self.park(head.id, sort, self.catalog.why_missing(head), head.hash)
                continue
            self._put(head.id, sort, head.due)
            if head.state not in ("waiting", "paused"):
                self.rouse(head.id)

    def _sort_of(self, head: ExecutionHead) -> Sort:
        definition = self.catalog.of(head)
        program = None if definition is None else self._house.program(definition)
        label = f"{head.definition} v{head.version}"
        return Sort(program, label, cast(State, head.state), head.incarnation)

    def park(self, id: str, sort: Sort, why: str, lacks: str | None = None) -> None:
        """Set an execution aside that cannot be run; `lacks` is the hash of its definition."""
        self.parked[id] = ParkedExecution(
            id, sort.definition, sort.state, sort.incarnation, why, lacks
        )
        logger.error("execution %r is parked: %s", id, why, extra=about(id))

    def take_in(self, definition: ProcessDefinition) -> None:
        """A definition is given: those that were parked for want of it come back."""
        if definition not in self.catalog:
            self._unpark(self.catalog.add(definition))

    def take_in_loaded(self, definition: ProcessDefinition) -> None:
        """A definition was loaded: those that were parked for want of it come back."""
        self._unpark(self.catalog.add_loaded(definition))

    def _unpark(self, hashes: set[str]) -> None:
        for parked in [each for each in self.parked.values() if each.lacks in hashes]:
            del self.parked[parked.id]
            self.asleep[parked.id] = UNKNOWN
            self.rouse(parked.id)

    # To wake

    def deliver(self, id: str, message: Message, reply: Reply[Any] | None) -> None:
        """Wake a sleeping execution with a message."""
        self.rouse(id)
        letters = self._letters[id]
        if message.lane == "user" and len(letters) >= self._capacity:
            error = MailboxFull(id, self._capacity)
            self._host.refused(id, self.asleep[id].incarnation, [(message, reply)], error)
        else:
            letters.append((message, reply))

    def rouse(self, id: str) -> None:
        """Have a sleeping execution brought back; nothing if that is under way."""
        if id not in self._letters:
            self._letters[id] = []
            self._want(id)

    def _want(self, id: str) -> None:
        self._wanted.append(id)
        self._news.set()

    def fetch(self, id: str) -> Reply[Execution]:
        """Look for an execution in the store; answered when it is in memory again.

        Fails with `UnknownExecution`, `ExecutionParked` or `RuntimeClosed`.
        """
        reply: Reply[Execution] = Reply()
        if self._is_over:
            reply.fail(RuntimeClosed(self._house.id))
            return reply
        self._asking.setdefault(id, []).append(reply)
        self.rouse(id)
        return reply

    def restart(self, old: Execution, restarts: tuple[float, ...], delay: float) -> None:
        """A life has ended by a fault: after a while there is another, from the store."""
        self._put(old.id, _sort_after(old), self._house.clock() + delay)
        self._relics[old.id] = restarts, old.watchers

    def park_crashed(self, old: Execution, why: str) -> None:
        """A life has ended by a fault, and there will be no other here."""
        for watcher in old.watchers or ():
            watcher.end()
        self.park(old.id, _sort_after(old), why)

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Bring back who is wanted, some at a time."""
        task_status.started()
        while True:
            if not self._wanted:
                self._news = trio.Event()
                await self._news.wait()
            batch = [self._wanted[place] for place in range(min(BATCH, len(self._wanted)))]
            found = await self._load(batch)
            slice_end = self._house.clock() + SLICE_SECONDS
            for id in batch:
                self._wanted.popleft()
                if not self._is_loading(id, found[id]):
                    self._bring_back(id, found[id])
                if self._house.clock() > slice_end:
                    await trio.lowlevel.checkpoint()
                    slice_end = self._house.clock() + SLICE_SECONDS

    def give_up(self) -> None:
        """Refuse all who wait for an execution to come back: the runtime has ended."""
        self._is_over = True
        error = RuntimeClosed(self._house.id)
        for replies in self._asking.values():
            for reply in replies:
                reply.fail(error)
        for letters in self._letters.values():
            for _, waiting in letters:
                if waiting is not None:
                    waiting.fail(error)
        for _, watchers in self._relics.values():
            for watcher in watchers or ():
                watcher.end()
        self._asking.clear()
        self._letters.clear()
        self._relics.clear()

    async def _load(self, ids: list[str]) -> dict[str, Stored | Exception | None]:
        """What is stored of each. While the store cannot be read, nobody comes back."""
        wait = PATIENCE[0]
        while True:
            try:
                await self._journal.writer.flush()
                return await run_blocking(self._journal.store, self._load_all, ids)
            except StoreError as error:
                logger.warning("executions cannot be read from the store: %s", error)
            await trio.sleep(wait)
            wait = min(2 * wait, PATIENCE[1])

    def _load_all(self, ids: list[str]) -> dict[str, Stored | Exception | None]:
        found: dict[str, Stored | Exception | None] = {}
        for id in ids:
            try:
                found[id] = self._journal.store.load(id)
            except CorruptExecution as error:
                found[id] = error
        return found

    def _is_loading(self, id: str, found: Stored | Exception | None) -> bool:
        """Whether an execution lacks a definition that is now being loaded: it is wanted again.

        Others do not wait for that.
        """
        if not isinstance(found, Stored) or id in self._loads or id in self._house.live:
            return False
        has_program = self.asleep.get(id, UNKNOWN).program is not None
        if has_program or self.catalog.of(found.head) is not None:
            return False
        load = self.catalog.load(found.head)
        if load is not None:
            self._loads[id] = load
            load.when_done(partial(self._want, id))
        return load is not None

    def _bring_back(self, id: str, found: Stored | Exception | None) -> None:
        letters = self._letters.pop(id, [])
        asking = self._asking.pop(id, [])
        if self._house.is_closing and id not in self._house.live:  # nobody would end it any more
            sort = self.asleep.get(id, UNKNOWN)
            execution: Execution | Exception = RuntimeClosed(self._house.id)
        else:
            sort = self.asleep.pop(id, UNKNOWN)
            execution = self._brought_back(id, sort, found)
        if isinstance(execution, Exception):
            self._host.refused(id, sort.incarnation, letters, execution)
            self._host.stays_away(id, execution)
        else:
            self._host.came_back(execution, letters)
        self._loads.pop(id, None)
        for reply in asking:
            if isinstance(execution, Exception):
                reply.fail(execution)
            else:
                reply.answer(execution)

    def _brought_back(
        self, id: str, sort: Sort, found: Stored | Exception | None
    ) -> Execution | Exception:
        if id in self._house.live:  # it was begun while we looked for it
            return self._house.live[id]
        if found is None:
            return UnknownExecution(id)
        return self._made_again(id, sort, found)

    def _made_again(self, id: str, sort: Sort, found: Stored | Exception) -> Execution | Exception:
        """The execution; if it cannot be run it is parked, and that is the answer."""
        if isinstance(found, Exception):
            self.park(id, sort, str(found))
            return ExecutionParked(id, str(found))
        head = found.head
        found_sort = self._sort_of(head)
        program = sort.program or found_sort.program
        if program is None:
            why = self.catalog.why_missing(head)
            self.park(id, found_sort, why, head.hash)
            return ExecutionParked(id, why)
        try:
            program = self._house.program(program.definition)  # whose groups may have gone
            execution = self._rebuilt(found, program, sort.incarnation)
        except Exception as error:  # noqa: BLE001 - one that cannot be read must not hold up others
            self.park(id, found_sort, str(error))
            return ExecutionParked(id, str(error))
        execution.restarts, execution.watchers = self._relics.pop(id, ((), None))
        if isinstance(execution.state.control, Finished):
            execution.ended_at = head.updated
        return execution

    def _rebuilt(self, found: Stored, program: Program, incarnation: int) -> Execution:
        """The execution as it was after its last record; nothing of it goes on yet."""
        head, codec = found.head, self._journal.codec
        execution = Execution(head.id, program, self._house, head.parent)
        execution.incarnation = max(head.incarnation, incarnation)
        execution.spawned_at = head.created
        rebuild = Rebuilder(codec, program.routing, self._house.limits)
        execution.state, execution.notes = rebuilt_state(found, rebuild, codec)
        self._journal.open(execution, head.seq)
        return execution


def _sort_after(crashed: Execution) -> Sort:
    program = crashed.program
    return Sort(program, str(program.definition), "running", crashed.incarnation + 1)


def rests(execution: Execution) -> bool:
    """Whether there is nothing in memory that anybody needs."""
    state = execution.state
    return (
        not state.in_flight
        and isinstance(state.control, (Active, Paused))
        and not execution.watchers
        and not execution.replies
        and (execution.ledger is None or execution.ledger.is_settled)
    )
