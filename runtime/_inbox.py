"""The way into the runtime's thread, for what other threads send."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import trio

L = TypeVar("L", bound=tuple[object, ...])
Action = Callable[[], None]


class Inbox(Generic[L]):
    """Brings letters and actions into the trio thread that made it, all in the order they came.

    `deliver` is given the letters of one look; an action between two of them is done as it is
    reached. Other threads only append.
    """

    def __init__(self, deliver: Callable[[Iterator[L]], None]) -> None:
        self._deliver = deliver
        self._thread = threading.get_ident()
        self._token = trio.lowlevel.current_trio_token()
        self._waiting: deque[L | Action] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def is_here(self) -> bool:
        """Whether this is the runtime's own thread, and its event loop runs."""
        return threading.get_ident() == self._thread and trio.lowlevel.in_trio_run()

    def do(self, action: Action) -> None:
        """Run a synchronous action in the runtime's thread: at once if this is it, else soon."""
        if self.is_here():
            action()
        else:
            self.put(action)

    def put(self, what: L | Action) -> None:
        """Queue something, from another thread; if the event loop is over, take it all in."""
        self._waiting.append(what)
        try:
            self._token.run_sync_soon(self.take_in, idempotent=True)
        except trio.RunFinishedError:
            self.take_in()

    def take_in(self) -> None:
        """Take in what has come."""
        self._deliver(self._letters())

    def _letters(self) -> Iterator[L]:
        while self._waiting:
            what = self._waiting.popleft()
            if callable(what):
                what()
            else:
                yield what
