"""Rows as a table, as JSON and as a plot."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from ._baselines import BASELINES, Baseline
from ._marked import write_between
from ._measure import Row

BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"
BASELINES_BEGIN, BASELINES_END = "<!-- baselines: begin -->", "<!-- baselines: end -->"


def table(rows: Sequence[Row]) -> str:
    """A Markdown table."""
    lines = [
        "| case | ours | yardstick | ratio (quartiles) | bar | stretch | |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.case} | {_number(r.ours)} {r.unit} | {_yardstick(r)} | {_ratio(r)}"
        f" | {_number(r.bar)} | {_number(r.stretch)} | {r.verdict} |"
        for r in rows
    ]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _yardstick(row: Row) -> str:
    return "" if row.yardstick is None else f"{_number(row.yardstick)} ({row.yardstick_name})"


def _ratio(row: Row) -> str:
    if row.ratio is None:
        return ""
    spread = f" ({row.low:.2f} to {row.high:.2f})" if row.low is not None else ""
    return f"**{row.ratio:.2f}**{spread}"


def as_json(rows: Sequence[Row], facts: Mapping[str, str]) -> str:
    """Everything, for programs."""
    plain = [{**attrs.asdict(row), "ratio": row.ratio, "verdict": row.verdict} for row in rows]
    return json.dumps({"machine": facts, "rows": plain}, indent=2, ensure_ascii=False)


def baselines(rows: Sequence[Row]) -> str:
    """The specification's tables with our figures beside its own; empty if there are none."""
    by_case = {row.case: row for row in rows}
    lines = [_baseline(each, by_case) for each in BASELINES if by_case.keys() & {*each.cases}]
    header = ["| specification | before | after | ours |", "|---|---|---|---|"]
    return "\n".join([*header, *lines]) if lines else ""


def _baseline(baseline: Baseline, rows: Mapping[str, Row]) -> str:
    ours = "; ".join(
        f"{_readable(rows[case])} ({case.partition(': ')[2]})"
        for case in baseline.cases
        if case in rows
    )
    return f"| {baseline.what} | {baseline.before} | {baseline.after} | {ours} |"


def _readable(row: Row) -> str:
    """A figure in the unit that needs no power of ten."""
    if row.unit == "bytes" and row.ours >= 1000:
        return f"{row.ours / 1000:.3g} kB"
    if row.unit == "ms" and row.ours < 0.1:
        return f"{row.ours * 1000:.2g} µs"
    return f"{_number(row.ours)} {row.unit}"


def changes(rows: Sequence[Row], earlier: Path) -> str:
    """A Markdown table of how figures differ from those of the same cases in an earlier report."""
    old = {row["case"]: row["ours"] for row in json.loads(earlier.read_text("utf-8"))["rows"]}
    known = [row for row in rows if old.get(row.case)]
    lines = ["| case | before | now | change |", "|---|---|---|---|"]
    lines += [
        f"| {r.case} | {_number(old[r.case])} | {_number(r.ours)} {r.unit}"
        f" | {(r.ours / old[r.case] - 1) * 100:+.2f}% |"
        for r in known
    ]
    return "\n".join(lines)


def plot(rows: Sequence[Row]) -> str:
    """A bar for each ratio, as SVG, a line where the yardstick is, and a tick at what is wanted."""
    shown = [row for row in rows if row.ratio is not None]
    most = max([1.0, *(max(row.ratio or 0, row.bar or 0) for row in shown)])
    width, left, height = 860, 400, 26
    scale = (width - left - 70) / most
    marks = "".join(_bar(row, left, 16 + height * at, scale) for at, row in enumerate(shown))
    bottom = 16 + height * len(shown)
    line = f'<path class="one" d="M{left + scale:.1f} 8V{bottom}"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 26}"'
        ' font-family="sans-serif" font-size="12"><style>text{fill:#444}.bar{fill:#4a7fb5}'
        ".one{stroke:#888;stroke-dasharray:3 3}.goal{stroke:#c0392b;stroke-width:2}"
        "@media(prefers-color-scheme:dark){text{fill:#ccc}}</style>"
        f'{marks}{line}<text x="{left + scale:.1f}" y="{bottom + 16}" text-anchor="middle">'
        "the yardstick</text>"
        f'<path class="goal" d="M8 {bottom + 2}v20"/>'
        f'<text x="16" y="{bottom + 16}">wanted: no longer than this</text></svg>\n'
    )


def _bar(row: Row, left: float, top: float, scale: float) -> str:
    ratio = row.ratio or 0.0
    goal, words = "", left + ratio * scale + 6
    if row.bar is not None:
        if words - 8 < left + row.bar * scale < words + 30:
            words = left + row.bar * scale + 6
        goal = f'<path class="goal" d="M{left + row.bar * scale:.1f} {top - 2:.1f}v20"/>'
    return (
        f'<text x="{left - 8}" y="{top + 12:.1f}" text-anchor="end">{html.escape(row.case)}</text>'
        f'<rect class="bar" x="{left}" y="{top:.1f}" width="{ratio * scale:.1f}" height="16"/>'
        f'{goal}<text x="{words:.1f}" y="{top + 12:.1f}">{ratio:.2f}</text>'
    )


def write(folder: Path, rows: Sequence[Row], facts: Mapping[str, str], command: str) -> None:
    """Put the table into RESULTS.md, between its marks, and the plot beside it."""
    machine = "; ".join(f"{name} {value}" for name, value in facts.items())
    text = f"`{command}`\n\n{machine}\n\n{table(rows)}\n\n![ratios](results.svg)"
    write_between(folder / "RESULTS.md", BEGIN, END, text)
    if beside := baselines(rows):
        write_between(folder / "RESULTS.md", BASELINES_BEGIN, BASELINES_END, beside)
    (folder / "results.svg").write_text(plot(rows), encoding="utf-8")
    (folder / "results.json").write_text(as_json(rows, facts) + "\n", encoding="utf-8")
