"""What came of an execution, for those who wait for it or ask: outcomes and histories."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ..actors import Reply, RuntimeClosed
from ._children import Children
from ._errors import UnknownExecution
from ._rebirth import HistoryRecord
from ._views import Outcome, outcome_of, records_of
from .execution import Execution

if TYPE_CHECKING:
    from ._store_side import StoreSide


class ResultHouse(Protocol):
    """What finding results needs of the rest of the runtime."""

    live: dict[str, Execution]
    past: dict[str, Execution]
    is_closing: bool

    @property
    def id(self) -> str: ...
    @property
    def store(self) -> StoreSide | None: ...
    @property
    def children(self) -> Children: ...

    def find(self, id: str) -> Execution | None:
        """The execution of that id in memory, live or ended; None if there is none."""
        ...

    def do(self, action: Callable[[], None]) -> None:
        """Run a synchronous action in the runtime's thread."""


class Results:
    """Answers with the outcome of an execution once it has ended, wherever it is kept.

    `awaited` are the answers owed, by the id of the execution.
    """

    def __init__(self, house: ResultHouse) -> None:
        self._house = house
        self.awaited: dict[str, list[Reply[Outcome]]] = {}
        self._tell_parent = house.children.tell_parent

    def of(self, id: str) -> Reply[Outcome]:
        """Answered with the outcome of an execution when it has ended; from any thread."""
        reply: Reply[Outcome] = Reply()
        self._house.do(lambda: self._answer(id, reply))
        return reply

    def _answer(self, id: str, reply: Reply[Outcome]) -> None:
        house = self._house
        ended = house.past.get(id)
        if ended is not None:
            reply.answer(outcome_of(ended))
        elif id in house.live:
            self.await_end(id, reply)
        elif house.is_closing:
            reply.fail(RuntimeClosed(house.id))
        elif house.store is None:
            reply.fail(UnknownExecution(id))
        else:
            house.store.answer_result(id, reply)

    def answer_history(self, id: str, reply: Reply[tuple[HistoryRecord, ...]]) -> None:
        """Answer with the turns of an execution, in memory or not."""
        execution, store = self._house.find(id), self._house.store
        if execution is not None and execution.ledger is None:
            turns = enumerate(records_of(execution.notes), 1)
            reply.answer(tuple(HistoryRecord(seq, *record) for seq, record in turns))
        elif store is None:
            reply.fail(UnknownExecution(id))
        else:
            store.answer_history(id, reply)

    def await_end(self, id: str, reply: Reply[Outcome]) -> None:
        """Answer with the outcome of an execution, which has not ended, when it has."""
        self.awaited.setdefault(id, []).append(reply)

    def tell(self, ended: Execution) -> None:
        """Tell whoever waits for the outcome of an execution, and its parent."""
        if self.awaited:
            for reply in self.awaited.pop(ended.state.id, ()):
                reply.answer(outcome_of(ended))
        if ended.parent is not None:
            self._tell_parent(ended.parent, outcome_of(ended))

    def fail(self, id: str, error: Exception) -> None:
        """Nobody will learn the outcome of an execution here."""
        for reply in self.awaited.pop(id, ()):
            reply.fail(error)

    def give_up(self) -> None:
        """Refuse whoever waits: the runtime has ended."""
        for replies in self.awaited.values():
            for reply in replies:
                reply.fail(RuntimeClosed(self._house.id))
        self.awaited.clear()
