"""A lock that is handed over in order of arrival.

Python's own goes to whoever is quickest, which is nearly always who has just let go of it: the
journal writer, and never the one who has a single answer to write.
"""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType


class FairLock:
    """First come, first served; use it as a context manager."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._holder: threading.Lock | None = None
        self._waiting: deque[threading.Lock] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for it."""
        return len(self._waiting)

    def __enter__(self) -> None:
        turn = threading.Lock()
        turn.acquire()
        try:
            with self._guard:
                if self._holder is None:
                    self._holder = turn
                    return
                self._waiting.append(turn)
            turn.acquire()  # until it is handed over, held
        except BaseException:  # Ctrl-C, say
            self._step_aside(turn)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._guard:
            self._hand_over()

    def _hand_over(self) -> None:
        self._holder = self._waiting.popleft() if self._waiting else None
        if self._holder is not None:
            self._holder.release()

    def _step_aside(self, turn: threading.Lock) -> None:
        """Somebody waits no more, or does not begin."""
        with self._guard:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif self._holder is turn:  # it was handed over just then
                self._hand_over()
