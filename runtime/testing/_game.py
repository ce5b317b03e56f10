"""The token game: whatever could happen to a process, played by chance and without an event loop.

Nodes are not run: how an attempt comes out, and when, is drawn. So one game shows one of all the
things that could happen, in microseconds a turn.
"""

from __future__ import annotations

import math
from random import Random

from ...actors import Cancel, Message, Resume
from ..definition import ProcessDefinition
from ..execution import Ending, Limits, Paused, Pausing, Token, Waiting
from ._drawing import is_rare, pick
from ._messages import draw_control, draw_hazard
from ._outcomes import draw_outcome
from ._table import LIMITS, Observer, Table, TableExecution


class TokenGame(Table):
    """Plays one execution of a definition, and its children, by choices drawn from `random`.

    Raises `AssertionError` when an invariant of the engine is broken.
    """

    def __init__(
        self,
        definition: ProcessDefinition,
        random: Random,
        *,
        observer: Observer | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        super().__init__(definition, observer=observer, limits=limits)
        self._random = random

    def play(self, turns: int = 60) -> None:
        """Begin, let anything happen for about so many turns, then let it come to its end."""
        self.begin()
        self.happen(turns)
        self.finish()

    def happen(self, turns: int) -> None:
        """Let anything happen for at least so many turns, or until nothing more can."""
        limit = self.turns + turns
        while self.turns < limit and self.can_go_on:
            self._happen_once()

    def _happen_once(self) -> None:
        what = self._random.randrange(10)
        if what == 9:
            execution = self._anyone()
            self.ask(execution, draw_control(self._random, execution))
        elif what == 8 and is_rare(self._random, 2):
            execution = self._anyone()
            self.post(execution.state.id, draw_hazard(self._random, execution))
        elif what < 7:
            _ = self.land_one() or self.pass_time()
        else:
            _ = self.pass_time() or self.land_one()

    def _anyone(self) -> TableExecution:
        return pick(self._random, list(self.executions.values()))

    def finish(self, turns: int = 300) -> None:
        """Let everything come to its end: no more messages but those that resume what is paused.

        Afterwards nothing is left that could be fed to the execution; it has ended, or waits for
        signals only. One that has not ended after so many turns is cancelled.
        """
        limit = self.turns + turns
        while self.can_go_on or self._held():
            if self.turns >= limit and not self.root.has_ended:
                limit += turns
                self.ask(self.root, Cancel("enough"))
            elif self._held() and (not self.can_go_on or is_rare(self._random, 2)):
                self._resume(self._held()[0])
            elif not self.land_one():
                self.pass_time()
        for execution in self.executions.values():
            self._check_that_it_waits_for_signals_only(execution)

    @property
    def can_go_on(self) -> bool:
        """Whether an attempt is under way or a timer is set."""
        return self.next_due < math.inf or any(each.attempts for each in self.executions.values())

    def _held(self) -> list[TableExecution]:
        held = (Paused, Pausing)
        return [each for each in self.executions.values() if isinstance(each.state.control, held)]

    def _resume(self, execution: TableExecution) -> None:
        assert self.can_go_on or execution.is_paused, "it never pauses"
        self.ask(execution, Resume())

    def _check_that_it_waits_for_signals_only(self, execution: TableExecution) -> None:
        left = [message for message, _ in execution.asked.values()]
        assert not left, f"never answered: {left}"
        assert not isinstance(execution.state.control, Ending), "it never ends"
        called = {
            each.parent[1]
            for each in self.executions.values()
            if each.parent and each.parent[0] == execution.state.id and not each.has_ended
        }
        for token in execution.state.tokens.values():
            assert _waits_for_a_signal(token) or token.step in called, f"{token} goes nowhere"

    def land_one(self) -> bool:
        """Let one of the attempts under way end; false if there is none."""
        under_way = [
            (each, token) for each in self.executions.values() for token in each.attempts.values()
        ]
        if not under_way:
            return False
        execution, token = pick(self._random, under_way)
        self.outcome(execution, draw_outcome(self._random, token, self.now))
        return True

    def ask(self, execution: TableExecution, message: Message) -> None:
        """Send a message whose answer somebody waits for."""
        self.post(execution.state.id, message, _nothing)


def _waits_for_a_signal(token: Token) -> bool:
    return isinstance(token.phase, Waiting) and token.phase.due is None


def _nothing(_: object) -> None:
    pass
