"""A bounded stream of events for one watcher, who may be slow and may be in another thread."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

from ..actors import Reply
from ._events import Missed

T = TypeVar("T")


class Watch(Generic[T]):
    """An asynchronous iterator of events, from the moment it was made to the end of the execution.

    Iterate in trio or asyncio, or call `next` in a plain thread. At most `capacity` events wait:
    when a slow watcher lets them pile up, further ones are dropped and a `Missed` tells how many.
    The engine never waits for a watcher. `close` ends it early; dropping it does too.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._events: deque[T | Missed] = deque()
        self._missed = 0
        self._ended = False
        self._waiter: Reply[None] | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Watch waiting={len(self._events)} missed={self._missed} ended={self._ended}>"

    def offer(self, event: T) -> None:
        """Add an event (the engine's side)."""
        with self._lock:
            if self._ended:
                return
            if len(self._events) >= self._capacity:
                self._missed += 1
                return
            if self._missed:
                self._events.append(Missed(self._missed))
                self._missed = 0
            self._events.append(event)
            waiter, self._waiter = self._waiter, None
        _wake(waiter)

    def end(self) -> None:
        """Let the watcher stop after the events that wait (the engine's side)."""
        with self._lock:
            self._ended = True
            waiter, self._waiter = self._waiter, None
        _wake(waiter)

    def close(self) -> None:
        """Stop watching; events that wait are dropped."""
        with self._lock:
            self._events.clear()
            self._missed = 0
            self._ended = True
            waiter, self._waiter = self._waiter, None
        _wake(waiter)

    def __aiter__(self) -> Watch[T]:
        return self

    async def __anext__(self) -> T | Missed:
        while True:
            event, waiter = self._take()
            if event is not None:
                return event
            if waiter is None:
                raise StopAsyncIteration
            await waiter

    def next(self, timeout: float | None = None) -> T | Missed | None:
        """Wait for an event in a plain thread; None at the end. Raises `TimeoutError`."""
        while True:
            event, waiter = self._take()
            if event is not None or waiter is None:
                return event
            waiter.wait(timeout)

    def _take(self) -> tuple[T | Missed | None, Reply[None] | None]:
        """The next event, or what to wait for, or neither at the end."""
        with self._lock:
            if self._events:
                return self._events.popleft(), None
            if self._missed:
                missed, self._missed = self._missed, 0
                return Missed(missed), None
            if self._ended:
                return None, None
            if self._waiter is None:
                self._waiter = Reply()
            return None, self._waiter


def _wake(waiter: Reply[None] | None) -> None:
    """Wake whoever waits; outside the lock, as it runs the waiter's own code."""
    if waiter is not None:
        waiter.answer(None)
