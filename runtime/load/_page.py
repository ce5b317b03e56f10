"""The report of a load test as one HTML page, complete in itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from ..drawing import Axis, Mark, Series, draw_chart
from ._comparison import Comparison
from ._figures import FIGURES, Spread, milliseconds
from ._report import LoadReport, ScenarioReport
from ._words import comparison_lines, figure_rows, setup_words, verdict_words

_STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1f2328;--words:#59636e;--line:#d8dee4;
--good:#1a7f37;--bad:#cf222e}
@media(prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--words:#9aa4af;
--line:#30363d;--good:#3fb950;--bad:#ff7b72}}
body{background:var(--paper);color:var(--ink);font:15px/1.5 ui-sans-serif,system-ui,sans-serif;
max-width:1180px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem;border-top:1px solid var(--line);
padding-top:1rem}p,.words{color:var(--words)}
.scroll{overflow-x:auto}table{border-collapse:collapse;margin:.6rem 0}
th,td{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top}
th{color:var(--words);font-weight:500}td.number,th.number{text-align:right}
.met{color:var(--good)}.missed{color:var(--bad);font-weight:600}
.charts{display:flex;flex-wrap:wrap;gap:1rem}.charts svg{max-width:100%;height:auto}
"""


def report_page(report: LoadReport, comparison: Comparison | None = None) -> str:
    """A page with a summary, and for each scenario its figures and plots; light and dark."""
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>Load test</title><style>{_STYLE}</style></head><body>",
        "<h1>Load test</h1>",
        f"<p>{escape('; '.join(f'{name} {value}' for name, value in report.machine.items()))}</p>",
        *_summary(report),
        *(() if comparison is None else _compared(comparison)),
        *(part for scenario in report.scenarios for part in _scenario(scenario)),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _summary(report: LoadReport) -> Iterator[str]:
    names = ("throughput", "average", "p50", "p95", "p99", "max")
    heads = "".join(f'<th class="number">{escape(name)}</th>' for name in names)
    heads += '<th class="number">errors</th><th class="number">kB an execution</th><th>targets</th>'
    yield f'<div class="scroll"><table><tr><th>scenario</th>{heads}</tr>'
    for scenario in report.scenarios:
        total = scenario.total
        values = [FIGURES[name].of(total) for name in names]
        cells = [
            "" if value is None else FIGURES[name].shown(value)
            for name, value in zip(names, values, strict=True)
        ]
        cells += [f"{total.error_rate:.2%}", f"{scenario.memory_per_execution / 1e3:.1f}"]
        numbers = "".join(f'<td class="number">{cell}</td>' for cell in cells)
        yield f"<tr><td>{escape(scenario.name)}</td>{numbers}<td>{_met(scenario)}</td></tr>"
    yield "</table></div>"


def _met(report: ScenarioReport) -> str:
    if not report.verdicts:
        return "none"
    return _outcome("met" if report.met else "missed", is_met=report.met)


def _outcome(words: str, *, is_met: bool) -> str:
    return f'<span class="{"met" if is_met else "missed"}">{escape(words)}</span>'


def _compared(comparison: Comparison) -> Iterator[str]:
    yield "<h2>Compared with the earlier report</h2><ul>"
    for line in comparison_lines(comparison):
        is_worse = line.startswith("WORSE")
        yield f"<li>{_outcome(line, is_met=False) if is_worse else escape(line)}</li>"
    yield "</ul>"


def _scenario(report: ScenarioReport) -> Iterator[str]:
    yield f"<h2>{escape(report.name)}</h2><p>{escape(setup_words(report))}</p>"
    yield from _table(figure_rows(report))
    for verdict in report.verdicts:
        yield f"<div>{_outcome(verdict_words(verdict), is_met=verdict.met)}</div>"
    if report.errors:
        yield from _table((f"{count:,} x", error) for error, count in report.errors.items())
    yield f'<div class="charts">{_durations(report)}{_rounds(report)}</div>'


def _table(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield '<div class="scroll"><table>'
    yield from (f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    yield "</table></div>"


def _durations(report: ScenarioReport) -> str:
    """How large a share of the executions had ended after how long."""
    points = [(seconds * 1e3, share * 100) for share, seconds in report.curve]
    marks = [
        Mark(f"target {FIGURES[verdict.figure].shown(verdict.limit)}", verdict.limit * 1e3)
        for verdict in report.verdicts
        if verdict.figure in ("average", "p50", "p95", "p99", "max")
    ]
    return draw_chart(
        [Series("executions", points)],
        title="How long executions took",
        x=Axis("milliseconds", "log"),
        y=Axis("% of executions have ended", least=0, most=100),
        marks=marks,
    )


def _rounds(report: ScenarioReport) -> str:
    """The figures round by round: whether they settle, and whether one is odd."""
    spreads = [(number, each.durations) for number, each in enumerate(report.rounds, 1)]
    known = [(number, spread) for number, spread in spreads if spread is not None]

    def series(name: str) -> Series:
        return Series(name, [(at, _milliseconds(spread, name)) for at, spread in known], dots=True)

    return draw_chart(
        [series("p50"), series("p95"), series("p99")],
        title="Round by round",
        x=Axis("round", least=1, most=max(2, len(report.rounds))),
        y=Axis("milliseconds", least=0),
        marks=[Mark(f"alone {milliseconds(report.alone)}", report.alone * 1e3, across=True)],
    )


def _milliseconds(spread: Spread, name: str) -> float:
    value: float = getattr(spread, name)
    return value * 1e3
