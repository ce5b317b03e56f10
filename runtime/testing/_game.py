"""Executions without an event loop: the transition function, and a scheduler whose choices are drawn.

Nodes are not run: how an attempt comes out, and when, is drawn too. So one game shows one of
all the things that could happen to a process, in microseconds a turn.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import attrs

from ...actors import Cancel, Message, Pause, Resume
from ...supervision import Retry
from ..definition import Process, ProcessDefinition, RoutingMap
from ..execution import (
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
    Ending,
    ExecutionState,
    Finished,
    GraceOver,
    Limits,
    Overdue,
    Paused,
    Pausing,
    Refuse,
    Stop,
    Stopping,
    TellChild,
    Token,
    Waiting,
    WakeAt,
    transition,
)
from ._drawing import is_rare, pick
from ._invariants import check_invariants
from ._messages import draw_control, draw_hazard
from ._outcomes import draw_outcome

LIMITS = Limits(Retry(attempts=1), memory=1_000, kept_signals=2)
GRACE = 3.0


@attrs.define(eq=False)
class GameExecution:
    """One execution of a game. `attempts` are under way, by step; `asked` waits for answers.

    `records` are the messages it took, with the time and the number of the answer: feeding them to
    the transition again gives the same state.
    """

    state: ExecutionState
    definition: ProcessDefinition
    parent: tuple[str, int] | None = None
    attempts: dict[int, Token] = attrs.field(factory=dict)
    asked: dict[int, tuple[Message, Callable[[], None] | None]] = attrs.field(factory=dict)
    records: list[tuple[float, Message, int]] = attrs.field(factory=list)
    told: set[int] = attrs.field(factory=set)
    is_held: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether nothing can happen to it any more."""
        return isinstance(self.state.control, Finished)


class Observer:
    """Looks on at a game; does nothing unless overridden."""

    def before(self, execution: GameExecution, message: Message, now: float) -> None:
        """A turn is about to be taken."""

    def after(
        self, execution: GameExecution, message: Message, now: float, effects: Iterable[Effect]
    ) -> None:
        """A turn has been taken, and its effects are about to be performed."""


Letter = tuple[str, Message, Callable[[], None] | None]


class TokenGame:
    """Runs one execution of a definition, and its children, checking the engine at every turn.

    All that is left to chance is drawn from `random`. Raises `AssertionError` when an invariant of
    the engine is broken.
    """

    def __init__(
        self,
        definition: ProcessDefinition,
        random: Random,
        *,
        observer: Observer | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self.now = 0.0
        self.random = random
        self.turns = 0
        self.executions: dict[str, GameExecution] = {}
        self._observer = observer or Observer()
        self._limits = limits
        self._numbers = itertools.count(1)
        self._letters: deque[Letter] = deque()
        self._timers: list[tuple[float, int, str, Message]] = []
        self.root = self._make("root", definition, None)

    def _make(self, id: str, of: ProcessDefinition, parent: tuple[str, int] | None) -> GameExecution:
        made = GameExecution(ExecutionState(id, RoutingMap(of), self._limits), of, parent)
        self.executions[id] = made
        return made

    # What may happen

    def begin(self) -> None:
        """Admit the execution."""
        self.post("root", Begin({"input": "given"}, {}, self.root.definition.timeout))

    def run(self, turns: int = 60) -> None:
        """Let anything happen, for at least so many turns, or until nothing more can happen."""
        limit = self.turns + turns
        while self.turns < limit and self.can_go_on:
            self.happen()

    def happen(self) -> None:
        """Let one thing happen: an attempt ends, time goes by, or somebody sends a message."""
        what = self.random.randrange(10)
        if what == 9:
            execution = self._anyone()
            self.ask(execution.state.id, draw_control(self.random, execution))
        elif what == 8 and is_rare(self.random, 2):
            execution = self._anyone()
            self.post(execution.state.id, draw_hazard(self.random, execution))
        elif (what >= 6 and self._timers) or not self.land_one():
            self.pass_time()

    def finish(self, turns: int = 300) -> None:
        """Let everything come to its end: no more messages but those that end it.

        Afterwards nothing is left that could be fed to the execution; it has ended, or waits for
        signals only. One that has not ended after so many turns is cancelled.
        """
        limit = self.turns + turns
        while self.can_go_on:
            if self.turns >= limit and not self.root.has_ended:
                limit += turns
                self.ask("root", Cancel("enough"))
            elif self._held() and is_rare(self.random, 2):
                self.ask(self._held()[0].state.id, Resume())
            elif not self.land_one():
                self.pass_time()
        if self._held():
            for execution in self._held():
                assert not isinstance(execution.state.control, Pausing), "it never pauses"
                self.ask(execution.state.id, Resume())
            self.finish(turns)
            return
        self._check_that_it_waits_for_signals_only()

    @property
    def can_go_on(self) -> bool:
        """Whether an attempt is under way or a timer is set."""
        return bool(self._timers) or any(each.attempts for each in self.executions.values())

    def _held(self) -> list[GameExecution]:
        return [
            e for e in self.executions.values() if isinstance(e.state.control, (Paused, Pausing))
        ]

    def _check_that_it_waits_for_signals_only(self) -> None:
        for execution in self.executions.values():
            assert not isinstance(execution.state.control, Ending), "it never ends"
            for token in execution.state.tokens.values():
                waits = isinstance(token.phase, Waiting) and token.phase.due is None
                calls = token.step in {
                    e.parent[1]
                    for e in self.executions.values()
                    if e.parent and e.parent[0] == execution.state.id and not e.has_ended
                }
                assert waits or calls, f"nothing will ever happen to {token}"
            began = execution.state.steps or execution.has_ended
            assert execution.state.tokens or execution.has_ended or not began
            left = [message for message, _ in execution.asked.values()]
            assert not left, f"never answered: {left}"

    def land_one(self) -> bool:
        """Let one of the attempts under way end; false if there is none."""
        open = [(e, token) for e in self.executions.values() for token in e.attempts.values()]
        if not open:
            return False
        execution, token = pick(self.random, open)
        outcome = draw_outcome(self.random, token, self.now)
        del execution.attempts[token.step]
        self.post(execution.state.id, outcome)
        return True

    def pass_time(self) -> bool:
        """Let time go by until the next timer runs out; false if none is set."""
        if not self._timers:
            return False
        due, _, id, message = heapq.heappop(self._timers)
        self.now = max(self.now, due)
        self.post(id, message)
        return True

    def _anyone(self) -> GameExecution:
        return pick(self.random, list(self.executions.values()))

    def ask(self, id: str, message: Message, answered: Callable[[], None] | None = None) -> None:
        """Send a message whose answer somebody waits for."""
        self.post(id, message, answered or _nothing)

    # Turns and effects

    def post(self, id: str, message: Message, answered: Callable[[], None] | None = None) -> None:
        """Have an execution take a message, and everything that follows from it at once."""
        self._letters.append((id, message, answered))
        if len(self._letters) > 1:
            return
        while self._letters:
            self._turn(*self._letters[0])
            self._letters.popleft()

    def _turn(self, id: str, message: Message, answered: Callable[[], None] | None) -> None:
        self.turns += 1
        execution = self.executions[id]
        reply = 0 if answered is None else next(self._numbers)
        if reply:
            execution.asked[reply] = message, answered
        self._observer.before(execution, message, self.now)
        could_start = not execution.is_held or isinstance(message, Resume)
        had_ended = execution.has_ended
        effects = transition(execution.state, message, self.now, reply)
        execution.records.append((self.now, message, reply))
        self._observer.after(execution, message, self.now, effects)
        check_invariants(execution.state)
        for effect in effects:
            assert could_start or not isinstance(effect, Token), f"started while paused: {effect}"
            assert not had_ended or isinstance(effect, (Answer, Refuse)), f"after the end: {effect}"
            _PERFORM[type(effect)](self, execution, effect)
        execution.is_held = isinstance(execution.state.control, Paused)
        self._check_stops(execution)
        self._check_timers(execution)

    def _check_stops(self, execution: GameExecution) -> None:
        for step, token in execution.attempts.items():
            told = step in execution.told or not isinstance(token.phase, Stopping)
            assert told, f"nobody told {token} to stop"

    def _check_timers(self, execution: GameExecution) -> None:
        if not isinstance(execution.state.control, Active):
            return
        state = execution.state
        armed = {
            (m.step, m.due) for _, _, id, m in self._timers if id == state.id and isinstance(m, Due)
        }
        needed = {
            (token.step, getattr(token.phase, "due", None)) for token in state.tokens.values()
        }
        needed.add((0, state.deadline))
        lacking = {timer for timer in needed - armed if timer[1] is not None}
        assert not lacking, f"no timer is set for {lacking}"

    def _start(self, execution: GameExecution, token: Token) -> None:
        assert token.step not in execution.attempts, f"started twice: {token}"
        execution.attempts[token.step] = token
        execution.told.discard(token.step)
        timeout = token.node.spec.timeout
        if timeout is not None:
            overdue = Overdue(token.step, token.attempt, 0.5)
            self._set_timer(self.now + timeout, execution, overdue)

    def _stop(self, execution: GameExecution, effect: Stop) -> None:
        assert effect.token.step in execution.attempts, f"stopped, but not under way: {effect}"
        execution.told.add(effect.token.step)

    def _set_timer(self, due: float, execution: GameExecution, message: Message) -> None:
        assert due >= self.now or isinstance(message, Due), f"{message} was due at {due}"
        heapq.heappush(self._timers, (due, next(self._numbers), execution.state.id, message))

    def _wake_at(self, execution: GameExecution, effect: WakeAt) -> None:
        self._set_timer(effect.due, execution, Due(effect.step, effect.due))

    def _closing(self, execution: GameExecution, effect: Closing) -> None:
        self._set_timer(self.now + GRACE, execution, GraceOver())

    def _answer(self, execution: GameExecution, effect: Answer | Refuse) -> None:
        if effect.reply:
            message, answered = execution.asked.pop(effect.reply)
            if isinstance(effect, Answer) and isinstance(message, Pause):
                assert effect.value in ("paused", *_END), f"a pause was answered {effect.value}"
            if answered is not None:
                answered()

    def _call_child(self, execution: GameExecution, effect: CallChild) -> None:
        parent = execution.state.id, effect.step
        kind = execution.state.tokens[effect.step].node.spec.kind
        assert isinstance(kind, Process)
        self._make(effect.child, kind.definition, parent)
        self.post(effect.child, Begin({}, {}, kind.definition.timeout))

    def _tell_child(self, execution: GameExecution, effect: TellChild) -> None:
        child = self.executions[effect.child]
        if child.has_ended:
            return
        if isinstance(effect.message, Pause):
            paused = ChildPaused(effect.step)
            answered = _posting(self, execution.state.id, paused)
            self.post(effect.child, effect.message, answered)
        else:
            self.post(effect.child, effect.message)

    def _ended(self, execution: GameExecution, effect: Ended) -> None:
        control = execution.state.control
        assert isinstance(control, Finished)
        left = [message for message, _ in execution.asked.values()]
        assert not left, f"never answered: {left}"
        for token in effect.abandoned:
            execution.attempts.pop(token.step, None)
        if execution.parent is not None:
            id, step = execution.parent
            ended = ChildEnded(
                step, execution.state.id, control.state, dict(execution.state.memory), control.error
            )
            self.post(id, ended)


_END = ("completed", "failed", "cancelled", "timed_out")


def _nothing() -> None:
    pass


def _posting(game: TokenGame, id: str, message: Message) -> Callable[[], None]:
    return lambda: game.post(id, message)


_PERFORM: dict[type, Callable[[TokenGame, GameExecution, Any], None]] = {
    Token: TokenGame._start,
    Stop: TokenGame._stop,
    WakeAt: TokenGame._wake_at,
    Closing: TokenGame._closing,
    Answer: TokenGame._answer,
    Refuse: TokenGame._answer,
    CallChild: TokenGame._call_child,
    TellChild: TokenGame._tell_child,
    Ended: TokenGame._ended,
}
