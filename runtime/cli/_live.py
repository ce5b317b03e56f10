"""The live view: a table of nodes that is redrawn, by rich. Imported where that is wanted."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .. import Event
from ..execution import State
from ._outcome import STYLES
from ._progress import NodeProgress, NodeState, Progress
from ._words import first_line, seconds

_STYLES: dict[NodeState, str] = {
    "pending": "dim",
    "running": "bold cyan",
    "retrying": "bold yellow",
    "delayed": "blue",
    "waiting": "magenta",
    "calling": "cyan",
    "done": "green",
    "failed": "bold red",
    "interrupted": "yellow",
    "skipped": "yellow",
}
_STATES: dict[State, str] = {"running": "bold cyan", "waiting": "magenta", **STYLES}
_AROUND = 6  # lines taken by the heading, the table's own lines, and what is left to the shell


class LiveView:
    """Keeps one table up to date; what nodes print appears above it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live: Live | None = None
        self._progress: Progress | None = None

    def open(self, progress: Progress) -> AbstractContextManager[Any]:
        self._progress = progress
        self._live = Live(console=self._console, auto_refresh=False)
        return self._live

    def took(self, event: Event) -> None:
        """Wait for the next tick."""

    def tick(self, now: float) -> None:
        if self._live is None or self._progress is None:
            return
        room = max(3, self._console.size.height - _AROUND)
        self._live.update(picture(self._progress, now, room), refresh=True)


def picture(progress: Progress, now: float, room: int) -> RenderableType:
    """The whole view in at most `room` rows of nodes and a few lines around them."""
    is_ending = progress.is_cancelled and progress.state == "running"
    state = "cancelling" if is_ending else progress.state.replace("_", " ")
    heading = Text.assemble(
        (progress.id, "bold"),
        (f"  {state}", _STATES.get(progress.state, "default")),
        (f"  {seconds(now - progress.began)}", "dim"),
    )
    if len(progress.nodes) <= room:
        return Group(heading, _table(progress.nodes.values(), now))
    active = list(progress.active.values())
    parts: list[RenderableType] = [heading, _bar(progress)]
    if active:
        parts.append(_table(active[: room - 2], now))
    if len(active) > room - 2:
        parts.append(Text(f"… and {len(active) - room + 2} more", style="dim"))
    return Group(*parts)


def _bar(progress: Progress) -> RenderableType:
    line = Table.grid(padding=(0, 1))
    words = f"{progress.ended} of {len(progress.nodes)} nodes"
    if progress.retries:
        words += f", {progress.retries} retries"
    if progress.failed:
        words += f", {progress.failed} failed"
    bar = ProgressBar(total=len(progress.nodes), completed=progress.ended, width=40)
    line.add_row(bar, words)
    return line


def _table(nodes: Iterable[NodeProgress], now: float) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("node", no_wrap=True, max_width=40)
    table.add_column("state")
    table.add_column("attempts", justify="right")
    table.add_column("retries", justify="right")
    table.add_column("elapsed", justify="right", min_width=8)
    table.add_column("", no_wrap=True, overflow="ellipsis")
    for node in nodes:
        table.add_row(*_row(node, now))
    return table


def _row(node: NodeProgress, now: float) -> tuple[Text, ...]:
    style = _STYLES[node.state]
    return (
        Text(node.name, "dim" if node.state == "pending" else "default"),
        Text(node.state, style),
        Text(str(node.attempts or "")),
        Text(str(node.retries or ""), "yellow"),
        Text("" if node.state == "pending" else seconds(node.elapsed(now))),
        Text(first_line(node.note), "red" if node.state == "failed" else "dim"),
    )
