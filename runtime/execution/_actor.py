"""An execution as an actor: the thin shell around the transition, which performs its effects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec

from ...actors import ActorGone, Message, Reply, Signal, Update
from ...supervision import NOT_CALM, Permit
from ..definition import NodeContext
from ._effects import (
    Answer,
    CallChild,
    Closing,
    Effects,
    Ended,
    Hold,
    Refuse,
    Stop,
    TellChild,
    TooLate,
    WakeAt,
)
from ._house import House, Ledger, NodeGroup, Telling, Watcher
from ._log import about, logger
from ._notes import whole
from ._patience import Patience
from ._program import Program
from ._records import Begin, Due, ErrorContext, Failed, GraceOver, Held, Interrupted, Record
from ._recovery import replay, restored, told_child
from ._state import (
    ACTIVE,
    BackingOff,
    Calling,
    Ending,
    ExecutionState,
    Finished,
    State,
    Stopping,
    Token,
)
from ._step import ENDED as ENDS
from ._step import Following, begin
from ._timing import is_awaited
from ._transition import transition, whole_turn

NOTHING: Effects = []
ENDED = Ended()
OVER = (Ending, Finished)


class Job(msgspec.Struct, eq=False, gc=False):
    """What a worker works on: a token of an execution, and then the token that follows from it.

    Until a worker has it, the job is what the token's `worker` says: it waits in `group`, or is
    parked there. `permit` is the group's leave for the attempt, or else `calm` says how calm its
    gate was. It began at `started` (seconds, the runtime's clock). It `is_returning` once it was
    parked and let go.
    """

    execution: Execution
    token: Token
    group: NodeGroup
    permit: Permit | None = None
    calm: int = NOT_CALM
    started: float = 0.0
    is_parked: bool = False
    is_returning: bool = False
    is_withdrawn: bool = False

    def context(self) -> NodeContext:
        """What the node function of the attempt may know."""
        return self.execution.context(self.token)

    def stop(self) -> None:
        """Take the attempt back before it has begun, as its token was told to stop."""
        self._withdraw(Interrupted(self.token.step, self.token.attempt))

    def hold(self) -> None:
        """Take the attempt back before it has begun, to be started again after a pause."""
        self._withdraw(Held(self.token.step, self.token.attempt))

    def _withdraw(self, message: Message) -> None:
        self.is_withdrawn = True
        self.token.worker = None
        self.group.withdrawn(self)
        self.execution.house.turns.post(self.execution, message)


class Execution:
    """One execution of a process, as an actor: one object, no task.

    `replies` are the answers owed, by number. `notes` are its history as `_notes` has it. Its
    state is written by `transition`, `step` and `walk` only. `untouched` is set by a worker and
    cleared (`touch`) by every turn and by a new watcher: while it holds, a walk is under way and
    nobody else has looked at it.
    While `in_turn`, the state may be half of what it is to become.
    `parked` counts its attempts that a group has parked, `restarts` are times of its crashes.
    `ledger` has its turns stored, None if they are not; once it `is_suspended` it begins nothing.
    """

    __slots__ = (
        "__weakref__", "busy", "ended_at", "house", "in_turn", "incarnation", "is_suspended",
        "ledger", "notes", "parent", "parked", "program", "replies", "restarts",
        "spawned_at", "state", "untouched", "watchers",
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
        self.restarts: tuple[float, ...] = ()
        self.notes: list[Any] = []
        self.watchers: list[Watcher] | None = None
        self.busy: bool = False
        self.parked: int = 0
        self.untouched: bool = False
        self.in_turn: bool = False
        self.ledger: Ledger | None = None
        self.is_suspended: bool = False
        time = house.time
        self.spawned_at: float = time.ticks() + time.epoch
        self.ended_at: float | None = None

    def __repr__(self) -> str:
        return f"<Execution {self.id!r} {self.state.name} tokens={len(self.state.tokens)}>"

    @property
    def id(self) -> str:
        """Its identity, unique within the runtime."""
        return self.state.id

    @property
    def shown_state(self) -> State:
        """The state's public name: with attempts parked and none going on, it waits."""
        state = self.state
        if self.ended_at is None and isinstance(state.control, Finished):
            return "running"  # until that is on disk
        only_parked = self.parked and self.parked == state.in_flight and not state.calls
        return "waiting" if only_parked and state.control is ACTIVE else state.name

    @property
    def history(self) -> list[Any]:
        """Times and messages by turns, oldest first; not for other threads."""
        return whole(self.notes)

    def clock(self) -> float:
        """The runtime's time, in seconds."""
        return self.house.clock()

    def grace(self) -> float:
        """Seconds that a cancelled attempt has to clean up."""
        return self.house.cancel_grace

    def admits_hedge(self, token: Token) -> bool:
        """Whether the guards of a token's group allow one more call beside those of its attempt."""
        group = self.program.groups[token.node.index]
        gate = None if group is None else group.gate
        return gate is None or gate.admits_hedge(self.clock())

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

    def begin(self, message: Begin) -> None:
        """Take the first turn."""
        now, ledger = self.spawned_at, self.ledger
        is_written = ledger is None or ledger.take(message, now, None) is not None
        token = begin(self.state, message, now) if is_written else None
        if token is None:
            self.house.turns.post(self, message)
            return
        self.notes += (now, message)
        deadline = self.state.deadline
        if ledger is not None:
            timer = [] if deadline is None else [WakeAt(deadline, 0)]
            ledger.add(message, now, [*timer, token], None)
            return
        if deadline is not None:
            self.house.timers.add(deadline, self, None)
        self.start(token)

    def wake(self, message: Message | float) -> None:
        """Take the turn of a timer that has run out, unless nothing would follow from it.

        A time is that of the execution's own timeout.
        """
        if not isinstance(message, Message):
            message = Due(0, message)
        if is_awaited(self.state, message):
            self.house.turns.post(self, message)

    def receive(self, message: Message, reply: Reply[Any] | None) -> None:
        """Take one turn: transition, then effects. In a life that is over, nothing follows."""
        if self.ledger is not None and self.ledger.is_closed:
            if reply is not None:
                reply.fail(ActorGone(self.id, "this life of it is over"))
        elif isinstance(self.state.control, OVER) and self._is_too_late(message):
            if reply is not None:  # else it is the engine's own, of something that is over
                self.follow([TooLate(message, reply)])
        elif self.ledger is not None:
            self._receive_stored(self.ledger, message, reply)
        else:
            number = 0 if reply is None else self._number(reply)
            self.perform(self.turn(message, self.house.clock(), number))

    def _receive_stored(self, ledger: Ledger, message: Message, reply: Reply[Any] | None) -> None:
        """Take one turn and have it stored; what it asks for is done when the ledger says so."""
        if self.is_suspended and isinstance(message, _OF_STOPPED):
            self._look_whether_still()
            return
        now = self.house.clock()
        taken = ledger.take(message, now, reply)
        if taken is not None:
            number = 0 if reply is None else self._number(reply)
            ledger.add(taken, now, self.turn(taken, now, number), reply)

    def follow(self, effects: Effects) -> None:
        """Do something after all that the turns so far have asked for."""
        if self.ledger is None:
            self.perform(effects)
        else:
            self.ledger.then(effects)

    def _is_too_late(self, message: Message) -> bool:
        is_ending = isinstance(self.state.control, Ending)
        return not is_ending or isinstance(message, (Signal, Update))

    def _number(self, reply: Reply[Any]) -> int:
        if self.replies is None:
            self.replies = {}
        number = next(iter(reversed(self.replies)), 0) + 1
        self.replies[number] = reply
        return number

    def touch(self) -> None:
        """Have a walk end after its present node; what it has put off is done now."""
        if self.untouched:
            self.untouched = False
            state = self.state
            [(first, token)] = state.tokens.items()
            if token.step != first:
                del state.tokens[first]
                state.tokens[token.step] = token
                state.steps = token.step

    def turn(self, message: Message, now: float, reply: int = 0) -> Effects:
        """Feed a message to the transition and record it."""
        self.touch()
        self.in_turn = True
        if isinstance(message, _MAY_FAIL):
            effects = self._counted(message, transition, now)
        else:
            effects = transition(self.state, message, now, reply)
        self.in_turn = False
        if message.recorded:
            self.record(now, message)
        return effects

    def record(self, now: float, message: Message) -> None:
        """Keep a message in the history, and tell the watchers."""
        self.notes += (now, message)
        if len(self.notes) > 2 * self.house.history_limit:
            self.trim_history()
        if self.watchers and (self.ledger is None or not self.ledger.waits):
            self.publish(Record(now, message))

    def trim_history(self) -> bool:
        """Drop the older half of the history where it is longer than allowed.

        Done now and then, and at the end: a running execution may hold some more. Tells whether a
        walk may go on: not if what is dropped had to be stored before.
        """
        limit = 2 * self.house.history_limit
        if len(self.notes) > limit:
            count = len(self.notes) - limit // 4 * 2
            if self.ledger is not None:
                self.ledger.trims(count)
            del self.history[:count]
        return self.untouched

    def _counted(
        self,
        outcome: Failed | Interrupted,
        turn: Callable[[ExecutionState, Message, float], Effects],
        now: float,
    ) -> Effects:
        """Take a turn for an attempt that may have failed, and count that if the token says so."""
        token = self.state.tokens.get(outcome.step)
        if token is None:
            return turn(self.state, outcome, now)
        failures, counts = token.failures, self.house.attempts
        effects = turn(self.state, outcome, now)
        if token.failures > failures:
            counts.failed += 1
            counts.retried += type(token.phase) is BackingOff
        return effects

    def advance(self, outcome: Message, now: float) -> Token | None:
        """Take a whole turn for an attempt's outcome; the token that its worker may go on with."""
        self.touch()
        if isinstance(self.state.control, Finished):
            return None
        self.in_turn = True
        try:
            if type(outcome) is Failed:
                effects = self._counted(outcome, whole_turn, now)
            else:
                effects = whole_turn(self.state, outcome, now)
            self.in_turn = False
            self.record(now, outcome)
        except Exception as error:  # noqa: BLE001 - a supervision boundary, as in the turn loop
            self.crash(error)
            return None
        following = None
        if effects and type(effects[0]) is Token:
            following = cast(Token, effects.pop(0))
        self.house.turns.run(self, self.perform, effects)
        return following if self.ended_at is None else None  # that may have crashed it

    def effects_of(self, following: Following) -> Effects:
        """What the short path says that follows, as effects."""
        if type(following) is Token:
            return [following]
        if type(following) is list:
            return [*following]
        return [ENDED] if following is ENDS else []

    def follow_up(self, following: Following) -> None:
        """Do what the short path says that follows, as part of a turn."""
        self.perform(self.effects_of(following))

    def rest(self, *, ended: bool) -> None:
        """A step had no successor: the execution has ended, or goes on elsewhere if at all."""
        if ended:
            self.house.turns.run(self, self.finish, ENDED)
        elif not self.state.in_flight:
            self.house.turns.run(self, self.perform, NOTHING)

    def publish(self, event: Record | Token) -> None:
        """Tell the watchers."""
        for tell in self.noted(event):
            tell()

    def noted(self, event: Record | Token) -> list[Telling]:
        """Let the watchers look at what happens now; what is returned tells them of it."""
        return [watcher.note(self, event) for watcher in tuple(self.watchers or ())]

    def watch(self, watcher: Watcher) -> None:
        """Add a watcher."""
        self.touch()
        self.watchers = [*(self.watchers or ()), watcher]

    def unwatch(self, watcher: Watcher) -> None:
        """Remove a watcher."""
        self.watchers = [other for other in self.watchers or () if other is not watcher]

    # Effects

    def perform(self, effects: Effects) -> None:
        """Do what a turn asked for, in order."""
        if self.is_suspended:
            effects = [effect for effect in effects if isinstance(effect, _OF_SUSPENDED)]
        for effect in effects:
            if type(effect) is Token:
                self.start(effect)
            else:
                _PERFORM[type(effect)](self, effect)
        self.tell_load()
        if self.is_suspended:
            self._look_whether_still()

    def start(self, token: Token) -> None:
        """Have the attempt of a token made by its group."""
        program = self.program
        group = program.groups[token.node.index] or program.default_group
        token.worker = job = Job(self, token, group)
        group.submit(job)

    def start_all(self, tokens: list[Token]) -> None:
        """As `start`, of several."""
        program = self.program
        groups, default_group = program.groups, program.default_group
        for token in tokens:
            group = groups[token.node.index] or default_group
            token.worker = job = Job(self, token, group)
            group.submit(job)

    def tell_load(self) -> None:
        """Let the runtime know whether the execution is busy or only waits."""
        busy = self.state.in_flight > self.parked
        if busy is not self.busy:
            self.busy = busy
            self.house.load_changed(self, busy)

    def stop(self, effect: Stop) -> None:
        """Cancel the attempt of a token."""
        token, house = effect.token, self.house
        if token.worker is not None:
            token.worker.stop()
        if token.worker is not None:  # it has begun, and may take its time
            house.timers.add(house.clock() + house.cancel_grace, Patience(self, token), None)

    def hold(self, effect: Hold) -> None:
        """Take back the attempts that wait for a worker, or are parked."""
        for token in tuple(self.state.tokens.values()):
            if type(token.worker) is Job:
                token.worker.hold()

    def set_timer(self, effect: WakeAt) -> None:
        """Set a timer."""
        message = Due(effect.step, effect.due) if effect.step else None
        self.house.timers.add(effect.due, self, message)

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

    def tell_too_late(self, effect: TooLate) -> None:
        """A message came after the end."""
        self.house.too_late(self, effect.message, effect.reply)

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
        house = self.house
        self.ended_at = house.time.ticks() + house.time.epoch
        if len(self.notes) > 2 * house.history_limit:
            self.trim_history()
        if self.ledger is not None:
            self.ledger.flush()
        if self.watchers:
            for watcher in self.watchers:
                watcher.end()
        if effect.abandoned:
            self._warn_of(effect.abandoned)
        state, control = self.state, self.state.control
        assert type(control) is Finished
        if control.error is not None:
            self._log_failure(control.error)
        self.program.counts.ended(control.state, state.steps, self.ended_at - self.spawned_at)
        house.ended(self)

    def _warn_of(self, abandoned: tuple[Token, ...]) -> None:
        for token in abandoned:
            if type(token.worker) is Job:
                token.worker.stop()  # it has not even begun
                continue
            logger.warning(
                "attempt %d of node %r ignored its cancellation for %s s and was abandoned",
                token.attempt,
                token.node.name,
                self.house.cancel_grace,
                extra=about(self.id, token.node.name, token.attempt),
            )

    def _log_failure(self, error: ErrorContext) -> None:
        logger.error(
            "execution %r failed: %s\n%s",
            self.id,
            error,
            error.traceback,
            extra=about(self.id, error.node, error.attempt),
        )

    # Crashes

    def crash(self, error: Exception) -> None:
        """A turn raised, which is a fault of the engine: this life is over, all it does is stopped.

        The runtime decides whether there is another.
        """
        logger.error(
            "execution %r: fault in the engine", self.id, exc_info=error, extra=about(self.id)
        )
        if isinstance(self.state.control, Finished) and not self.in_turn and self.ledger is None:
            self._end_all_the_same()
            return
        self._abandon()
        self.house.crashed(self, error)

    def _end_all_the_same(self) -> None:
        """The end was decided before the fault; let it be known."""
        if self.ended_at is None:
            self.crash_replies(ActorGone(self.id, "it has ended"))
            self.finish(ENDED)

    def _abandon(self) -> None:
        """Let nothing that is under way for this life have any effect."""
        self.touch()
        self.ended_at = self.house.clock()
        if self.ledger is not None:
            self.ledger.close()
        self.state.control = Finished("failed", "it crashed", None)
        for token in self.state.tokens.values():
            token.phase = Stopping("drop")
            if token.worker is not None:
                token.worker.stop()
        self.state.tokens.clear()
        self.state.in_flight = 0
        for group in self.program.all_groups():
            group.stop_all(self)
        self.crash_replies(ActorGone(self.id, "it crashed"))

    def fail(self, error: Exception) -> None:
        """There is no other life after a crash: end as failed."""
        fault = ErrorContext("", 0, 0, "EngineFault", repr(error), self.house.clock())
        self.state.control = Finished("failed", f"fault in the engine: {error!r}", fault)
        self.finish(ENDED)

    def reborn(self, restarts: tuple[float, ...]) -> Execution | None:
        """The next life of a crashed execution, from its history; None if that is not whole."""
        history = self.history
        if not history or not isinstance(history[1], Begin):
            return None
        new = Execution(self.id, self.program, self.house, self.parent)
        records = zip(history[::2], history[1::2], strict=True)
        new.state = replay(self.id, self.program.routing, self.house.limits, records)
        new.notes, new.watchers, new.restarts = list(history), self.watchers, restarts
        new.incarnation, new.spawned_at = self.incarnation + 1, self.spawned_at
        new.busy, self.busy, self.watchers = self.busy, False, None
        return new

    def revive(self, lost: list[Interrupted]) -> None:
        """Set going again what the state of this new life took for granted when it began.

        `lost` tells of the attempts that were under way then; others may have begun since.
        """
        logger.warning(
            "execution %r was restarted, incarnation %d",
            self.id,
            self.incarnation,
            extra=about(self.id),
        )
        self.house.turns.run(self, self.perform, restored(self.state))
        for message in lost:
            self.house.turns.post(self, message)
        if self.parent is not None:
            self.house.tell_child_again(self.parent)

    def tell_child_again(self, step: int) -> None:
        """Repeat what the child of a step has been told: it has crashed, and may not know."""
        token = self.state.tokens.get(step)
        if token is not None and isinstance(token.phase, Calling):
            told = told_child(self.state, token, token.phase)
            self.house.turns.run(self, self.perform, told)

    def crash_replies(self, error: Exception) -> None:
        """Fail every answer that is still owed."""
        replies, self.replies = self.replies, None
        for reply in (replies or {}).values():
            reply.fail(error)

    # Suspension

    def suspend(self) -> None:
        """Stop what runs and decide nothing: it goes on in another life, from what is stored.

        What its attempts still bring about is recorded. The runtime is told when all is still.
        """
        self.is_suspended = True
        for token in tuple(self.state.tokens.values()):
            if token.worker is not None:
                token.worker.stop()
        self._look_whether_still()

    def _look_whether_still(self) -> None:
        if self.is_still and self.ended_at is None:
            self.house.suspended(self)

    @property
    def is_still(self) -> bool:
        """Whether nothing of it runs, and nothing is on its way to the disk."""
        settled = self.ledger is None or self.ledger.is_settled
        return settled and all(token.worker is None for token in self.state.tokens.values())

    def leave(self) -> None:
        """Its life in memory is over; that in the store goes on."""
        self.ended_at = self.house.clock()
        if self.ledger is not None:
            self.ledger.flush()
            self.ledger.close()
        for watcher in self.watchers or ():
            watcher.end()

    # Attempts

    def landed(self, token: Token, outcome: Message) -> None:
        """The attempt of this token has ended, and its worker will not go on from there."""
        token.worker = None
        self.house.turns.post(self, outcome)


_MAY_FAIL = (Failed, Interrupted)
_OF_STOPPED = (Interrupted, Held)
_OF_SUSPENDED = (Answer, Refuse, TooLate, Ended)

_PERFORM: dict[type, Callable[[Execution, Any], None]] = {
    Stop: Execution.stop,
    Hold: Execution.hold,
    WakeAt: Execution.set_timer,
    Answer: Execution.answer,
    Refuse: Execution.refuse,
    CallChild: Execution.call_child,
    TellChild: Execution.tell_child,
    Closing: Execution.limit_closing,
    TooLate: Execution.tell_too_late,
    Ended: Execution.finish,
}
