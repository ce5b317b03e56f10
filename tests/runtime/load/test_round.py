"""Rounds under a virtual clock: what takes how long is known, and no time passes."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio

import processengine as pe
from processengine.loadtest import (
    NOOP,
    SCENARIOS,
    SLEEP,
    Body,
    LoadProgress,
    LoadReport,
    LoadTestInTrio,
    Scenario,
    Target,
    UnfitScenario,
    load_test,
    measure_load,
    parse_report,
)
from processengine.runtime.definition import Function
from processengine.runtime.load._round import arrivals
from processengine.testing import run_virtual

from ._samples import small


def measured(
    *scenarios: Scenario,
    rounds: int = 2,
    options: Mapping[str, object] | None = None,
    told: list[LoadProgress] | None = None,
) -> LoadReport:
    """Measure in virtual time."""

    async def main() -> LoadReport:
        tell = None if told is None else told.append
        return await measure_load(*scenarios, rounds=rounds, options=options, tell=tell)

    return run_virtual(main)


def one_node(seconds: float, **options: Any) -> Scenario:
    process = pe.ProcessBuilder("napping")

    async def nap() -> None:
        await trio.sleep(seconds)

    process.node(nap)
    return small(definition=process.build(), **options)


def test_executions_at_once_take_as_long_as_one() -> None:
    report = measured(one_node(0.25, executions=40)).scenarios[0]
    assert report.alone == pytest.approx(0.25)
    assert report.total.durations is not None
    assert report.total.durations.count == 80
    assert report.total.durations.maximum == pytest.approx(0.25)
    assert report.total.seconds == pytest.approx(0.5)
    assert report.total.throughput == pytest.approx(160)


def test_a_duration_includes_the_wait_for_a_place() -> None:
    scenario = one_node(1.0, executions=4)
    report = measured(scenario, rounds=1, options={"max_concurrent_executions": 1}).scenarios[0]
    assert report.total.durations is not None
    assert report.total.durations.maximum == pytest.approx(4.0)
    assert report.total.durations.average == pytest.approx(2.5)


def test_executions_come_at_their_rate_whether_earlier_ones_have_ended_or_not() -> None:
    scenario = one_node(10.0, executions=200, rate=100.0)
    report = measured(scenario, rounds=1).scenarios[0]
    last = list(arrivals(100.0, 200, Random(1)))[-1]
    assert report.total.seconds == pytest.approx(last + 10.0)
    assert report.total.durations is not None
    assert report.total.durations.maximum == pytest.approx(10.0)


def test_what_comes_late_is_counted_from_when_it_was_due() -> None:
    """The event loop is held up for a second; whoever was due meanwhile has waited for it."""
    clock = trio.testing.MockClock(autojump_threshold=0)

    async def hold_up() -> None:
        clock.jump(1.0)  # as if the node computed for a second

    process = pe.ProcessBuilder("held-up")
    process.node(hold_up)
    scenario = small(definition=process.build(), executions=3, rate=1000.0)

    async def main() -> LoadReport:
        return await measure_load(scenario, rounds=1)

    durations = trio.run(main, clock=clock).scenarios[0].total.durations
    assert durations is not None
    assert durations.maximum > 1.5, "the delays before it are left out"


def test_arrivals_are_at_random_at_the_rate_asked_for() -> None:
    dues = list(arrivals(50.0, 5000, Random(3)))
    gaps = [later - due for due, later in itertools.pairwise(dues)]
    assert dues[0] == 0.0
    assert sum(gaps) / len(gaps) == pytest.approx(1 / 50, rel=0.1)
    short = sum(gap < 1 / 50 for gap in gaps) / len(gaps)
    assert short == pytest.approx(0.632, abs=0.03), "the gaps are not exponential"


def test_every_execution_is_paused_while_it_runs_and_resumed() -> None:
    report = measured(SCENARIOS["pause"](NOOP), rounds=1).scenarios[0]
    assert report.total.pauses is not None
    assert report.total.resumes is not None
    assert report.total.pauses.count == report.total.resumes.count == 500
    # Asked for after 5 ms of a node that takes 10.
    assert report.total.pauses.maximum == pytest.approx(0.005)
    assert report.met


def test_an_execution_that_ends_before_its_pause_counts_for_none() -> None:
    report = measured(small(pause_after=1.0, targets=(Target("pause", 1.0),))).scenarios[0]
    assert report.total.pauses is None
    assert report.verdicts[0].value is None
    assert not report.met, "a target nothing was measured for is met"


def test_failures_are_counted_and_told_by_their_text() -> None:
    async def fail() -> None:
        raise LookupError("gone")

    process = pe.ProcessBuilder("failing")
    process.node("fail", fail, retry=pe.NO_RETRY)
    scenario = small(definition=process.build(), targets=(Target("completed", 0.5),))
    report = measured(scenario).scenarios[0]
    assert (report.total.failed, report.total.error_rate) == (10, 1.0)
    assert report.errors == {"LookupError: gone": 10}
    assert not report.met


def test_signals_and_inputs_are_given_to_every_execution() -> None:
    seen: list[tuple[int, str]] = []

    async def look(number: int, go: str) -> None:
        seen.append((number, go))

    process = pe.ProcessBuilder("waiting")
    process.wait("go").then(process.node(look))
    scenario = small(
        definition=process.build(), inputs={"number": 7}, signals=(("go", "now"),), rate=10.0
    )
    report = measured(scenario).scenarios[0]
    assert report.total.failed == 0
    assert set(seen) == {(7, "now")}


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_scenarios_of_the_specification_meet_their_targets_where_computing_takes_no_time(
    name: str,
) -> None:
    told: list[LoadProgress] = []
    # With a seed: how many executions fail in the scenario of errors is chance, 78 on average.
    options = {"seed": 0}
    report = measured(SCENARIOS[name](SLEEP), rounds=1, told=told, options=options).scenarios[0]
    assert report.met
    sizes = {"linear": (10, 1000), "branching": (50, 100), "errors": (10, 1000), "pause": (10, 500)}
    assert (report.setup.nodes, report.setup.executions) == sizes[name]
    assert told[-1].done is not None
    assert told[-1].ended == report.setup.executions


def test_three_attempts_in_ten_fail_in_the_scenario_of_errors() -> None:
    calls = 0

    def count() -> None:
        nonlocal calls
        calls += 1

    async def call() -> None:
        count()

    scenario = SCENARIOS["errors"](Body("counting", call))
    report = measured(scenario, rounds=1).scenarios[0]
    # A node that is reached is left with a chance of 1 - 0.3^4.
    assert report.total.error_rate == pytest.approx(1 - (1 - 0.3**4) ** 10, abs=0.03)
    assert calls > 0


def test_a_plain_function_stays_one_where_it_is_made_to_fail() -> None:
    def work(number: int) -> None: ...

    definition = SCENARIOS["errors"](Body("work", work)).definition
    kind = definition.nodes[0].kind
    assert isinstance(kind, Function)
    assert kind.runs == "thread"
    assert "number" in str(kind.binding)


def test_progress_is_told_while_a_round_runs() -> None:
    told: list[LoadProgress] = []
    measured(one_node(1.0), rounds=1, told=told)
    assert [at.ended for at in told if at.round == 1][-1] == 5
    assert sum(at.round == 1 and at.done is None for at in told) > 5


def test_a_report_survives_being_written_and_read() -> None:
    report = measured(small(targets=(Target("max", 1.0),)))
    assert parse_report(report.to_json()) == report


def test_a_new_runtime_has_to_compile_a_definition_once() -> None:
    hit_rate = measured(small()).scenarios[0].total.cache_hit_rate
    assert hit_rate == pytest.approx(4 / 5), "all but the first find what that had compiled"


def test_executions_are_durable_with_a_store(tmp_path: Path) -> None:
    """In real time, as its writer is a thread."""
    path = tmp_path / "load.db"
    report = load_test(small(), rounds=2, store=path, options={"durability": "lazy"}).scenarios[0]
    assert report.setup.durability == "lazy"
    assert report.total.commit_seconds is not None
    assert report.total.commit_seconds > 0
    assert report.store_per_execution is not None
    with contextlib.closing(pe.SqliteStore(path)) as store:
        assert store.sizes().executions == 3 + 1 + 5 + 2 * 5, "alone, traced, and two rounds"


def test_every_execution_finds_room_however_few_may_be_busy() -> None:
    options = {"max_concurrent_executions": 1, "admission_queue_limit": 0, "keep_ended": 0}
    total = measured(small(executions=3), options=options).scenarios[0].total
    assert (total.refused, total.failed) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"executions": 0}, "executions"),
        ({"rate": 0.0}, "rate"),
        ({"pause_after": -1.0}, "pause_after"),
        ({"targets": (Target("speed", 1.0),)}, "targets"),
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(UnfitScenario, match=field):
        small(**changes)


def test_rounds_must_be_some() -> None:
    with pytest.raises(UnfitScenario, match="rounds"):
        measured(small(), rounds=0)


async def test_the_blocking_call_is_refused_in_a_trio_task() -> None:
    with pytest.raises(LoadTestInTrio):
        load_test(small())


def test_a_load_test_can_be_cancelled() -> None:
    async def main() -> bool:
        with trio.move_on_after(1) as scope:
            await measure_load(one_node(1000.0))
        return scope.cancelled_caught

    assert run_virtual(main)
