"""Comparisons as tables, as JSON, and in the file of results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from .._marked import write_between
from ._figures import Comparison, Line, Spread, readable
from ._plot import plot

BEGIN, END = "<!-- peers: begin -->", "<!-- peers: end -->"
FOLDER = Path(__file__).parents[1]
"""Where the results are."""

Absent = Mapping[str, Mapping[str, str]]
"""By kind (`skipped`, `failed`) and label: why a peer has no line."""


def tables(found: Sequence[Comparison], absent: Absent) -> str:
    """A Markdown table for each work with what it shows, and who is missing."""
    missing = [
        f"{kind} {label}: {_last_line(why)}"
        for kind, labels in absent.items()
        for label, why in labels.items()
    ]
    parts = [*map(_section, found), *(["\n".join(f"- {each}" for each in missing)] * bool(missing))]
    return "\n\n".join(parts)


def _last_line(why: str) -> str:
    lines = why.strip().splitlines()
    return lines[0] if len(lines) == 1 else f"{lines[0]} … {lines[-1]}"


def _section(found: Comparison) -> str:
    columns = ["engine", f"µs a {found.work.unit}", "to ours"]
    columns += [f"bytes a {found.work.unit}"] * found.work.on_disk
    columns += ["executions x steps" if found.work.unit == "step" else "messages", "versions"]
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    rows = [_row(found, line) for line in found.lines]
    parts = [f"### {found.work.title}", "\n".join([*head, *rows]), _conclusion(found)]
    return "\n\n".join(part for part in parts if part)


def _row(found: Comparison, line: Line) -> str:
    cells = [line.name if line.role == "peer" else f"*{line.name}*"]
    cells += [_spread(line.microseconds), "" if line.ratio is None else _spread(line.ratio)]
    cells += [f"{line.bytes:,.0f}"] * found.work.on_disk
    cells += [_size(line, found.work.unit)]
    cells += [", ".join(f"{name} {version}" for name, version in line.versions.items())]
    return f"| {' | '.join(cells)} |"


def _size(line: Line, unit: str) -> str:
    if unit == "message":
        return f"{line.size.count:,}"
    return f"{line.size.executions:,} x {line.size.steps:,}"


def _spread(spread: Spread) -> str:
    return f"**{readable(spread.median)}** ({readable(spread.low)} to {readable(spread.high)})"


def _conclusion(found: Comparison) -> str:
    fastest, work = found.fastest, found.work
    if fastest is None or fastest.ratio is None:
        return ""
    times = readable(fastest.ratio.median)
    text = f"The fastest peer, {fastest.name}, takes {times} times as long as ours"
    if work.bar is None:
        return f"{text}.{_alone(found)}"
    stretch = "" if work.stretch is None else f", stretch {work.stretch:g}"
    return f"{text} (bar {work.bar:g}{stretch}): **{found.verdict}**.{_alone(found)}"


def _alone(found: Comparison) -> str:
    fastest = found.fastest_alone
    if fastest is None or fastest.alone is None:
        return ""
    name, times = fastest.name, readable(fastest.alone.median)
    return f" One execution after another, the fastest peer, {name}, takes {times} times as long."


def as_json(
    found: Sequence[Comparison], absent: Absent, rounds: int, machine: Mapping[str, str]
) -> str:
    """Everything, for programs."""
    works = {
        each.work.name: {"verdict": each.verdict, "peers": [attrs.asdict(x) for x in each.lines]}
        for each in found
    }
    everything = {"machine": machine, "rounds": rounds, "works": works, **absent}
    return json.dumps(everything, indent=2, ensure_ascii=False)


def write(
    folder: Path,
    found: Sequence[Comparison],
    absent: Absent,
    rounds: int,
    machine: Mapping[str, str],
    command: str,
) -> None:
    """Put the tables into RESULTS.md, between their marks, and the plot and JSON beside it."""
    facts = "; ".join(f"{name} {value}" for name, value in machine.items())
    rounds_of = f"{rounds} round" if rounds == 1 else f"{rounds} rounds"
    picture = "![microseconds, on a logarithmic scale](peers.svg)"
    text = f"`{command}`, {rounds_of}\n\n{facts}\n\n{tables(found, absent)}\n\n{picture}"
    write_between(folder / "RESULTS.md", BEGIN, END, text)
    (folder / "peers.svg").write_text(plot(found), encoding="utf-8")
    report = as_json(found, absent, rounds, machine)
    (folder / "peers.json").write_text(report + "\n", encoding="utf-8")
