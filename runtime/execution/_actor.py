"""An execution as an actor: the thin shell around the transition, which performs its effects."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

import msgspec

from ...actors import Dispatcher, Message, Reply, Signal, TurnLoop, Update, Worker
from ..definition import OUT, NodeContext, ProcessDefinition, RoutingMap
from ._attempt import Act, bare_function, compile_acts, completed, failed
from ._effects import (
    Answer,
    CallChild,
    Closing,
    Effects,
    Ended,
    Refuse,
    Stop,
    TellChild,
    WakeAt,
)
from ._log import about, logger
from ._records import Completed, Due, ErrorContext, GraceOver, Interrupted, Outcome, Overdue, Record
from ._sizes import SMALL
from ._state import (
    RUNNING,
    Ending,
    ExecutionState,
    Finished,
    Limits,
    Stopping,
    Token,
)
from ._step import ENDED, Following, step
from ._timing import is_awaited
from ._transition import transition, whole_turn

Bare = Callable[[], Awaitable[object]]

NOTHING: Effects = []


class Job(msgspec.Struct, eq=False):
    """What a worker works on: a token of an execution, and then the token that follows from it."""

    execution: Execution
    token: Token

    def context(self) -> NodeContext:
        """What the node function of the attempt may know."""
        return self.execution.context(self.token)


class Program:
    """A definition ready to run: its routing map and an act for every node."""

    __slots__ = ("acts", "bare", "definition", "routing")

    def __init__(self, definition: ProcessDefinition) -> None:
        self.definition: ProcessDefinition = definition
        self.routing: RoutingMap = RoutingMap(definition)
        self.acts: tuple[Act, ...] = compile_acts(self.routing)
        self.bare: tuple[Bare | None, ...] = tuple(
            bare_function(node) for node in self.routing.nodes
        )


class Alarm(Protocol):
    """Sends messages at a time."""

    def add(self, due: float, execution: Execution, message: Message) -> None:
        """Have an execution woken with `message` at `due` (seconds, the runtime's clock)."""


class House(Protocol):
    """What an execution needs of the runtime it lives in."""

    turns: TurnLoop[Execution]
    dispatcher: Dispatcher[Job]
    limits: Limits
    history_limit: int
    cancel_grace: float
    random: random.Random
    clock: Callable[[], float]
    """The runtime's time, in seconds."""

    @property
    def timers(self) -> Alarm: ...

    def call_child(self, parent: Execution, effect: CallChild) -> None:
        """Begin a child execution."""

    def tell_child(self, parent: Execution, effect: TellChild) -> None:
        """Pass a control message to a child execution."""

    def load_changed(self, execution: Execution, busy: bool) -> None:
        """An execution has become busy, or has nothing but timers and signals left."""

    def ended(self, execution: Execution) -> None:
        """An execution has ended."""

    def too_late(self, ended: Execution, message: Message, reply: Reply[Any] | None) -> None:
        """A message waited for its turn until its execution had ended."""


class Watcher(Protocol):
    """Is told of every record of an execution, and of every token whose attempt starts."""

    def tell(self, execution: Execution, what: Record | Token) -> None:
        """Something happened."""

    def end(self) -> None:
        """The execution has ended."""


class Execution:
    """One execution of a process, as an actor: one object, no task.

    `replies` are the answers owed, by number. `history` alternates times and messages. Its state is
    written by `transition` only.
    """

    __slots__ = (
        "__weakref__", "busy", "ended_at", "history", "house", "incarnation", "parent", "program",
        "replies", "spawned_at", "state", "watchers",
    )  # fmt: skip

    def __init__(
        self, id: str, program: Program, house: House, parent: tuple[str, int] | None = None
    ) -> None:
        self.state: ExecutionState = ExecutionState(id, program.routing, house.limits)
        self.incarnation: int = 1
        self.program: Program = program
        self.house: House = house
        self.parent: tuple[str, int] | None = parent
        self.replies: dict[int, Reply[Any]] | None = None
        self.history: list[Any] = []
        self.watchers: list[Watcher] | None = None
        self.busy: bool = False
        self.spawned_at: float = house.clock()
        self.ended_at: float | None = None

    def __repr__(self) -> str:
        return f"<Execution {self.id!r} {self.state.name} tokens={len(self.state.tokens)}>"

    @property
    def id(self) -> str:
        """Its identity, unique within the runtime."""
        return self.state.id

    def clock(self) -> float:
        """The runtime's time, in seconds."""
        return self.house.clock()

    def grace(self) -> float:
        """Seconds that a cancelled attempt has to clean up."""
        return self.house.cancel_grace

    def context(self, token: Token) -> NodeContext:
        """What the node function of an attempt may know."""
        return NodeContext(
            self.state.id,
            self.incarnation,
            str(self.program.definition),
            token.node.name,
            token.step,
            token.attempt,
            None if token.item is None else token.item.index,
            lambda: isinstance(token.phase, Stopping),
        )

    # Turns

    def wake(self, message: Message) -> None:
        """Take the turn of a timer that has run out, unless nothing would follow from it."""
        if is_awaited(self.state, message):
            self.house.turns.post(self, message)

    def receive(self, message: Message, reply: Reply[Any] | None) -> None:
        """Take one turn: transition, then effects."""
        if self._is_too_late(message):
            if reply is not None:  # else it is the engine's own, of something that is over
                self.house.too_late(self, message, reply)
            return
        self.perform(self.turn(message, 0 if reply is None else self._number(reply)))

    def _is_too_late(self, message: Message) -> bool:
        control = self.state.control
        is_over = isinstance(control, Finished)
        return is_over or (isinstance(control, Ending) and isinstance(message, (Signal, Update)))

    def _number(self, reply: Reply[Any]) -> int:
        if self.replies is None:
            self.replies = {}
        number = next(iter(reversed(self.replies)), 0) + 1
        self.replies[number] = reply
        return number

    def turn(self, message: Message, reply: int = 0) -> Effects:
        """Feed a message to the transition and record it."""
        now = self.house.clock()
        effects = transition(self.state, message, now, reply)
        if message.recorded:
            self.record(now, message)
        return effects

    def record(self, now: float, message: Message) -> None:
        """Keep a message in the history, and tell the watchers."""
        self.history.append(now)
        self.history.append(message)
        if len(self.history) > 2 * self.house.history_limit:
            self.trim_history()
        if self.watchers:
            self.publish(Record(now, message))

    def trim_history(self) -> None:
        """Drop the older half of the history where it is longer than allowed.

        Done now and then, and at the end: a running execution may hold some more.
        """
        limit = 2 * self.house.history_limit
        if len(self.history) > limit:
            del self.history[: len(self.history) - limit // 4 * 2]

    def advance(self, outcome: Message, now: float) -> Token | None:
        """Take a whole turn for an attempt's outcome; the token that its worker may go on with."""
        if isinstance(self.state.control, Finished):
            return None
        try:
            effects = whole_turn(self.state, outcome, now)
            self.record(now, outcome)
        except Exception as error:  # noqa: BLE001 - a supervision boundary, as in the turn loop
            self.crash(error)
            return None
        following = None
        if effects and type(effects[0]) is Token:
            following = cast(Token, effects.pop(0))
        self.house.turns.run(self, self.perform, effects)
        return following

    def rest(self, ended: bool) -> None:
        """A step had no successor: the execution has ended, or goes on elsewhere if at all."""
        if ended:
            self.house.turns.run(self, self.finish, Ended())
        elif not self.state.in_flight:
            self.house.turns.run(self, self.perform, NOTHING)

    def publish(self, event: Record | Token) -> None:
        """Tell the watchers."""
        for watcher in tuple(self.watchers or ()):
            watcher.tell(self, event)

    def watch(self, watcher: Watcher) -> None:
        """Add a watcher."""
        self.watchers = [*(self.watchers or ()), watcher]

    def unwatch(self, watcher: Watcher) -> None:
        """Remove a watcher."""
        self.watchers = [other for other in self.watchers or () if other is not watcher]

    # Effects

    def perform(self, effects: Effects) -> None:
        """Do what a turn asked for, in order."""
        for effect in effects:
            if type(effect) is Token:
                self.house.dispatcher.submit(Job(self, effect))
            else:
                _PERFORM[type(effect)](self, effect)
        self._tell_load()

    def _tell_load(self) -> None:
        busy = bool(self.state.in_flight)
        if busy is not self.busy:
            self.busy = busy
            self.house.load_changed(self, busy)

    def stop(self, effect: Stop) -> None:
        """Cancel the attempt of a token."""
        if effect.token.worker is not None:
            effect.token.worker.stop()

    def set_timer(self, effect: WakeAt) -> None:
        """Set a timer."""
        self.house.timers.add(effect.due, self, Due(effect.step, effect.due))

    def answer(self, effect: Answer) -> None:
        """Answer a message."""
        reply = self.replies.pop(effect.reply, None) if self.replies else None
        if reply is not None:
            reply.answer(effect.value)

    def refuse(self, effect: Refuse) -> None:
        """Fail a message."""
        reply = self.replies.pop(effect.reply, None) if self.replies else None
        if reply is not None:
            reply.fail(effect.error)

    def call_child(self, effect: CallChild) -> None:
        """Begin a child."""
        self.house.call_child(self, effect)

    def tell_child(self, effect: TellChild) -> None:
        """Pass a message on to a child."""
        self.house.tell_child(self, effect)

    def limit_closing(self, effect: Closing) -> None:
        """Set a limit to the clean-up of attempts in flight."""
        self.house.timers.add(self.house.clock() + self.house.cancel_grace, self, GraceOver())

    def finish(self, effect: Ended) -> None:
        """Seal the shell too, and let the runtime know."""
        self.ended_at = self.house.clock()
        self.trim_history()
        for watcher in self.watchers or ():
            watcher.end()
        for token in effect.abandoned:
            logger.warning(
                "attempt %d of node %r ignored its cancellation for %s s and was abandoned",
                token.attempt,
                token.node.name,
                self.house.cancel_grace,
                extra=about(self.id, token.node.name, token.attempt),
            )
        control = self.state.control
        if isinstance(control, Finished) and control.error is not None:
            self._log_failure(control.error)
        self.house.ended(self)

    def _log_failure(self, error: ErrorContext) -> None:
        logger.error(
            "execution %r failed: %s\n%s",
            self.id,
            error,
            error.traceback,
            extra=about(self.id, error.node, error.attempt),
        )

    def crash(self, error: Exception) -> None:
        """A turn raised, which is a fault of the engine: end as failed, stop what runs, say so."""
        logger.error(
            "execution %r: fault in the engine", self.id, exc_info=error, extra=about(self.id)
        )
        if isinstance(self.state.control, Finished):
            return
        fault = ErrorContext("", 0, 0, "EngineFault", repr(error), self.house.clock())
        self.state.control = Finished("failed", f"fault in the engine: {error!r}", fault)
        for token in self.state.tokens.values():
            token.phase = Stopping("drop")
            if token.worker is not None:
                token.worker.stop()
        self.state.tokens.clear()
        self.state.in_flight = 0
        self.finish(Ended())

    def crash_replies(self, error: Exception) -> None:
        """Fail every answer that is still owed."""
        replies, self.replies = self.replies, None
        for reply in (replies or {}).values():
            reply.fail(error)

    # Attempts

    def stopped(self, token: Token) -> None:
        """The attempt of this token has ended because its worker was told to stop."""
        token.worker = None
        self.house.turns.post(self, Interrupted(token.step, token.attempt))


async def run_attempts(worker: Worker[Job], job: Job) -> Job | None:  # noqa: C901 - the path of every node
    """Await the act of a token's node, take the turn of its outcome, go on with one successor.

    The others are queued. The worker returns to the queue when the execution has nothing more for
    it, when its time slice is over, or when it was stopped.
    """
    execution, token = job.execution, job.token
    house, program, state = execution.house, execution.program, execution.state
    history, clock = execution.history, house.clock
    bare, slice_end = program.bare, worker.slice_end
    context, clean = worker.task.context, worker.context
    now = clock()
    while True:
        token.worker = worker
        call = bare[token.node.index]
        if call is None or token.phase is not RUNNING or execution.watchers:
            outcome = await _attempt(execution, token)
        else:
            try:
                value = await call()
                if type(value) in SMALL:
                    outcome = Completed(token.step, token.attempt, OUT, value, 0, now)
                else:
                    outcome = completed(execution, token, value, now)
            except Exception as error:  # noqa: BLE001 - a supervision boundary: failure is a message
                outcome = failed(token, error, clock(), house.random.random())
        now = clock()
        if now >= slice_end:
            worker.is_slice_over = True
            execution.trim_history()
        following: Following | None = None
        if type(outcome) is Completed and not execution.watchers:
            following = step(state, token, outcome)
        if following is None:
            token.worker = None
            following = execution.advance(outcome, now)
            if following is None:
                return None
        else:
            history.append(now)
            history.append(outcome)
            if type(following) is not Token:
                execution.rest(following is ENDED)
                return None
        job.token = token = following
        if worker.stopped or context != clean or worker.is_slice_over:
            return job


async def _attempt(execution: Execution, token: Token) -> Outcome:
    """One attempt with all that may come with it: a timeout, watchers, a stop before the start."""
    house, timeout = execution.house, token.node.spec.timeout
    if token.phase is not RUNNING:
        return Interrupted(token.step, token.attempt)
    if execution.watchers:
        execution.publish(token)
    if timeout is not None:
        overdue = Overdue(token.step, token.attempt, house.random.random())
        house.timers.add(house.clock() + timeout, execution, overdue)
    try:
        return await execution.program.acts[token.node.index](execution, token)
    except Exception as error:  # noqa: BLE001 - a supervision boundary: failure is a message
        return failed(token, error, house.clock(), house.random.random())


_PERFORM: dict[type, Callable[[Execution, Any], None]] = {
    Stop: Execution.stop,
    WakeAt: Execution.set_timer,
    Answer: Execution.answer,
    Refuse: Execution.refuse,
    CallChild: Execution.call_child,
    TellChild: Execution.tell_child,
    Closing: Execution.limit_closing,
    Ended: Execution.finish,
}
