"""How long each node took by the record of its executions: exact, where samples only estimate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from ...actors import Message
from ..definition import ProcessDefinition, RoutingMap
from ..execution import (
    AttemptOutcome,
    Calls,
    Completed,
    Delays,
    ExecutionState,
    Failed,
    Limits,
    Lists,
    Record,
    Waits,
    transition,
)

_RESTING = (Delays, Waits, Calls, Lists)


@attrs.define
class NodeTimes:
    """Of one node, in seconds over all executions.

    `attempts` counts calls of its function, and `running` is from their begin to their end, waiting
    inside included. `resting` is at a timer, for a signal, a child, its items, or between two
    attempts; `queued` is from when a step was due to when its first attempt began.
    """

    node: str
    steps: int = 0
    attempts: int = 0
    running: float = 0.0
    resting: float = 0.0
    queued: float = 0.0


def node_times(
    definition: ProcessDefinition, histories: Iterable[Sequence[Record]], limits: Limits
) -> tuple[NodeTimes, ...]:
    """The times of every node of a definition, by the whole histories of its executions.

    The histories are replayed: their records name steps, and only the state knows their nodes.
    """
    routing = RoutingMap(definition)
    times = {node.name: NodeTimes(node.name) for node in definition.nodes}
    for history in histories:
        _Reading(ExecutionState("profile", routing, limits), times).read(history)
    return tuple(times.values())


class _Reading:
    """One execution, gone through again."""

    def __init__(self, state: ExecutionState, times: dict[str, NodeTimes]) -> None:
        self._state = state
        self._times = times
        self._due: dict[int, float] = {}
        self._resting: dict[int, tuple[NodeTimes, float]] = {}

    def read(self, history: Sequence[Record]) -> None:
        for at, message in history:
            if isinstance(message, AttemptOutcome):
                self._note(at, message)
            transition(self._state, message, at)
            self._look(at)

    def _note(self, at: float, message: AttemptOutcome) -> None:
        """What an attempt has taken; before the turn, which moves its token on."""
        token = self._state.tokens.get(message.step)
        if token is None:
            return
        times = self._times[token.node.name]
        started = _start_of(message)
        if started is not None:
            self._end_rest(message.step, started)
            times.attempts += 1
            times.running += at - started
            if (due := self._due.pop(message.step, None)) is not None:
                times.queued += max(0.0, started - due)
        if isinstance(message, (*_RESTING, Failed)):
            self._resting[message.step] = (times, at)

    def _look(self, at: float) -> None:
        """What the turn has changed: steps that are new, and rests that are over."""
        tokens = self._state.tokens
        for step, token in tokens.items():
            if step not in self._due and token.attempt == 1 and step > self._seen:
                self._due[step] = at
                self._times[token.node.name].steps += 1
        self._seen = max(self._seen, max(tokens, default=0))
        for step in [step for step in self._resting if step not in tokens]:
            self._end_rest(step, at)

    _seen = 0

    def _end_rest(self, step: int, at: float) -> None:
        if step in self._resting:
            times, since = self._resting.pop(step)
            times.resting += max(0.0, at - since)


def _start_of(message: Message) -> float | None:
    return message.started if isinstance(message, (Completed, Failed)) else None
