"""What is said of an attempt that does not stop although it was told to."""

from __future__ import annotations

from typing import Protocol

from ..definition import Each, Function
from ._log import about, logger
from ._state import Ending, ExecutionState, Finished, Stopping, Token


class Stopper(Protocol):
    """An execution, as whoever waits for its attempts to stop sees it."""

    state: ExecutionState
    ended_at: float | None

    def grace(self) -> float: ...


class Patience:
    """Wakes when the grace of an attempt that was told to stop is over, and warns if it goes on.

    Not a message, as nothing follows for the execution. Silent where others speak: an ending
    execution tells of the attempts that it abandons, a thread is told of when it is abandoned.
    """

    __slots__ = ("_attempt", "_execution", "_step", "_token")

    def __init__(self, execution: Stopper, token: Token) -> None:
        self._execution = execution
        self._token = token
        self._step, self._attempt = token.step, token.attempt

    @property
    def ended_at(self) -> float | None:
        """When there was nothing left to wait for."""
        return self._execution.ended_at

    def wake(self, _: object) -> None:
        """The grace is over."""
        if self._goes_on() and not self._has_other_voice():
            self._warn()

    def _goes_on(self) -> bool:
        token, tokens = self._token, self._execution.state.tokens
        is_same = (token.step, token.attempt) == (self._step, self._attempt)
        return is_same and tokens.get(self._step) is token and isinstance(token.phase, Stopping)

    def _has_other_voice(self) -> bool:
        kind = self._token.node.spec.kind
        function = kind.body if isinstance(kind, Each) else kind
        is_thread = isinstance(function, Function) and function.runs == "thread"
        return is_thread or isinstance(self._execution.state.control, (Ending, Finished))

    def _warn(self) -> None:
        id, node = self._execution.state.id, self._token.node.name
        logger.warning(
            "attempt %d of node %r of execution %r was told to stop %.3g s ago and still runs",
            self._attempt,
            node,
            id,
            self._execution.grace(),
            extra=about(id, node, self._attempt),
        )
