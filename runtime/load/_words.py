"""Reports of load tests and their comparisons as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from ._comparison import COMPARED, Change, Comparison
from ._figures import FIGURES, Figures, Spread, milliseconds
from ._report import LoadReport, ScenarioReport, Verdict


def report_text(report: LoadReport) -> str:
    """A whole report as text."""
    machine = "; ".join(f"{name} {value}" for name, value in report.machine.items())
    parts = [machine, *("\n".join(scenario_lines(each)) for each in report.scenarios)]
    return "\n\n".join(parts) + "\n"


def scenario_lines(report: ScenarioReport) -> Iterator[str]:
    """One scenario: what was run, its figures, its targets, its most frequent failures."""
    yield f"{report.name}: {setup_words(report)}"
    for name, value in figure_rows(report):
        yield f"  {name:<12} {value}"
    for verdict in report.verdicts:
        yield f"  {'target':<12} {verdict_words(verdict)}"
    for error, count in list(report.errors.items())[:3]:
        yield f"  {'failures':<12} {count} x {error}"


def setup_words(report: ScenarioReport) -> str:
    """What was run."""
    setup = report.setup
    begun = "at once" if setup.rate is None else f"at {setup.rate:g}/s"
    parts = [
        f"{setup.executions:,} executions of {setup.definition} {begun}",
        f"{setup.nodes} nodes",
        f"body {setup.body}",
        f"{len(report.rounds)} rounds",
    ]
    if setup.paused:
        parts.append("each paused and resumed")
    if setup.durability is not None:
        parts.append(f"durability {setup.durability}")
    return ", ".join(parts)


def figure_rows(report: ScenarioReport) -> Iterator[tuple[str, str]]:
    """The figures of a scenario by name, in words."""
    total = report.total
    throughput = "no time has passed" if total.throughput is None else f"{total.throughput:,.0f}/s"
    yield "throughput", throughput
    yield from _spreads(total)
    yield "alone", f"{milliseconds(report.alone)} an execution with nothing beside it"
    yield "failures", f"{total.failed} of {total.executions}, {total.refused} refused"
    yield "error rate", f"{total.error_rate:.2%}"
    yield "CPU", f"{milliseconds(total.cpu_per_execution)} an execution"
    yield "memory", _memory_words(report)
    if total.cache_hit_rate is not None:
        yield "cache hits", f"{total.cache_hit_rate:.1%}"
    if report.store_per_execution is not None:
        yield "store", f"{report.store_per_execution:,.0f} bytes an execution"


def _spreads(total: Figures) -> Iterator[tuple[str, str]]:
    for name, spread in (
        ("duration", total.durations), ("pause", total.pauses), ("resume", total.resumes),
    ):  # fmt: skip
        if spread is not None:
            yield name, spread_words(spread)


def spread_words(spread: Spread) -> str:
    """A distribution in a line."""
    values = (
        ("average", spread.average), ("p50", spread.p50), ("p95", spread.p95),
        ("p99", spread.p99), ("max", spread.maximum),
    )  # fmt: skip
    return ", ".join(f"{name} {milliseconds(value)}" for name, value in values)


def _memory_words(report: ScenarioReport) -> str:
    each = f"{report.memory_per_execution / 1e3:.1f} kB an execution"
    peak = report.total.peak_memory
    return f"{each}, {peak / 1e6:,.0f} MB the process at its peak" if peak else each


def verdict_words(verdict: Verdict) -> str:
    """A target, and whether it was met."""
    figure = FIGURES[verdict.figure]
    sign = "<=" if figure.better == "less" else ">="
    got = "nothing was measured" if verdict.value is None else figure.shown(verdict.value)
    outcome = "met" if verdict.met else "MISSED"
    return f"{outcome}: {figure.words} {got}, wanted {sign} {figure.shown(verdict.limit)}"


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """What has changed, the worst first; then what could not be compared."""
    if comparison.machines_differ:
        yield "the machines or versions differ; what has changed may be due to that"
    told = [change for change in comparison.changes if change.trend != "same"]
    for change in sorted(told, key=lambda change: change.trend != "worse"):
        yield change_words(change)
    same = len(comparison.changes) - len(told)
    yield f"{same} of {len(comparison.changes)} figures have not changed beyond the noise"
    for name, why in comparison.passed_over:
        yield f"{name} was not compared: {why}"


def change_words(change: Change) -> str:
    """One change."""
    ratio = "" if change.ratio is None else f" ({change.ratio - 1:+.0%})"
    chance = "" if change.chance is None else f", by chance {change.chance:.2g}"
    return (
        f"{change.trend.upper() if change.trend == 'worse' else change.trend}:"
        f" {change.scenario} {change.figure} {shown(change, change.before)} ->"
        f" {shown(change, change.now)}{ratio}{chance}"
    )


def shown(change: Change, value: float) -> str:
    """A value of a change."""
    figure = COMPARED.get(change.figure)
    return f"{value / 1e3:.1f} kB" if figure is None else figure.shown(value)
