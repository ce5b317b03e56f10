from __future__ import annotations

from random import Random

import msgspec
import pytest

from processengine.loadtest import Comparison, compare_reports

from ._samples import figures, load_report, noisy_rounds, scenario_report

ROUNDS = 10


def compared(random: Random, slower: float) -> Comparison:
    return compare_reports(
        load_report(scenario_report(noisy_rounds(random, ROUNDS))),
        load_report(scenario_report(noisy_rounds(random, ROUNDS, slower=slower))),
    )


def test_noise_is_called_worse_in_few_cases() -> None:
    random = Random(1)
    wrong = sum(bool(compared(random, 1.0).worse) for _ in range(400))
    assert wrong / 400 < 0.05


def test_a_change_that_is_too_small_to_tell_is_not_told_however_clear_it_is() -> None:
    steady = [figures(duration=0.1 + number * 1e-6) for number in range(ROUNDS)]
    later = [figures(duration=0.105 + number * 1e-6) for number in range(ROUNDS)]
    comparison = compare_reports(
        load_report(scenario_report(steady)), load_report(scenario_report(later))
    )
    assert not comparison.worse
    strict = compare_reports(
        load_report(scenario_report(steady)),
        load_report(scenario_report(later)),
        least_change=0.01,
    )
    assert {change.figure for change in strict.worse} == {"p50", "p95", "p99"}


def test_half_as_slow_again_is_found_in_most_cases_though_one_round_in_ten_is_off() -> None:
    random = Random(2)
    found = sum(bool(compared(random, 1.5).worse) for _ in range(100))
    assert found > 80


def test_it_is_told_what_has_become_better_too() -> None:
    changes = compared(Random(3), 0.5).changes
    assert {change.trend for change in changes if change.figure == "throughput"} == {"better"}
    assert all(change.trend != "worse" for change in changes)


def test_less_throughput_and_fewer_completed_are_worse() -> None:
    before = [figures(seconds=1 + number / 1000) for number in range(ROUNDS)]
    now = [figures(seconds=2 + number / 1000, failed=10) for number in range(ROUNDS)]
    worse = compare_reports(
        load_report(scenario_report(before)), load_report(scenario_report(now))
    ).worse
    assert {change.figure for change in worse} == {"throughput", "completed"}
    assert [change.ratio for change in worse] == [pytest.approx(0.5, rel=0.01), 0.9]


def test_memory_is_compared_by_its_size_alone() -> None:
    rounds = [figures()] * ROUNDS
    before = load_report(scenario_report(rounds, memory=1000.0))
    more = load_report(scenario_report(rounds, memory=1200.0))
    (worse,) = compare_reports(before, more).worse
    assert (worse.figure, worse.chance) == ("memory", None)
    (change,) = [c for c in compare_reports(more, before).changes if c.figure == "memory"]
    assert change.trend == "better"


def test_scenarios_that_were_run_in_another_way_are_passed_over() -> None:
    rounds = [figures()] * ROUNDS
    before = load_report(scenario_report(rounds), scenario_report(rounds[:3], name="short"))
    now = load_report(
        scenario_report(rounds, executions=50),
        scenario_report(rounds, name="short"),
        scenario_report(rounds, name="new"),
    )
    comparison = compare_reports(before, now)
    assert comparison.changes == ()
    assert comparison.passed_over == (
        ("some", "executions was 100, is 50"),
        ("short", "3 and 10 rounds, needed are 4 each"),
        ("new", "it is not in the earlier report"),
    )


def test_another_machine_is_told_but_not_its_load() -> None:
    report = load_report(scenario_report([figures()] * ROUNDS))
    busier = msgspec.structs.replace(report, machine={**report.machine, "load at the start": "9"})
    other = msgspec.structs.replace(report, machine={**report.machine, "cores": "64"})
    assert not compare_reports(report, busier).machines_differ
    assert compare_reports(report, other).machines_differ


def test_a_figure_that_was_not_measured_is_not_compared() -> None:
    silent = [figures(duration=None, seconds=0.0)] * ROUNDS
    report = load_report(scenario_report(silent))
    assert {change.figure for change in compare_reports(report, report).changes} == {
        "completed", "cpu", "memory",
    }  # fmt: skip


def test_a_change_from_nothing_has_no_ratio() -> None:
    change = compare_reports(
        load_report(scenario_report([figures(cpu=0.0)] * ROUNDS)),
        load_report(scenario_report([figures(cpu=1.0)] * ROUNDS)),
    ).worse[0]
    assert change.figure == "cpu"
    assert change.ratio is None
