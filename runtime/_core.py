"""The runtime from inside: where messages, timers, workers and admissions meet the executions."""

from __future__ import annotations

import builtins
import itertools
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import copy_context
from functools import partial
from typing import Any, Final

import trio

from ..actors import (
    ActorGone,
    Cancel,
    DeadLetter,
    DeadLetters,
    MailboxFull,
    Message,
    Pause,
    ProcessEngineError,
    Reply,
    Resume,
    RuntimeClosed,
    Slots,
    StaleIncarnation,
    TurnLoop,
)
from ..supervision import Child, Intensity, Strategy, Supervisor
from ._admission import Admission
from ._alerting import alerting
from ._caches import Caches
from ._clock import Clock, WallClock
from ._errors import AdmissionRefused, UnknownExecution
from ._executions import Executions
from ._group_registry import GroupRegistry
from ._host_actor import HostActor
from ._library import Library, Loader
from ._observers import Observers
from ._options import Options
from ._rebirth import HistoryRecord
from ._restarts import Restarts
from ._storage import Storage
from ._store_side import StoreSide
from ._timers import Timers
from ._views import Outcome, outcome_of, records_of
from ._watchdog import watchdogs
from .definition import Process, ProcessDefinition
from .execution import (
    Begin,
    CallChild,
    Calling,
    ChildEnded,
    ChildPaused,
    Effects,
    Ending,
    Enters,
    Execution,
    Finished,
    LimitParts,
    Limits,
    Program,
    Revived,
    Rewound,
    TellChild,
    Tracing,
    restored,
    size_of,
)
from .metrics import AttemptCounts, ExecutionCounts
from .store import UnstorableValue

Letter = tuple[str, int, Message, Reply[Any] | None]


class Core:
    """Everything a runtime owns; the `House` its executions live in.

    Single writer: the trio thread that runs it. Other threads only append to `_inbox`.
    """

    def __init__(
        self,
        runtime_id: str,
        options: Options,
        storage: Storage | None = None,
        definitions: Iterable[ProcessDefinition] = (),
        loader: Loader | None = None,
        observers: Observers = Observers(),  # noqa: B008 - a value
    ) -> None:
        self.id: Final = runtime_id
        self.options: Final = options
        self.tracing: Tracing | None = observers.tracing
        self.random = random.Random(options.seed)
        self.limits = Limits(options.retry, options.max_memory_per_execution)
        self.history_limit = options.history_limit
        self.cancel_grace = options.cancel_grace
        self.wall: WallClock | None = None if storage is None else WallClock(storage.wall_clock)
        self._time: Clock = self.wall or Clock()
        self.clock: Callable[[], float] = self._time.now
        self.ticks: Callable[[], float] = self._time.ticks
        self.turns: TurnLoop[Execution] = TurnLoop(options.mailbox_capacity)
        self.host_turns: TurnLoop[HostActor] = TurnLoop(options.mailbox_capacity)
        self.timers = Timers(self.clock)
        self.admission = Admission(options.max_concurrent_executions, options.admission_queue_limit)
        self.dead_letters = DeadLetters()
        self.counts = ExecutionCounts()
        self.attempts = AttemptCounts()
        self._monotonic = trio.lowlevel.current_clock().current_time
        self._opened_at = self._monotonic()
        self.live: dict[str, Execution] = {}
        self.past: dict[str, Execution] = {}
        self.caches = Caches(options, self.clock)
        self.library = Library(
            runtime_id, loader, self.caches.definitions, definitions, self._take_in_loaded
        )
        self.context = copy_context()
        pool = options.worker_pool_size
        self.slots: Slots | None = None if pool is None else Slots(pool)
        groups = self._supervisor("groups")
        self.groups = GroupRegistry(self, groups)
        self.executions = Executions(self.live, self._close_one, self._when_closed)
        self.host = self._supervisor("host")
        self.store = None if storage is None else StoreSide(self, storage)
        services = self._supervisor(
            "services",
            *self.library.services(),
            *(() if self.store is None else self.store.services()),
            Child("timers", self.timers.run),
            *watchdogs(options.block_warning),
            *alerting(self, observers.alerts, options.alert_interval),
            strategy="rest_for_one",
        )
        self.root = self._supervisor(
            "runtime",
            Child("services", services),
            Child("groups", groups),
            Child("host", self.host),
            Child("executions", self.executions),
            intensity=Intensity(restarts=0),
        )
        self.is_closing = False
        self._restarts = Restarts(self)
        self._waiting: dict[str, list[Reply[Outcome]]] = {}
        self._idle: list[tuple[Callable[[], bool], Reply[None]]] = []
        self._thread = threading.get_ident()
        self._token = trio.lowlevel.current_trio_token()
        self._inbox: deque[Letter | Callable[[], None]] = deque()
        self._numbers = itertools.count(1)

    @property
    def epoch(self) -> float:
        """What `ticks` lacks of the time."""
        return self._time.epoch

    # Life

    def _supervisor(
        self,
        name: str,
        *children: Child,
        strategy: Strategy = "one_for_one",
        intensity: Intensity = Intensity(),  # noqa: B008 - a value
    ) -> Supervisor:
        return Supervisor(
            name,
            children,
            strategy=strategy,
            intensity=intensity,
            clock=self.clock,
            random=self.random,
        )

    @trio.lowlevel.enable_ki_protection
    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        """Serve until `close`; leaves nothing running. Raises `SupervisorGaveUp`."""
        # Shielded: the host's cancellation reaches executions as a message, as a handle's does.
        with trio.CancelScope(shield=True):
            await self.root.run(task_status=task_status)

    def close(self) -> None:
        """End every execution as a cancel would, then everything else, in reverse order."""
        self.is_closing = True
        self.root.shut_down()

    def _close_one(self, execution: Execution) -> None:
        if execution.ledger is None:
            self.turns.post(execution, Cancel("the runtime was closed"))
        else:
            self.timers.add(self.clock() + self.cancel_grace, Straggler(execution), None)
            execution.suspend()

    def _when_closed(self) -> Reply[None]:
        """Answered when no execution is in memory any more."""
        return self._when(lambda: not self.live)

    def close_replies(self) -> None:
        """Fail whoever still waits for something that cannot come any more."""
        self.is_closing = True
        for execution in self.live.values():
            execution.crash_replies(RuntimeClosed(self.id))
            for watcher in execution.watchers or ():
                watcher.end()
        self.live.clear()
        self.library.give_up()
        if self.store is not None:
            self.store.give_up()
        for group in self.groups:
            group.end_watches()
        for replies in self._waiting.values():
            for reply in replies:
                reply.fail(RuntimeClosed(self.id))
        self._waiting.clear()
        self._flush()

    def when_idle(self) -> Reply[None]:
        """Answered when every execution has ended; parked ones do not count."""
        return self._when(lambda: not (self.live or (self.store is not None and self.store.asleep)))

    def _when(self, holds: Callable[[], bool]) -> Reply[None]:
        """Answered when that holds, which it never does while an execution is live."""
        reply: Reply[None] = Reply()
        if holds():
            reply.answer(None)
        else:
            self._idle.append((holds, reply))
        return reply

    def _tell_idle(self) -> None:
        """An execution is not live any more: perhaps somebody waits for just that."""
        told = [each for each in self._idle if each[0]()]
        self._idle = [each for each in self._idle if each not in told]
        for _, reply in told:
            reply.answer(None)

    # Executions

    def new_id(self, definition: ProcessDefinition) -> str:
        """A name for an execution that was given none; unique across runtimes."""
        return f"{definition.id}-{self.id}-{next(self._numbers)}"

    def program(self, definition: ProcessDefinition) -> Program:
        """The definition compiled. Whoever keeps it beyond a turn may outlive its groups."""
        program = self.caches.routing.get(builtins.id(definition))
        return self._compiled(definition) if program is None else program

    def _compiled(self, definition: ProcessDefinition) -> Program:
        program = Program(
            definition,
            self.groups.of,
            self.counts.of(str(definition)),
            self.options.execution_timeout,
            self.stored_limits(definition),
            self.tracing,
        )
        gone = self.caches.routing.put(builtins.id(definition), program)
        for node in definition.nodes:
            if isinstance(node.kind, Process):
                self.program(node.kind.definition)
        if gone:
            self._sweep_groups({program})
        return program

    def define(self, definition: ProcessDefinition) -> None:
        """Know a definition from now on."""
        self.library.give(definition)
        if self.store is not None:
            self.store.sleepers.take_in(definition)

    def _take_in_loaded(self, definition: ProcessDefinition) -> None:
        if self.store is not None:
            self.store.sleepers.take_in_loaded(definition)

    def stored_limits(self, definition: ProcessDefinition) -> LimitParts | None:
        """The limits that executions of a definition keep in their records, if they have any."""
        is_stored = self.store is not None and self.store.mode_of(definition) != "off"
        return self.limits.parts if is_stored else None

    def _sweep_groups(self, wanted: set[Program]) -> None:
        """Let go the groups of definitions that are neither wanted now, nor cached, nor running."""
        if len(self.groups) > 2 * self.options.routing_cache_size_limit:
            running = (each.program for each in self.live.values())
            programs = wanted.union(self.caches.routing.values(), running)
            groups = {group for program in programs for group in program.all_groups()}
            self.groups.keep_only(groups)

    def check_room(self, count: int) -> None:
        """Raise `AdmissionRefused` unless so many executions may begin or be queued now."""
        if count > self.admission.room:
            self.admission.refused += count
            raise AdmissionRefused(
                f"the last of {count}", self.admission.busy, self.admission.queued
            )

    def check_storable(self, begin: Begin) -> None:
        """Raise `UnstorableValue` if an execution is to be stored and cannot begin with that."""
        if begin.limits is not None and begin.inputs:  # else it is not stored
            assert self.store is not None
            self.store.journal.codec.encode_record(0.0, begin)

    @trio.lowlevel.enable_ki_protection
    def begin(
        self, id: str, program: Program, begin: Begin, parent: tuple[str, int] | None = None
    ) -> Execution:
        """Make an execution and admit or queue it; a child is always admitted.

        Raises `AdmissionRefused`.
        """
        admission = self.admission
        has_room = parent is not None or admission.has_room
        if not has_room and admission.is_full:
            admission.refused += 1
            raise AdmissionRefused(id, admission.busy, admission.queued)
        execution = self.live[id] = Execution(id, program, self, parent)
        if self.tracing is not None:
            self.tracing.begins(execution, is_new=True)
        if self.store is not None:
            self.store.open(execution)
        if has_room:
            admission.admit(execution)
            execution.begin(begin)
            return execution
        if execution.ledger is not None:
            entering = Enters(begin.inputs, begin.sizes, begin.limits)
            self.turns.post(execution, entering)
            begin = Begin({}, timeout=begin.timeout)
        admission.enter(execution, begin)
        return execution

    def find(self, id: str) -> Execution | None:
        """The execution of that id, live or ended; None if there is none or it was forgotten."""
        return self.live.get(id) or self.past.get(id)

    def begin_of(self, execution: Execution) -> Begin | Enters | None:
        """What an execution was begun with; None if that is not known any more."""
        first = execution.notes[1] if execution.notes else None
        is_first = isinstance(first, (Begin, Enters))
        return first if is_first else self.admission.begin_of(execution)

    def _admit(self) -> None:
        while (admitted := self.admission.next()) is not None:
            self.turns.post(*admitted)

    # Messages

    def send(self, address: tuple[str, int], message: Message, reply: Reply[Any] | None) -> None:
        """Deliver a message, from any thread: at once in the runtime's own task, else soon."""
        if self._is_here():
            self.deliver((*address, message, reply))
            return
        self._from_elsewhere((*address, message, reply))

    def _from_elsewhere(self, what: Letter | Callable[[], None]) -> None:
        """Queue what another thread sends; all through one queue, so that it stays in order."""
        self._inbox.append(what)
        try:
            self._token.run_sync_soon(self._flush, idempotent=True)
        except trio.RunFinishedError:
            self._flush()

    def _flush(self) -> None:
        letters: list[tuple[Execution, Message, Reply[Any] | None]] = []
        while self._inbox:
            letter = self._inbox.popleft()
            if callable(letter):
                letter()
                continue
            execution = self._recipient(letter)
            if execution is not None:
                _, _, message, reply = letter
                letters.append((execution, message, reply))
        for execution, message, reply in self.turns.post_all(letters):
            letter = (execution.id, execution.incarnation, message, reply)
            self.dead(letter, "mailbox full", self._mailbox_full(execution.id))

    def deliver(self, letter: Letter) -> None:
        """Have a message taken, in the runtime's own thread."""
        execution = self._recipient(letter)
        if execution is None:
            return
        id, _, message, reply = letter
        if not self.turns.post(execution, message, reply):
            self.dead(letter, "mailbox full", self._mailbox_full(id))

    def _mailbox_full(self, id: str) -> MailboxFull:
        return MailboxFull(id, self.options.mailbox_capacity)

    def _recipient(self, letter: Letter) -> Execution | None:
        """Who takes a letter; if nobody, it is counted as dead and its sender is told."""
        id, incarnation, message, reply = letter
        execution = self.live.get(id)
        if execution is not None:
            if execution.incarnation == incarnation:
                return execution
            stale = StaleIncarnation(id, incarnation, execution.incarnation)
            self.dead(letter, "stale incarnation", stale)
            return None
        ended = self.past.get(id)
        if ended is not None:
            self.too_late(ended, message, reply)
        elif self.is_closing:
            self.dead(letter, "unknown execution", RuntimeClosed(self.id))
        elif self.store is None or not self.store.deliver(letter):
            self.dead(letter, "unknown execution", UnknownExecution(id))
        return None

    def too_late(self, ended: Execution, message: Message, reply: Reply[Any] | None) -> None:
        """A message came after the end: it is counted as dead, a control message is answered."""
        control = ended.state.control
        assert isinstance(control, (Ending, Finished))
        letter, state = (ended.id, ended.incarnation, message, reply), control.state
        if not isinstance(message, (Pause, Resume, Cancel)):
            self.dead(letter, "already ended", ActorGone(ended.id, f"it has ended, {state}"))
            return
        self.dead(letter, "already ended", None)
        if reply is not None:
            reply.answer(state)

    def dead(self, letter: Letter, why: str, error: ProcessEngineError | None) -> None:
        """Count a message that does not arrive, and tell its sender why if there is an error."""
        id, _, message, reply = letter
        self.undelivered(id, message, why)
        if reply is not None and error is not None:
            reply.fail(error)

    def undelivered(self, name: str, message: Message, why: str) -> None:
        """Count a message that nobody has taken."""
        self.dead_letters.add(DeadLetter(name, message, why, self.clock()))

    def do(self, action: Callable[[], None]) -> None:
        """Run a synchronous action in the runtime's thread: at once if this is it, else soon."""
        if self._is_here():
            action()
        else:
            self._from_elsewhere(action)

    @property
    def mailbox_depth(self) -> int:
        """How many messages wait: for their turn, to get here, or for their recipient to wake."""
        depth = self.turns.pending + self.host_turns.pending + len(self._inbox)
        return depth + (0 if self.store is None else self.store.sleepers.mail)

    def uptime(self) -> float:
        """Seconds since it was opened."""
        return self._monotonic() - self._opened_at

    def _is_here(self) -> bool:
        return threading.get_ident() == self._thread and trio.lowlevel.in_trio_run()

    def result(self, id: str) -> Reply[Outcome]:
        """Answered with the outcome of an execution when it has ended."""
        reply: Reply[Outcome] = Reply()
        self.do(lambda: self._answer_result(id, reply))
        return reply

    def _answer_result(self, id: str, reply: Reply[Outcome]) -> None:
        ended = self.past.get(id)
        if ended is not None:
            reply.answer(outcome_of(ended))
        elif id in self.live:
            self._waiting.setdefault(id, []).append(reply)
        elif self.is_closing:
            reply.fail(RuntimeClosed(self.id))
        elif self.store is None:
            reply.fail(UnknownExecution(id))
        else:
            self.store.answer_result(id, reply)

    def answer_history(self, id: str, reply: Reply[tuple[HistoryRecord, ...]]) -> None:
        """Answer with the turns of an execution, in memory or not."""
        execution = self.find(id)
        if execution is not None and execution.ledger is None:
            turns = enumerate(records_of(execution.notes), 1)
            reply.answer(tuple(HistoryRecord(seq, *record) for seq, record in turns))
        elif self.store is None:
            reply.fail(UnknownExecution(id))
        else:
            self.store.errands.send(partial(self.store.rewinder.history, id), reply)

    def await_end(self, id: str, reply: Reply[Outcome]) -> None:
        """Answer with the outcome of an execution, which has not ended, when it has."""
        self._waiting.setdefault(id, []).append(reply)

    def fail_results(self, id: str, error: Exception) -> None:
        """Nobody will learn the outcome of an execution here."""
        for reply in self._waiting.pop(id, ()):
            reply.fail(error)

    # House

    def load_changed(self, execution: Execution, busy: bool) -> None:
        """An execution has become busy, or has nothing but timers and signals left."""
        self.admission.busy += 1 if busy else -1
        if not busy and self.admission.queued:
            self._admit()
        if not busy and self.store is not None:
            self.store.may_sleep(execution)

    def call_child(self, parent: Execution, effect: CallChild) -> None:
        """Begin a child execution; it inherits nothing but what it is given."""
        kind = parent.state.tokens[effect.step].node.spec.kind
        assert isinstance(kind, Process)
        existing = self.find(effect.child)
        address = parent.id, effect.step
        if existing is not None and existing.parent == address:
            if existing.id in self.past:  # it ended while its parent was being restarted
                self._tell_parent(address, outcome_of(existing))
            return
        if existing is not None:
            reason = f"an execution {effect.child!r} exists already"
            ended = ChildEnded(effect.step, effect.child, "cancelled", {}, None, reason)
            self.turns.post(parent, ended)
            return
        if self.store is not None and self.store.held(effect.child) is not None:
            return
        if self.store is not None and effect.again and parent.ledger is not None:
            found = self.store.sleepers.fetch(effect.child)
            found.when_done(lambda: self._call_again(parent.id, effect, found))
            return
        program = self.program(kind.definition)
        begin = begin_message(effect.inputs, program.begin)
        try:
            self.check_storable(begin)
        except UnstorableValue as error:
            ended = ChildEnded(effect.step, effect.child, "cancelled", {}, None, str(error))
            self.turns.post(parent, ended)
            return
        self.begin(effect.child, program, begin, address)

    def _call_again(self, parent_id: str, effect: CallChild, found: Reply[Execution]) -> None:
        """The child was looked for in the store: it ended there, lives again or never began."""
        parent = self.live.get(parent_id)
        token = None if parent is None else parent.state.tokens.get(effect.step)
        if parent is None or token is None or not isinstance(token.phase, Calling):
            return
        if self.is_closing:  # its next life calls again
            return
        if token.phase.child != effect.child or parent.ended_at is not None:
            return
        if not found.has_failed():
            child = found.wait()
            if child.ended_at is not None and child.parent == (parent_id, effect.step):
                self._tell_parent((parent_id, effect.step), outcome_of(child))
        elif self.store is not None and self.store.held(effect.child) is None:
            calls: Effects = [CallChild(effect.step, effect.child, effect.inputs)]
            self.turns.run(parent, parent.perform, calls)
            parent.tell_child_again(effect.step)  # what could not reach it while it was looked for

    def tell_child(self, parent: Execution, effect: TellChild) -> None:
        """Pass a control message on to a child; a pause is reported back when it is complete."""
        if not isinstance(effect.message, Pause):
            self._post_to(effect.child, effect.message)
            return
        paused: Reply[Any] = Reply()

        def report() -> None:
            if paused.has_failed():  # it has crashed; in its next life it is told again
                return
            self._post_to(parent.id, ChildPaused(effect.step))

        paused.when_done(report)
        self._post_to(effect.child, effect.message, paused)

    def _post_to(self, id: str, message: Message, reply: Reply[Any] | None = None) -> None:
        """Have an execution take a message of the engine's own, in whichever life it is."""
        execution = self.live.get(id)
        if execution is not None:
            self.turns.post(execution, message, reply)
        elif self.store is not None:
            self.store.deliver_own(id, message, reply)

    def ended(self, execution: Execution) -> None:
        """Keep the outcome, tell whoever waits for it, and let the execution go."""
        if self.tracing is not None:
            self.tracing.ended(execution)
        self._let_go(execution)
        self.keep(execution)
        self.tell_of_end(execution)
        if self._idle and not self.live:
            self._tell_idle()
        if self.admission.queued:
            self._admit()

    def keep(self, ended: Execution) -> None:
        """Keep an ended execution to be asked about; the one that was kept longest goes."""
        self.past[ended.state.id] = ended
        if len(self.past) > self.options.keep_ended:
            del self.past[next(iter(self.past))]

    def _let_go(self, execution: Execution) -> None:
        """An execution is not live any more."""
        if execution.busy:
            execution.busy = False
            self.admission.busy -= 1
        else:
            self.admission.forget(execution)
        id = execution.state.id
        if self.live.get(id) is execution:
            del self.live[id]

    def leaves(self, execution: Execution) -> None:
        """An execution has left memory, without an end."""
        if self.tracing is not None:
            self.tracing.left(execution)
        self._let_go(execution)
        if self._idle and not self.live:
            self._tell_idle()
        if self.admission.queued:
            self._admit()

    def suspended(self, execution: Execution) -> None:
        """A suspended execution has come to rest: its life in memory is over."""
        execution.leave()
        execution.crash_replies(RuntimeClosed(self.id))
        self.leaves(execution)

    def arrives(self, execution: Execution) -> None:
        """An execution of an earlier life is live again."""
        self.live[execution.id] = execution
        if self.tracing is not None:
            self.tracing.begins(execution, is_new=False)
        # First, as what is restored may start attempts that are not lost.
        if execution.state.in_flight:
            self.turns.post(execution, Revived(execution.incarnation))
        if execution.ended_at is None:
            self.turns.run(execution, execution.perform, restored(execution.state))
        self._admit_if_new(execution)

    def arrives_rewound(self, execution: Execution, message: Rewound) -> None:
        """An execution begins with a state, or begins again."""
        self.past.pop(execution.id, None)
        self.live[execution.id] = execution
        if self.tracing is not None:
            self.tracing.begins(execution, is_new=False)
        self.turns.post(execution, message)
        self._admit_if_new(execution)

    def _admit_if_new(self, execution: Execution) -> None:
        if not execution.state.steps and execution.id in self.live:
            self.admission.enter(execution, Begin({}, timeout=execution.program.begin.timeout))
            self._admit()

    def tell_of_end(self, ended: Execution) -> None:
        """Tell whoever waits for the outcome of an execution, and its parent."""
        if self._waiting:
            for reply in self._waiting.pop(ended.state.id, ()):
                reply.answer(outcome_of(ended))
        if ended.parent is not None:
            self._tell_parent(ended.parent, outcome_of(ended))

    def tell_child_again(self, parent: tuple[str, int]) -> None:
        """A child has crashed and lives again: it may not know what its parent has told it."""
        id, step = parent
        if id in self.live:
            self.live[id].tell_child_again(step)

    def crashed(self, execution: Execution, error: Exception) -> None:
        """An execution has crashed: there is another life, or it ends as failed."""
        if self.store is None or execution.ledger is None:
            self._restarts.crashed(execution, error)
        else:
            self.store.crashed(execution, error)

    def _tell_parent(self, address: tuple[str, int], outcome: Outcome) -> None:
        parent_id, step = address
        message = ChildEnded(
            step,
            outcome.id,
            outcome.state,
            outcome.memory,
            outcome.error,
            outcome.reason,
            size_of(outcome.memory),
            self.random.random(),
        )
        self._post_to(parent_id, message)


NO_SIZES: dict[str, int] = {}


def begin_message(inputs: dict[str, Any], plain: Begin) -> Begin:
    """The first message of an execution with inputs; `plain` is that of one without."""
    sizes = {name: size for name, value in inputs.items() if (size := size_of(value))} or NO_SIZES
    return Begin(inputs, sizes, plain.timeout, plain.limits)


class Straggler:
    """Wakes when a suspended execution has had its grace, and lets it go as it is."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    @property
    def ended_at(self) -> float | None:
        """When there was nothing left to wait for."""
        return self._execution.ended_at

    def wake(self, _: object) -> None:
        """The grace is over."""
        if self._execution.ended_at is None:
            self._execution.house.suspended(self._execution)
