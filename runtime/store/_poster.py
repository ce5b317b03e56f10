"""How another process controls executions: it posts a letter, and waits for the answer."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Literal, Self

import attrs

from ._doorbell import call
from ._letters import Answer, Letter, decode_answer, encode_letter
from ._sqlite import SqliteStore

Fate = Literal["answered", "taken", "kept"]


@attrs.frozen
class Receipt:
    """What is known of a letter: it was `answered`, `taken` with no answer yet, or is `kept`.

    One that is kept is delivered when a runtime has the time, or when one opens.
    """

    number: int
    fate: Fate
    answer: Answer | None = None


class Poster:
    """Leaves letters for the runtime of a store, which may be in another process, or not be live.

    All of it blocks. Use it as a context manager.
    """

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._caller = call(store.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._caller is not None:
            self._caller.close()

    @property
    def is_heard(self) -> bool:
        """Whether a runtime was live when this was made (where that can be told)."""
        return self._caller is not None

    def send(self, execution: str, letter: Letter, wait: float) -> Receipt:
        """Post a letter to an execution, and wait so many seconds for the answer.

        Raises `StoreError`, and `UnstorableValue` if a value cannot be sent.
        """
        number = self._store.post(execution, encode_letter(letter))
        body = None if self._caller is None else self._answer(number, wait)
        if body is not None:
            return Receipt(number, "answered", decode_answer(body))
        waiting = self._store.mail(number - 1, limit=1)
        is_kept = bool(waiting) and waiting[0].number == number
        return Receipt(number, "kept" if is_kept else "taken")

    def withdraw(self, receipt: Receipt) -> None:
        """Take back a letter that is kept: nobody will deliver it."""
        self._store.answer(receipt.number, b"")
        self._store.take_answer(receipt.number)

    def _answer(self, number: int, wait: float) -> bytes | None:
        """The answer to a letter, if it comes in time and the runtime lives."""
        assert self._caller is not None
        end = time.monotonic() + wait
        self._caller.ring()
        while (body := self._store.take_answer(number)) is None:
            if not self._caller.wait(max(0.001, end - time.monotonic())):
                return self._store.take_answer(number)
        return body
