"""Ctrl-C and SIGTERM: the first one asks to end cleanly, the second insists."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Generator
from types import FrameType

import trio

_SHOW_CURSOR = b"\x1b[?25h"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Takes the signals over while it is installed; works too while a node blocks the event loop.

    `received` is the first signal that came.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._token: trio.lowlevel.TrioToken | None = None
        self._ask: Callable[[], None] | None = None

    @property
    def exit_status(self) -> int:
        """The conventional one for a process that a signal ended."""
        return 128 + (self.received or signal.SIGINT)

    @property
    def name(self) -> str:
        """What the signal is called."""
        return signal.Signals(self.received or signal.SIGINT).name

    @contextlib.contextmanager
    def installed(self) -> Generator[None]:
        """Handle the signals, until left."""
        before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def answer_with(self, ask: Callable[[], None]) -> None:
        """Have `ask` called in this event loop for the first signal, even one that has come."""
        self._token, self._ask = trio.lowlevel.current_trio_token(), ask
        if self.received is not None:
            ask()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            _leave_at_once(self.exit_status)
        self.received = number
        if self._token is not None and self._ask is not None:
            with contextlib.suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._ask)


def _leave_at_once(status: int) -> None:
    """End the process without any clean-up but that of the terminal."""
    with contextlib.suppress(OSError, ValueError):
        descriptor = sys.__stdout__.fileno() if sys.__stdout__ else 1
        if os.isatty(descriptor):
            os.write(descriptor, _SHOW_CURSOR + b"\n")
    os._exit(status)
