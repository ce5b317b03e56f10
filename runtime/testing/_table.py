"""Executions without an event loop: turns are taken, effects performed, the engine is checked.

A table decides nothing: which message comes next is up to whoever plays on it.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from ...actors import Message, Pause, Resume
from ...supervision import Retry
from ..definition import Process, ProcessDefinition, RoutingMap
from ..execution import (
    END_STATES,
    Active,
    Answer,
    Begin,
    CallChild,
    ChildEnded,
    ChildPaused,
    Closing,
    Due,
    Effect,
    Ended,
    ExecutionState,
    Finished,
    GraceOver,
    Hold,
    Limits,
    Overdue,
    Paused,
    Refuse,
    Stop,
    Stopping,
    TellChild,
    Token,
    WakeAt,
    transition,
)
from ._invariants import check_invariants

LIMITS = Limits(Retry(attempts=1), memory=1_000, kept_signals=2)
GRACE = 3.0

Answered = Callable[[object], None]
Asked = tuple[Message, Answered]
TakenMessage = tuple[float, Message, int]


@attrs.define(eq=False)
class TableExecution:
    """One execution on a table. `attempts` are under way, by step; `told` are those told to stop.

    `asked` are the messages that wait for an answer. `records` are all it took, with the time and
    the number of the answer: feeding them to the transition again gives the same state.
    """

    state: ExecutionState
    definition: ProcessDefinition
    parent: tuple[str, int] | None = None
    attempts: dict[int, Token] = attrs.field(factory=dict[int, Token])
    told: set[int] = attrs.field(factory=set[int])
    asked: dict[int, Asked] = attrs.field(factory=dict[int, Asked])
    records: list[TakenMessage] = attrs.field(factory=list[TakenMessage])

    @property
    def has_ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return isinstance(self.state.control, Finished)

    @property
    def is_paused(self) -> bool:
        """Whether nothing may start."""
        return isinstance(self.state.control, Paused)


class Observer:
    """Looks on at what happens on a table; does nothing unless overridden."""

    def before(self, execution: TableExecution, message: Message, now: float) -> None:
        """A turn is about to be taken."""

    def after(
        self, execution: TableExecution, message: Message, now: float, effects: Iterable[Effect]
    ) -> None:
        """A turn has been taken, and its effects are about to be performed."""


Letter = tuple[str, Message, Answered | None]


class Table:
    """An execution of a definition, and the children it calls.

    Every turn checks the engine's invariants; `AssertionError` tells which was broken. `now` is in
    seconds.
    """

    def __init__(
        self,
        definition: ProcessDefinition,
        *,
        observer: Observer | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self.now: float = 0.0
        self.turns: int = 0
        self.executions: dict[str, TableExecution] = {}
        self._observer = observer or Observer()
        self._limits = limits
        self._numbers = itertools.count(1)
        self._letters: deque[Letter] = deque()
        self._timers: list[tuple[float, int, str, Message]] = []
        self._perform: dict[type, Callable[[TableExecution, Any], None]] = {
            Token: self._start,
            Stop: self._stop,
            Hold: _nothing,
            WakeAt: self._wake_at,
            Closing: self._closing,
            Answer: self._answer,
            Refuse: self._answer,
            CallChild: self._call_child,
            TellChild: self._tell_child,
            Ended: self._ended,
        }
        self.root: TableExecution = self._lay("root", definition, None)

    def _lay(
        self, id: str, definition: ProcessDefinition, parent: tuple[str, int] | None
    ) -> TableExecution:
        state = ExecutionState(id, RoutingMap(definition), self._limits)
        execution = self.executions[id] = TableExecution(state, definition, parent)
        return execution

    def begin(self) -> None:
        """Admit the execution."""
        self.post("root", Begin({"input": "given"}, {}, self.root.definition.timeout))

    def post(self, id: str, message: Message, answered: Answered | None = None) -> None:
        """Have an execution take a message, and everything that follows from it at once.

        `answered` is called with the answer, or with the exception in its place.
        """
        self._letters.append((id, message, answered))
        if len(self._letters) > 1:
            return
        while self._letters:
            self._turn(*self._letters[0])
            self._letters.popleft()

    def outcome(self, execution: TableExecution, message: Message) -> None:
        """Let an attempt end: `message` is its outcome."""
        execution.attempts.pop(getattr(message, "step"))  # noqa: B009 - all outcomes have one
        self.post(execution.state.id, message)

    @property
    def next_due(self) -> float:
        """When the next timer runs out; infinity if none is set."""
        return self._timers[0][0] if self._timers else math.inf

    def pass_time(self) -> bool:
        """Let time go by until the next timer runs out; false if none is set."""
        if not self._timers:
            return False
        due, _, id, message = heapq.heappop(self._timers)
        self.now = max(self.now, due)
        self.post(id, message)
        return True

    # Turns

    def _turn(self, id: str, message: Message, answered: Answered | None) -> None:
        self.turns += 1
        execution = self.executions[id]
        reply = 0 if answered is None else next(self._numbers)
        if answered is not None:
            execution.asked[reply] = message, answered
        may_start = not execution.is_paused or isinstance(message, Resume)
        had_ended = execution.has_ended
        self._observer.before(execution, message, self.now)
        effects = transition(execution.state, message, self.now, reply)
        execution.records.append((self.now, message, reply))
        self._observer.after(execution, message, self.now, effects)
        check_invariants(execution.state)
        for effect in effects:
            assert may_start or not isinstance(effect, Token), f"started while paused: {effect}"
            assert not had_ended or isinstance(effect, (Answer, Refuse)), f"after the end: {effect}"
            self._perform[type(effect)](execution, effect)
        self._check_stops(execution)
        self._check_timers(execution)

    def _check_stops(self, execution: TableExecution) -> None:
        for step, token in execution.attempts.items():
            told = step in execution.told or not isinstance(token.phase, Stopping)
            assert told, f"nobody told {token} to stop"

    def _check_timers(self, execution: TableExecution) -> None:
        state = execution.state
        if not isinstance(state.control, Active):
            return
        set_for = {
            (message.step, message.due)
            for _, _, id, message in self._timers
            if id == state.id and isinstance(message, Due)
        }
        needed = {(step, getattr(token.phase, "due", None)) for step, token in state.tokens.items()}
        needed.add((0, state.deadline))
        lacking = {timer for timer in needed - set_for if timer[1] is not None}
        assert not lacking, f"no timer is set for {lacking}"

    # Effects

    def _start(self, execution: TableExecution, token: Token) -> None:
        assert token.step not in execution.attempts, f"started twice: {token}"
        execution.attempts[token.step] = token
        execution.told.discard(token.step)
        timeout = token.node.spec.timeout
        if timeout is not None:
            overdue = Overdue(token.step, token.attempt, 0.5)
            self._set_timer(self.now + timeout, execution, overdue)

    def _stop(self, execution: TableExecution, effect: Stop) -> None:
        assert effect.token.step in execution.attempts, f"stopped, but not under way: {effect}"
        execution.told.add(effect.token.step)

    def _set_timer(self, due: float, execution: TableExecution, message: Message) -> None:
        heapq.heappush(self._timers, (due, next(self._numbers), execution.state.id, message))

    def _wake_at(self, execution: TableExecution, effect: WakeAt) -> None:
        self._set_timer(effect.due, execution, Due(effect.step, effect.due))

    def _closing(self, execution: TableExecution, effect: Closing) -> None:
        self._set_timer(self.now + GRACE, execution, GraceOver())

    def _answer(self, execution: TableExecution, effect: Answer | Refuse) -> None:
        if not effect.reply:
            return
        message, answered = execution.asked.pop(effect.reply)
        answer = effect.value if isinstance(effect, Answer) else effect.error
        if isinstance(message, Pause):
            assert answer in ("paused", *END_STATES), f"a pause was answered {answer}"
        answered(answer)

    def _call_child(self, execution: TableExecution, effect: CallChild) -> None:
        kind = execution.state.tokens[effect.step].node.spec.kind
        assert isinstance(kind, Process)
        self._lay(effect.child, kind.definition, (execution.state.id, effect.step))
        self.post(effect.child, Begin({}, {}, kind.definition.timeout))

    def _tell_child(self, execution: TableExecution, effect: TellChild) -> None:
        if self.executions[effect.child].has_ended:
            return
        answered: Answered | None = None
        if isinstance(effect.message, Pause):
            answered = self._posting(execution.state.id, ChildPaused(effect.step))
        self.post(effect.child, effect.message, answered)

    def _posting(self, id: str, message: Message) -> Answered:
        return lambda _: self.post(id, message)

    def _ended(self, execution: TableExecution, effect: Ended) -> None:
        state = execution.state
        assert isinstance(state.control, Finished)
        left = [message for message, _ in execution.asked.values()]
        assert not left, f"never answered: {left}"
        for token in effect.abandoned:
            execution.attempts.pop(token.step, None)
        if execution.parent is not None:
            id, step = execution.parent
            end, error = state.control.state, state.control.error
            self.post(id, ChildEnded(step, state.id, end, dict(state.memory), error))


def _nothing(execution: TableExecution, effect: Hold) -> None:
    """At the table an attempt may be held at any time, see `draw_outcome`."""
