"""The three ways to follow an execution: a table that is redrawn, lines, or nothing."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from .. import Event
from ._output import Output
from ._progress import Progress
from ._words import event_line, summary_line

MOST_NODES_IN_LINES = 100
SUMMARY_SECONDS = 1.0


class View(Protocol):
    """Shows progress while it is open."""

    def open(self, progress: Progress) -> AbstractContextManager[Any]:
        """Begin to show; ends with the context."""
        ...

    def took(self, event: Event) -> None:
        """The progress has taken an event."""
        ...

    def tick(self, now: float) -> None:
        """Time has passed; `now` is of the runtime's clock."""
        ...


class NoView:
    """Shows nothing."""

    def open(self, progress: Progress) -> AbstractContextManager[Any]:
        return nullcontext()

    def took(self, event: Event) -> None:
        pass

    def tick(self, now: float) -> None:
        pass


class LineView:
    """A line for each event; where there are many nodes, one now and then."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._progress: Progress | None = None
        self._last = ""
        self._due = 0.0

    def open(self, progress: Progress) -> AbstractContextManager[Any]:
        self._progress = progress
        self._due = progress.began + SUMMARY_SECONDS
        return nullcontext()

    @property
    def _is_brief(self) -> bool:
        return self._progress is not None and len(self._progress.nodes) > MOST_NODES_IN_LINES

    def took(self, event: Event) -> None:
        if self._progress is not None and not self._is_brief:
            self._print(event_line(event, self._progress))

    def tick(self, now: float) -> None:
        if self._progress is None or not self._is_brief or now < self._due:
            return
        self._due = now + SUMMARY_SECONDS
        line = summary_line(self._progress, now)
        if line[12:] != self._last:
            self._print(line)
        self._last = line[12:]

    def _print(self, line: str) -> None:
        """Print, or fall silent for good where nobody reads any more; the execution goes on."""
        try:
            self._output.line(line)
        except BrokenPipeError:
            self._progress = None


def view_for(output: Output, quiet: bool) -> View:
    """The view that suits where standard output leads."""
    if quiet or output.json:
        return NoView()
    if not sys.stdout.isatty():
        return LineView(output)
    from ._live import LiveView

    return LiveView()
