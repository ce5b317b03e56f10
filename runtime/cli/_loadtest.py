"""`processengine loadtest`: many executions at once, what they took, and what was aimed at."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import msgspec
import trio

from .. import Options
from ..definition import ProcessDefinition, check_inputs
from ..load import (
    FIGURES,
    NOOP,
    SCENARIOS,
    SLEEP,
    Body,
    Comparison,
    LoadReport,
    Scenario,
    Target,
    compare_reports,
    comparison_lines,
    measure_load,
    read_report,
    report_page,
    report_text,
    scenario_lines,
)
from ._arguments import named_pairs, named_values
from ._files import write
from ._interrupts import Interrupts
from ._load_views import LoadView, load_view_for
from ._loading import SUFFIXES, load, types_of
from ._logging import logged_to_standard_error
from ._misuse import Misuse
from ._output import Line, Output

EXECUTIONS = 100
"""Of a process in a file, unless told otherwise."""


@attrs.frozen
class Job:
    """What to run, with what."""

    scenarios: tuple[Scenario, ...]
    rounds: int
    options: dict[str, Any]
    store: str | None


def loadtest(arguments: argparse.Namespace, output: Output) -> int:
    """Run a load test; status 1 if a target was missed or a figure has become worse."""
    before = None if arguments.compare is None else read_report(arguments.compare)
    folder = _folder(arguments.report)
    job = _job(arguments)
    report, interrupts = _run(job, load_view_for(output, arguments.quiet, _names(job)))
    if report is None:
        return interrupts.exit_status
    comparison = None if before is None else compare_reports(before, report)
    if folder is not None:
        _write(folder, report, comparison)
    output.document(report_data(report, comparison))
    output.lines(report_lines(report, comparison))
    return 0 if report.met and not (comparison and comparison.worse) else 1


def _names(job: Job) -> list[str]:
    return [scenario.name for scenario in job.scenarios]


# What was asked for


def _job(arguments: argparse.Namespace) -> Job:
    names: Sequence[str] = arguments.scenarios or list(SCENARIOS)
    scenarios = tuple(_scenario(name, arguments) for name in names)
    if len({scenario.name for scenario in scenarios}) < len(scenarios):
        raise Misuse("two scenarios have the same name")
    return Job(scenarios, arguments.rounds, _options(arguments), _store(arguments))


def _scenario(name: str, arguments: argparse.Namespace) -> Scenario:
    scenario = _standard(name, arguments) if name in SCENARIOS else _own(name, arguments)
    given = named_values("--target", arguments.target, "FIGURE=VALUE")
    targets = {target.figure: target for target in scenario.targets}
    targets.update({figure: _target(figure, value) for figure, value in given.items()})
    inputs = named_values("--input", arguments.input)
    check_inputs(scenario.definition, inputs)
    return attrs.evolve(
        scenario,
        executions=arguments.executions or scenario.executions,
        rate=arguments.rate,
        inputs=inputs or None,
        signals=tuple(named_pairs("--signal", arguments.signal)),
        pause_after=scenario.pause_after if arguments.pause is None else arguments.pause,
        targets=tuple(targets.values()),
    )


def _standard(name: str, arguments: argparse.Namespace) -> Scenario:
    return SCENARIOS[name](_body(arguments.body, arguments.nodes))


def _body(name: str, modules: Sequence[str]) -> Body:
    known = {body.name: body for body in (NOOP, SLEEP)}
    if name in known:
        return known[name]
    found = types_of(modules, "--nodes", Path()).find(name)
    if found is None:
        raise Misuse(f"--body {name}: expected noop, sleep, or a function of --nodes MODULE")
    return Body(name, found.kind.call)


def _own(name: str, arguments: argparse.Namespace) -> Scenario:
    if not name.endswith(SUFFIXES):
        known = ", ".join(SCENARIOS)
        raise Misuse(f"{name}: expected one of {known}, or a file ({', '.join(SUFFIXES)})")
    definition: ProcessDefinition = load(name, arguments.nodes)
    return Scenario(name=definition.id, definition=definition, executions=EXECUTIONS)


def _target(figure: str, value: object) -> Target:
    if figure not in FIGURES:
        raise Misuse(f"--target {figure}: expected one of {', '.join(FIGURES)}")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf:
        return Target(figure, value)
    raise Misuse(f"--target {figure}: expected a number from 0, got {value!r}")


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    given: dict[str, Any] = named_values("--option", arguments.option)
    if arguments.durability is not None:
        if arguments.store is None:
            raise Misuse("--durability: needs --store FILE")
        given["durability"] = arguments.durability
    Options.from_mapping(given, "--option")
    return given


def _store(arguments: argparse.Namespace) -> str | None:
    store: str | None = arguments.store
    if store is not None and Path(store).exists():
        raise Misuse(f"--store {store}: is there already; name a new file")
    return store


def _folder(name: str | None) -> Path | None:
    if name is None:
        return None
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misuse(f"--report {name}: cannot be made: {error.strerror or error}") from None
    return Path(name)


# Doing it


def _run(job: Job, view: LoadView) -> tuple[LoadReport | None, Interrupts]:
    interrupts = Interrupts()
    with interrupts.installed(), logged_to_standard_error() as log:
        log.hides_failures = True  # they are counted, and the report shows the most frequent
        return trio.run(partial(_measure, job, view, interrupts)), interrupts


async def _measure(job: Job, view: LoadView, interrupts: Interrupts) -> LoadReport | None:
    """The report; None if a signal came first."""
    with trio.CancelScope() as scope, view.open():
        interrupts.answer_with(partial(_cancel, scope))
        return await measure_load(
            *job.scenarios,
            rounds=job.rounds,
            options=job.options,
            store=job.store,
            tell=view.took,
        )
    return None


def _cancel(scope: trio.CancelScope) -> None:
    print("cancelling; once more forces the exit", file=sys.stderr)
    scope.cancel()


# Saying what came of it


def _write(folder: Path, report: LoadReport, comparison: Comparison | None) -> None:
    text = report_text(report)
    if comparison is not None:
        text += "\n" + "\n".join(comparison_lines(comparison)) + "\n"
    write(str(folder / "report.json"), report.to_json())
    write(str(folder / "report.txt"), text)
    write(str(folder / "report.html"), report_page(report, comparison))


def report_data(report: LoadReport, comparison: Comparison | None) -> dict[str, Any]:
    """A load test for a JSON document: the report, `met`, and `comparison` or null."""
    changes = None
    if comparison is not None:
        changes = {
            "worse": bool(comparison.worse),
            "changes": [attrs.asdict(change) for change in comparison.changes],
            "passed_over": dict(comparison.passed_over),
        }
    return {**msgspec.to_builtins(report), "met": report.met, "comparison": changes}


def report_lines(report: LoadReport, comparison: Comparison | None) -> Iterator[Line]:
    """A load test for people."""
    for scenario in report.scenarios:
        heading, *lines = scenario_lines(scenario)
        yield heading, "bold"
        for line in lines:
            yield line, _style(line)
    for line in () if comparison is None else comparison_lines(comparison):
        yield line, "bold red" if line.startswith("WORSE") else ""


def _style(line: str) -> str:
    if not line.startswith("  target"):
        return ""
    return "bold red" if "MISSED" in line else "green"
