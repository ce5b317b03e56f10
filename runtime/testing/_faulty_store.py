"""A store that breaks down when it is told to."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Literal, TypeVar

import attrs

from ..store import (
    EVERYTHING,
    Append,
    DamagedHead,
    ExecutionHead,
    HeadFilter,
    InUse,
    KeptDefinition,
    Mail,
    Record,
    Store,
    Stored,
    StoreFailed,
    StoreFull,
    StoreSizes,
)

Fault = Literal["fail", "full", "lose", "tear", "delay", "die"]
FAULTS: tuple[Fault, ...] = ("fail", "full", "lose", "tear", "delay", "die")

StoreCall = Literal["take_over", "load", "journal", "list", "mail", "answer"]
"""What else may break down; `list` is `unfinished` and `heads`."""

STORE_CALLS: tuple[StoreCall, ...] = ("take_over", "load", "journal", "list", "mail", "answer")

T = TypeVar("T")


class ThreadDied(BaseException):
    """What kills the thread that commits: no `Exception`, so nobody handles it."""


@attrs.define
class FaultyStore:
    """Wraps a store; `faults` tells what happens to the n-th commit, counted from 1.

    `fail` and `full` raise `StoreFailed` and `StoreFull`, and nothing is stored. `lose` stores the
    batch and then raises `StoreFailed`; `tear` does so after the first half, as a store might whose
    transactions do not hold. `delay` waits until `gate` is set, and says so in `waiting`. `die`
    stores the batch and then raises `ThreadDied`. A batch that the store refuses meets no fault but
    the first two and `delay`.

    `others` tells the same of the n-th of other calls; `lose` and `tear` do what was asked for, or
    read it, and then raise `StoreFailed`. `unfinished` gives the first of its heads before that.
    `calls` counts them.
    """

    store: Store
    faults: Mapping[int, Fault] = attrs.field(factory=dict[int, Fault])
    others: Mapping[StoreCall, Mapping[int, Fault]] = attrs.field(
        factory=dict[StoreCall, Mapping[int, Fault]]
    )
    commits: int = 0
    calls: Counter[StoreCall] = attrs.field(factory=Counter[StoreCall])
    gate: threading.Event = attrs.Factory(threading.Event)
    waiting: threading.Event = attrs.Factory(threading.Event)

    @property
    def is_instant(self) -> bool:
        """As the store is, unless something may be delayed."""
        faults = [*self.faults.values()]
        for several in self.others.values():
            faults += several.values()
        return self.store.is_instant and "delay" not in faults

    def release(self) -> None:
        """As the store does."""
        self.store.release()

    def take_over(self) -> None:
        """As the store does, unless it is the turn of a fault."""
        self._call("take_over", self.store.take_over)

    def commit(self, batch: Sequence[Append]) -> None:
        """Store turns, unless it is the turn of a fault."""
        self.commits += 1
        fault, what = self.faults.get(self.commits), f"commit {self.commits}"
        self._before(fault, what)
        self.store.commit(batch[: len(batch) // 2] if fault == "tear" else batch)
        self._after(fault, what)

    def _call(self, call: StoreCall, perform: Callable[[], T]) -> T:
        """Do something, unless it is the turn of a fault."""
        fault, what = self._next(call)
        self._before(fault, what)
        result = perform()
        self._after(fault, what)
        return result

    def _next(self, call: StoreCall) -> tuple[Fault | None, str]:
        """Count a call; gives what happens to it, and how it is called in words."""
        self.calls[call] += 1
        number = self.calls[call]
        return self.others.get(call, {}).get(number), f"{call} {number}"

    def _before(self, fault: Fault | None, what: str) -> None:
        if fault == "fail":
            raise StoreFailed("faulty", f"{what} was to fail")
        if fault == "full":
            raise StoreFull("faulty", f"{what} was to find no space")
        if fault == "delay":
            self.waiting.set()
            self.gate.wait()

    def _after(self, fault: Fault | None, what: str) -> None:
        if fault in ("lose", "tear"):
            raise StoreFailed("faulty", f"{what} was to be left in doubt")
        if fault == "die":
            raise ThreadDied(f"{what} was to be the last")

    def load(self, execution: str) -> Stored | None:
        """As the store does, unless it is the turn of a fault."""
        return self._call("load", lambda: self.store.load(execution))

    def journal(self, execution: str, after: int = 0) -> tuple[Record, ...]:
        """As the store does, unless it is the turn of a fault."""
        return self._call("journal", lambda: self.store.journal(execution, after))

    def unfinished(self) -> Iterator[ExecutionHead | DamagedHead]:
        """As the store does, unless it is the turn of a fault."""
        fault, what = self._next("list")
        self._before(fault, what)
        heads = self.store.unfinished()
        yield from islice(heads, 1)
        self._after(fault, what)
        yield from heads

    def heads(
        self,
        wanted: HeadFilter = EVERYTHING,
        *,
        limit: int = 100,
        after: tuple[float, str] | None = None,
    ) -> tuple[ExecutionHead | DamagedHead, ...]:
        """As the store does, unless it is the turn of a fault."""
        return self._call("list", lambda: self.store.heads(wanted, limit=limit, after=after))

    def post(self, execution: str, body: bytes) -> int:
        """As the store does."""
        return self.store.post(execution, body)

    def mail(self, after: int = 0, *, limit: int = 1000) -> tuple[Mail, ...]:
        """As the store does, unless it is the turn of a fault."""
        return self._call("mail", lambda: self.store.mail(after, limit=limit))

    def answer(self, number: int, body: bytes) -> None:
        """As the store does, unless it is the turn of a fault."""
        self._call("answer", lambda: self.store.answer(number, body))

    def take_answer(self, number: int) -> bytes | None:
        """As the store does."""
        return self.store.take_answer(number)

    def forget_answers(self, before: float) -> int:
        """As the store does."""
        return self.store.forget_answers(before)

    def put_definition(self, definition: KeptDefinition) -> None:
        """As the store does."""
        self.store.put_definition(definition)

    def definition(self, id: str, version: int | None = None) -> KeptDefinition | None:
        """As the store does."""
        return self.store.definition(id, version)

    def definitions(
        self, *, limit: int = 100, after: tuple[str, int] | None = None
    ) -> tuple[KeptDefinition, ...]:
        """As the store does."""
        return self.store.definitions(limit=limit, after=after)

    def delete_definition(self, id: str, version: int, *, in_use: InUse = "refuse") -> bool:
        """As the store does."""
        return self.store.delete_definition(id, version, in_use=in_use)

    def delete(self, executions: Sequence[str]) -> int:
        """As the store does."""
        return self.store.delete(executions)

    def expired(self, now: float, *, limit: int = 1000) -> tuple[str, ...]:
        """As the store does."""
        return self.store.expired(now, limit=limit)

    def compact(self, execution: str, seq: int) -> int:
        """As the store does."""
        return self.store.compact(execution, seq)

    def sizes(self) -> StoreSizes:
        """As the store does."""
        return self.store.sizes()

    def tidy(self) -> bool:
        """As the store does."""
        return self.store.tidy()

    def close(self) -> None:
        """As the store does."""
        self.store.close()
