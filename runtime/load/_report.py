"""The report of a load test: what is written to a file, and read again to compare."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from ._errors import UnreadableReport
from ._figures import FIGURES, Figures

FORMAT = 1


class Verdict(msgspec.Struct, frozen=True):
    """Whether a target was met. `value` is None, and the target missed, where nothing was measured.

    Judged by all rounds together: a maximum is that of every execution in every round.
    """

    figure: str
    limit: float
    value: float | None
    met: bool


class Setup(msgspec.Struct, frozen=True):
    """How a scenario was run: two reports compare only where these are the same.

    `durability` is None without a store. `options` are the options of the runtime that matter to
    capacity.
    """

    definition: str
    nodes: int
    body: str
    executions: int
    rate: float | None
    paused: bool
    durability: str | None
    options: Mapping[str, float | None]


class ScenarioReport(msgspec.Struct, frozen=True):
    """One scenario: each round, and all of them in `total`.

    `alone` is the median duration of executions that had the runtime to themselves, in seconds.
    `memory_per_execution` is in bytes, of Python objects at the peak of a round of its own, with
    what is kept of those that ended; `store_per_execution` are the bytes by which the store's file
    grew. `curve` has durations of all rounds in order, thinned: pairs of a share and seconds.
    `errors` has the most frequent texts of failures.
    """

    name: str
    setup: Setup
    total: Figures
    rounds: tuple[Figures, ...]
    alone: float
    memory_per_execution: float
    store_per_execution: float | None
    verdicts: tuple[Verdict, ...]
    curve: tuple[tuple[float, float], ...]
    errors: Mapping[str, int]

    @property
    def met(self) -> bool:
        """Whether every target was met."""
        return all(verdict.met for verdict in self.verdicts)


class LoadReport(msgspec.Struct, frozen=True):
    """A whole load test.

    `idle_memory` is the resident size of the process with nothing to do, in bytes; 0 where the
    system does not tell.
    """

    format: int
    machine: Mapping[str, str]
    idle_memory: int
    scenarios: tuple[ScenarioReport, ...]

    @property
    def met(self) -> bool:
        """Whether every target of every scenario was met."""
        return all(scenario.met for scenario in self.scenarios)

    def scenario(self, name: str) -> ScenarioReport | None:
        """The scenario of that name, if there is one."""
        return next((each for each in self.scenarios if each.name == name), None)

    def to_json(self) -> str:
        """The report as JSON; times in seconds, sizes in bytes, shares from 0 to 1."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode() + "\n"


def read_report(path: str | Path) -> LoadReport:
    """Read what `LoadReport.to_json` gave from a file. Raises `UnreadableReport`."""
    try:
        return parse_report(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise UnreadableReport(str(path), error.strerror or str(error)) from error


def parse_report(data: bytes | str, source: str = "report") -> LoadReport:
    """Read what `LoadReport.to_json` gave. Raises `UnreadableReport`, naming the `source`."""
    try:
        report = msgspec.json.decode(data, type=LoadReport)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableReport(source, str(error)) from error
    if report.format != FORMAT:
        raise UnreadableReport(source, f"its format is {report.format}, known is {FORMAT}")
    return report


def judge(figure: str, limit: float, total: Figures) -> Verdict:
    """Whether figures keep to a limit."""
    value = FIGURES[figure].of(total)
    if value is None:
        return Verdict(figure, limit, None, met=False)
    met = value <= limit if FIGURES[figure].better == "less" else value >= limit
    return Verdict(figure, limit, value, met)
