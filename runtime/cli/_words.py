"""Events and lengths of time in words."""

from __future__ import annotations

from .. import Event, MessageEvent, Missed, NodeEvent, StateEvent
from ._progress import Progress


def seconds(value: float) -> str:
    """A length of time at the precision it is read at."""
    if value < 100:
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def counted(count: int, thing: str) -> str:
    """So many of a thing: `1 node`, `2 nodes`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def event_line(event: Event, progress: Progress) -> str:
    """One event as a line, after `progress` has taken it."""
    if isinstance(event, Missed):
        return f"{'':10}  ({event.count} events were missed)"
    at = f"{event.at - progress.began:8.3f} s"
    if isinstance(event, NodeEvent):
        return f"{at}  {_node_words(event, progress)}".rstrip()
    if isinstance(event, StateEvent):
        reason = f": {first_line(event.reason)}" if event.reason else ""
        return f"{at}  execution {event.state}{reason}"
    assert isinstance(event, MessageEvent)
    return f"{at}  execution took a message: {event.message}"


def _node_words(event: NodeEvent, progress: Progress) -> str:
    node = progress.nodes[event.node]
    name = event.node if event.item is None else f"{event.node}[{event.item}]"
    detail = event.detail
    if event.kind == "started":
        detail = f"attempt {event.attempt}" if event.attempt > 1 else ""
    elif event.kind == "completed":
        took = "" if event.item is not None else f"in {seconds(node.took)}"
        detail = took if detail in ("", "out") else f"{took} by {detail}".strip()
    elif event.kind == "waiting":
        detail = node.note
    return f"{name:{progress.name_width}}  {event.kind:11}  {first_line(detail)}"


def first_line(text: str) -> str:
    """As much of a text as belongs on a line."""
    return text.strip().partition("\n")[0]


def summary_line(progress: Progress, now: float) -> str:
    """How far a large process is."""
    parts = [f"{progress.ended} of {len(progress.nodes)} nodes", f"{len(progress.active)} running"]
    if progress.retries:
        parts.append(f"{progress.retries} retries")
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    return f"{now - progress.began:8.3f} s  {', '.join(parts)}"
