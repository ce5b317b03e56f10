"""`processengine simulate`: one execution in virtual time, its figures and its Gantt chart."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from ..definition import Function, ProcessDefinition, RecordedTask
from ..drawing import Bar, draw_gantt
from ..simulation import SimulationReport, TaskRun
from ..simulation import simulate as simulated
from ._arguments import named_pairs, named_values
from ._files import write
from ._loading import load
from ._misuse import Misuse
from ._outcome import STYLES, error_lines, exit_status
from ._output import Line, Output
from ._plain import error_data
from ._words import seconds


def simulate(arguments: argparse.Namespace, output: Output) -> int:
    """Simulate, report, and draw if asked; the exit status tells how the execution ended."""
    durations = _durations(arguments.duration)
    inputs = named_values("--input", arguments.input)
    signals = named_pairs("--signal", arguments.signal)
    definition = load(arguments.file, arguments.nodes)
    report = simulated(
        definition, arguments.workers, durations, arguments.seed, inputs=inputs, signals=signals
    )
    if arguments.gantt is not None:
        write(arguments.gantt, gantt(definition, report))
    output.document(report_data(report))
    output.lines(report_lines(report))
    return exit_status(report.state)


def _durations(texts: list[str]) -> dict[str, float]:
    durations = named_values("--duration", texts, "NODE=SECONDS")
    for name, value in durations.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise Misuse(f"--duration {name}: expected a number of seconds from 0, got {value!r}")
    return durations


def report_data(report: SimulationReport) -> dict[str, object]:
    """A report for a JSON document; times are seconds, `utilisation` is from 0 to 1."""
    return {
        "definition": report.definition,
        "workers": report.workers,
        "state": report.state,
        "reason": report.outcome.reason,
        "error": error_data(report.outcome.error),
        "makespan": _rounded(report.makespan),
        "critical_path": _rounded(report.critical_path),
        "tasks": report.tasks,
        "attempts": report.attempts,
        "peak_concurrency": report.peak_concurrency,
        "busy": _rounded(report.busy),
        "utilisation": _rounded(report.utilisation),
        "path": [
            {"node": step.node, "step": step.step, "seconds": _rounded(step.seconds)}
            for step in report.path
        ],
        "runs": [_run_data(run) for run in report.runs],
    }


def _run_data(run: TaskRun) -> dict[str, object]:
    return {
        "execution": run.execution,
        "node": run.node,
        "step": run.step,
        "attempt": run.attempt,
        "item": run.item,
        "started": _rounded(run.started),
        "ended": _rounded(run.ended),
        "outcome": run.outcome,
    }


def _rounded(value: float) -> float:
    """To the nanosecond: what is beyond is the arithmetic's."""
    return round(value, 9)


def report_lines(report: SimulationReport) -> Iterator[Line]:
    """A report for people."""
    words = f"{report.definition} {report.state.replace('_', ' ')}, simulated with {_bound(report)}"
    yield words, STYLES[report.state]
    if report.outcome.error is not None:
        yield from error_lines(report.outcome.error)
    elif report.outcome.reason:
        yield f"  {report.outcome.reason}", ""
    yield f"  makespan          {report.makespan:.3f} s", ""
    yield f"  critical path     {report.critical_path:.3f} s in {len(report.path)} steps", ""
    yield f"  tasks             {report.tasks} in {report.attempts} attempts", ""
    yield f"  peak concurrency  {report.peak_concurrency}", ""
    yield f"  utilisation       {report.utilisation:.1%} ({seconds(report.busy)} busy)", ""
    yield "  longest way", ""
    for step in report.path:
        yield f"    {step.seconds:10.3f} s  {step.node}", "dim"


def gantt(definition: ProcessDefinition, report: SimulationReport) -> str:
    """The Gantt chart of a report; recorded tasks have the colour of their category."""
    groups = dict(_groups(definition))
    critical = {step.step for step in report.path}
    bars = [
        Bar(
            name=_run_name(run),
            begin=run.started,
            end=run.ended,
            group=groups.get(run.node, run.node),
            is_critical=run.execution == report.outcome.id and run.step in critical,
            has_failed=run.outcome == "failed",
        )
        for run in report.runs
    ]
    subtitle = ", ".join(
        [
            f"{report.makespan:.3f} s with {_bound(report)}",
            f"{report.tasks} tasks",
            f"{report.utilisation:.0%} busy",
            f"outlined: the longest way, {report.critical_path:.3f} s",
        ]
    )
    return draw_gantt(bars, title=report.definition, subtitle=subtitle)


def _bound(report: SimulationReport) -> str:
    if report.workers is None:
        return "no bound on workers"
    return f"{report.workers} worker{'s' if report.workers > 1 else ''}"


def _groups(definition: ProcessDefinition) -> Iterator[tuple[str, str]]:
    for node in definition.nodes:
        if isinstance(node.kind, Function) and isinstance(node.kind.call, RecordedTask):
            yield node.name, node.kind.call.category


def _run_name(run: TaskRun) -> str:
    item = "" if run.item is None else f"[{run.item}]"
    again = f", attempt {run.attempt}" if run.attempt > 1 else ""
    return f"{run.node}{item}{again}"
