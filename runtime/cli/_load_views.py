"""How far a load test is: a table that is redrawn, a line for each round, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from ..load import LoadProgress, milliseconds
from ._output import Output

REDRAW_SECONDS = 0.25


class LoadView(Protocol):
    """Shows progress while it is open."""

    def open(self) -> AbstractContextManager[Any]:
        """Begin to show; ends with the context."""
        ...

    def took(self, progress: LoadProgress) -> None:
        """There is news."""
        ...


class NoLoadView:
    """Shows nothing."""

    def open(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def took(self, progress: LoadProgress) -> None:
        pass


class LoadLines:
    """A line for each round that is over."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def open(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def took(self, progress: LoadProgress) -> None:
        if progress.done is not None:
            self._output.line(round_line(progress))


def round_line(progress: LoadProgress) -> str:
    """A round that is over, in a line."""
    return (
        f"{progress.scenario:<12} round {progress.round} of {progress.rounds}: {_result(progress)}"
    )


def _result(progress: LoadProgress) -> str:
    done = progress.done
    if done is None:
        return ""
    parts = [f"{done.executions} executions"]
    if done.throughput is not None:
        parts.append(f"{done.throughput:,.0f}/s")
    if done.durations is not None:
        parts.append(f"p95 {milliseconds(done.durations.p95)}")
    if done.error_rate:
        parts.append(f"{done.error_rate:.1%} not completed")
    return ", ".join(parts)


class LoadTable:
    """A table of the scenarios, redrawn by rich a few times a second."""

    def __init__(self, names: Sequence[str]) -> None:
        from rich.live import Live

        self._latest: dict[str, LoadProgress | None] = dict.fromkeys(names)
        self._results: dict[str, str] = {}
        self._live = Live(auto_refresh=False)
        self._due = 0.0

    def open(self) -> AbstractContextManager[Any]:
        return self._live

    def took(self, progress: LoadProgress) -> None:
        self._latest[progress.scenario] = progress
        if progress.done is not None:
            self._results[progress.scenario] = _result(progress)
        elif time.monotonic() < self._due:
            return
        self._due = time.monotonic() + REDRAW_SECONDS
        self._live.update(self._table(), refresh=True)

    def _table(self) -> Any:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("scenario", "round", "", "", "last round"):
            table.add_column(name)
        for name, at in self._latest.items():
            if at is None:
                table.add_row(name, style="dim")
                continue
            share = (max(0, at.round - 1) + at.ended / at.executions) / at.rounds
            bar = ProgressBar(total=1.0, completed=share if at.round else 0.0, width=30)
            ended = f"{at.ended:,} of {at.executions:,}"
            number = f"{at.round} of {at.rounds}" if at.round else "warming up"
            table.add_row(name, number, bar, ended, self._results.get(name, ""))
        return table


def load_view_for(output: Output, quiet: bool, names: Sequence[str]) -> LoadView:
    """The view that suits where standard output leads."""
    if quiet or output.json:
        return NoLoadView()
    return LoadTable(names) if sys.stdout.isatty() else LoadLines(output)
