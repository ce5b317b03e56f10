"""What has become worse since an earlier load test, beyond the noise."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import attrs
import msgspec

from ._figures import FIGURES, Better, Figure, Figures
from ._report import LoadReport, ScenarioReport, Setup
from ._significance import adjusted, chance_of_larger

ALPHA = 0.05
LEAST_ROUNDS = 4
"""With fewer rounds each, not even the clearest difference could be told from chance."""

Trend = Literal["worse", "better", "same"]

_P95: dict[str, Callable[[Figures], float | None]] = {
    "p95 pause": lambda f: None if f.pauses is None else f.pauses.p95,
    "p95 resume": lambda f: None if f.resumes is None else f.resumes.p95,
}
COMPARED: dict[str, Figure] = {
    **{name: FIGURES[name] for name in ("throughput", "p50", "p95", "p99", "completed", "cpu")},
    **{name: Figure(name, "s", "less", of) for name, of in _P95.items()},
}
"""The figures of rounds that are compared: not maxima, which a single hiccup decides."""


@attrs.frozen
class Change:
    """One figure of a scenario then and now: medians of the rounds, and what is to be made of it.

    `chance` is how likely so clear a difference would be among rounds that do not differ, corrected
    for all figures that were looked at; None of `memory`, which does not vary from round to round.
    """

    scenario: str
    figure: str
    before: float
    now: float
    chance: float | None
    trend: Trend

    @property
    def ratio(self) -> float | None:
        """Now to before; None where there was nothing before."""
        return self.now / self.before if self.before else None


@attrs.frozen
class Comparison:
    """All changes, and which scenarios were passed over, and why."""

    changes: tuple[Change, ...]
    passed_over: tuple[tuple[str, str], ...]
    machines_differ: bool = False

    @property
    def worse(self) -> tuple[Change, ...]:
        """What has become worse."""
        return tuple(change for change in self.changes if change.trend == "worse")


def compare_reports(
    before: LoadReport, now: LoadReport, *, least_change: float | None = None, alpha: float = ALPHA
) -> Comparison:
    """Compare a load test with an earlier one, figure by figure.

    A figure is worse if the medians of its rounds differ by more than is worth telling (10%; 0.01
    of a share; `least_change` in place of both) and the rounds rank so clearly apart that this is
    chance in fewer than `alpha` of cases, all figures together; so it is with what is better.
    Scenarios that were run in another
    way, or with fewer than 4 rounds, are passed over.
    """
    passed_over = tuple(_passed_over(before, now))
    names = {name for name, _ in passed_over}
    pairs = [
        (earlier, later)
        for later in now.scenarios
        if later.name not in names and (earlier := before.scenario(later.name)) is not None
    ]
    questions = [question for pair in pairs for question in _questions(*pair)]
    chances = adjusted([question.chance for question in questions])
    changes = [
        question.answered(chance, least_change, alpha)
        for question, chance in zip(questions, chances, strict=True)
    ]
    changes += [_memory_change(*pair, least_change) for pair in pairs]
    differ = {**before.machine, "load at the start": ""} != {
        **now.machine,
        "load at the start": "",
    }
    return Comparison(tuple(changes), passed_over, differ)


def _passed_over(before: LoadReport, now: LoadReport) -> Iterator[tuple[str, str]]:
    for later in now.scenarios:
        earlier = before.scenario(later.name)
        if earlier is None:
            yield later.name, "it is not in the earlier report"
        elif differences := ", ".join(_differences(earlier.setup, later.setup)):
            yield later.name, differences
        elif min(len(earlier.rounds), len(later.rounds)) < LEAST_ROUNDS:
            counts = f"{len(earlier.rounds)} and {len(later.rounds)} rounds"
            yield later.name, f"{counts}, needed are {LEAST_ROUNDS} each"


def _differences(before: Setup, now: Setup) -> Iterator[str]:
    for name in msgspec.structs.asdict(now):
        then, later = getattr(before, name), getattr(now, name)
        if then != later:
            yield f"{name} was {then}, is {later}"


@attrs.frozen
class _Question:
    """Whether a figure has changed the way it seems to have; `chance` is that of such ranks."""

    scenario: str
    name: str
    figure: Figure
    before: Sequence[float]
    now: Sequence[float]
    chance: float

    def answered(self, chance: float, least: float | None, alpha: float) -> Change:
        before, now = statistics.median(self.before), statistics.median(self.now)
        trend: Trend = "same"
        least = self.figure.least_change if least is None else least
        if chance < alpha and _is_worth_telling(self.figure, before, now, least):
            trend = _trend(self.figure.better, before, now)
        return Change(self.scenario, self.name, before, now, chance, trend)


def _questions(before: ScenarioReport, now: ScenarioReport) -> Iterator[_Question]:
    for name, figure in COMPARED.items():
        then, later = _values(before, figure), _values(now, figure)
        if then and later:
            is_more = statistics.median(later) >= statistics.median(then)
            pair = (then, later) if is_more else (later, then)
            yield _Question(before.name, name, figure, then, later, chance_of_larger(*pair))


def _values(report: ScenarioReport, figure: Figure) -> list[float]:
    values = [figure.of(each) for each in report.rounds]
    return [value for value in values if value is not None]


def _is_worth_telling(figure: Figure, before: float, now: float, least: float) -> bool:
    change = abs(now - before)
    return change >= least if figure.unit == "share" else change >= least * before


def _trend(better: Better, before: float, now: float) -> Trend:
    if now == before:
        return "same"
    return "better" if (now < before) == (better == "less") else "worse"


def _memory_change(before: ScenarioReport, now: ScenarioReport, least: float | None) -> Change:
    then, later = before.memory_per_execution, now.memory_per_execution
    is_more = abs(later - then) >= (0.10 if least is None else least) * then
    trend = _trend("less", then, later) if is_more else "same"
    return Change(before.name, "memory", then, later, None, trend)
