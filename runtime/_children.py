"""Executions that executions begin: how they are called and told, and how their parent hears."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from ..actors import Pause, Reply, TurnLoop
from ._delivery import Delivery
from ._programs import begin_message
from ._views import Outcome, outcome_of
from .definition import Process, ProcessDefinition
from .execution import (
    Begin,
    CallChild,
    Calling,
    ChildEnded,
    ChildPaused,
    Effects,
    Execution,
    Program,
    TellChild,
    size_of,
)
from .store import UnstorableValue

if TYPE_CHECKING:
    from ._store_side import StoreSide


class ChildHouse(Protocol):
    """What calling children needs of the rest of the runtime."""

    random: Random
    turns: TurnLoop[Execution]
    live: dict[str, Execution]
    past: dict[str, Execution]
    is_closing: bool

    @property
    def store(self) -> StoreSide | None: ...
    @property
    def delivery(self) -> Delivery: ...

    def find(self, id: str) -> Execution | None:
        """The execution of that id in memory, live or ended; None if there is none."""
        ...

    def program(self, definition: ProcessDefinition) -> Program:
        """The definition compiled."""
        ...

    def check_storable(self, begin: Begin) -> None:
        """Raise `UnstorableValue` if an execution is to be stored and cannot begin with that."""

    def begin(
        self, id: str, program: Program, begin: Begin, parent: tuple[str, int] | None
    ) -> Execution:
        """Make an execution and have it begin."""
        ...


class Children:
    """Carries calls, control and outcomes between parents and children, in whichever lives."""

    def __init__(self, house: ChildHouse) -> None:
        self._house = house

    def call(self, parent: Execution, effect: CallChild) -> None:
        """Begin a child execution; it inherits nothing but what it is given."""
        house = self._house
        kind = parent.state.tokens[effect.step].node.spec.kind
        assert isinstance(kind, Process)
        existing = house.find(effect.child)
        address = parent.id, effect.step
        if existing is not None and existing.parent == address:
            if existing.id in house.past:  # it ended while its parent was being restarted
                self.tell_parent(address, outcome_of(existing))
            return
        if existing is not None:
            self._refuse(parent, effect, f"an execution {effect.child!r} exists already")
            return
        if house.store is not None and house.store.held(effect.child) is not None:
            return
        if house.store is not None and effect.again and parent.ledger is not None:
            found = house.store.sleepers.fetch(effect.child)
            found.when_done(lambda: self._call_again(parent.id, effect, found))
            return
        program = house.program(kind.definition)
        begin = begin_message(effect.inputs, program.begin)
        try:
            house.check_storable(begin)
        except UnstorableValue as error:
            self._refuse(parent, effect, str(error))
            return
        house.begin(effect.child, program, begin, address)

    def _refuse(self, parent: Execution, effect: CallChild, why: str) -> None:
        ended = ChildEnded(effect.step, effect.child, "cancelled", {}, None, why)
        self._house.turns.post(parent, ended)

    def _call_again(self, parent_id: str, effect: CallChild, found: Reply[Execution]) -> None:
        """The child was looked for in the store: it ended there, lives again or never began."""
        house = self._house
        parent = house.live.get(parent_id)
        token = None if parent is None else parent.state.tokens.get(effect.step)
        if parent is None or token is None or not isinstance(token.phase, Calling):
            return
        if house.is_closing:  # its next life calls again
            return
        if token.phase.child != effect.child or parent.ended_at is not None:
            return
        if not found.has_failed():
            child = found.wait()
            if child.ended_at is not None and child.parent == (parent_id, effect.step):
                self.tell_parent((parent_id, effect.step), outcome_of(child))
        elif house.store is not None and house.store.held(effect.child) is None:
            calls: Effects = [CallChild(effect.step, effect.child, effect.inputs)]
            house.turns.run(parent, parent.perform, calls)
            parent.tell_child_again(effect.step)  # what could not reach it while it was looked for

    def tell(self, parent: Execution, effect: TellChild) -> None:
        """Pass a control message on to a child; a pause is reported back when it is complete."""
        post = self._house.delivery.post_own
        if not isinstance(effect.message, Pause):
            post(effect.child, effect.message)
            return
        paused: Reply[Any] = Reply()

        def report() -> None:
            if paused.has_failed():  # it has crashed; in its next life it is told again
                return
            post(parent.id, ChildPaused(effect.step))

        paused.when_done(report)
        post(effect.child, effect.message, paused)

    def tell_again(self, parent: tuple[str, int]) -> None:
        """A child has crashed and lives again: it may not know what its parent has told it."""
        id, step = parent
        if id in self._house.live:
            self._house.live[id].tell_child_again(step)

    def tell_parent(self, address: tuple[str, int], outcome: Outcome) -> None:
        """Let the step that called a child know how that has ended."""
        parent_id, step = address
        message = ChildEnded(
            step,
            outcome.id,
            outcome.state,
            outcome.memory,
            outcome.error,
            outcome.reason,
            size_of(outcome.memory),
            self._house.random.random(),
        )
        self._house.delivery.post_own(parent_id, message)
