"""Both engines side by side: every message to the one goes to the other too."""

from __future__ import annotations

from collections.abc import Iterable

from processengine.actors import Message
from processengine.runtime.execution import Effect, Limits
from processengine.testing import Observer, Sketch, TableExecution

from ._turns import take
from ._view import View, view_of_state, view_of_world
from ._world import World, new_world


class Disagreement(AssertionError):
    """The engine and the reference have come to differ."""


class Agreement(Observer):
    """Looks on at a table and raises `Disagreement` as soon as the two engines differ."""

    def __init__(self, sketch: Sketch) -> None:
        self._sketch = sketch
        self._worlds: dict[str, World] = {}

    def after(
        self, execution: TableExecution, message: Message, now: float, effects: Iterable[Effect]
    ) -> None:
        id = execution.state.id
        before = self._world(execution)
        world = self._worlds[id] = take(before, message, now)
        engine, reference = view_of_state(execution.state), view_of_world(world)
        if engine != reference:
            raise Disagreement(_told(message, view_of_world(before), engine, reference))

    def _world(self, execution: TableExecution) -> World:
        limits: Limits = execution.state.limits
        sketch = self._sketch if execution.parent is None else self._sketch.child
        assert sketch is not None
        new = new_world(sketch, limits.memory, limits.kept_signals)
        return self._worlds.setdefault(execution.state.id, new)


def _told(message: Message, before: View, engine: View, reference: View) -> str:
    parts = [key for key in engine if engine[key] != reference[key]]
    lines = [
        f"{key}:\n  before    {before[key]}\n  engine    {engine[key]}\n"
        f"  reference {reference[key]}"
        for key in parts
    ]
    return "\n".join([f"they differ after {message} in", *lines])
