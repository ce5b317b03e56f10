from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processengine.loadtest import (
    UnreadableReport,
    compare_reports,
    parse_report,
    read_report,
    report_page,
    report_text,
)
from processengine.runtime.load._figures import FIGURES, quantile, spread_of
from processengine.runtime.load._measure import curve_of
from processengine.runtime.load._report import judge

from ._samples import figures, load_report, scenario_report

REPORT = load_report(scenario_report([figures(duration=0.1), figures(duration=0.2)] * 3))


def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed() -> None:
    hundred = list(map(float, range(1, 101)))
    spread = spread_of(hundred[::-1])
    assert spread is not None
    assert (spread.p50, spread.p95, spread.p99, spread.maximum) == (50, 95, 99, 100)
    assert spread.average == 50.5
    assert quantile([7.0], 0.99) == 7


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0.01, 1))
def test_a_quantile_is_one_of_the_values_and_no_smaller_one_would_do(
    values: list[float], share: float
) -> None:
    ordered = sorted(values)
    found = quantile(ordered, share)
    assert found in ordered
    at_most = sum(value <= found for value in ordered)
    below = sum(value < found for value in ordered)
    assert below - 1e-6 < share * len(ordered) <= at_most + 1e-6


def test_of_nothing_there_is_no_distribution() -> None:
    assert spread_of([]) is None


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=3000))
def test_a_curve_rises_to_the_largest_value_and_is_thin(values: list[float]) -> None:
    curve = curve_of(values)
    assert list(curve) == sorted(curve)
    assert curve[-1] == (1.0, max(values))
    assert curve[0][1] == min(values)
    assert len(curve) <= 220


@pytest.mark.parametrize(
    ("figure", "limit", "met"),
    [
        ("p95", 0.13, True),
        ("p95", 0.11, False),
        ("p50", 0.1, True),
        ("completed", 0.9, True),
        ("completed", 0.95, False),
        ("throughput", 100.0, True),
        ("throughput", 101.0, False),
        ("pause", 1e9, False),
    ],
)
def test_a_target_is_met_up_to_its_limit(figure: str, limit: float, met: bool) -> None:
    assert judge(figure, limit, figures(failed=10)).met is met


def test_every_figure_can_be_read_and_shown() -> None:
    for figure in FIGURES.values():
        value = figure.of(figures())
        assert value is None or figure.shown(value)


def test_no_throughput_is_told_where_no_time_has_passed() -> None:
    assert figures(seconds=0.0).throughput is None


def test_what_is_no_report_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(UnreadableReport, match=r"none\.json: no report .*: No such file"):
        read_report(tmp_path / "none.json")
    with pytest.raises(UnreadableReport, match=r"report: no report of a load test: .*`format`"):
        parse_report(b"{}")
    with pytest.raises(UnreadableReport, match="its format is 9"):
        parse_report(msgspec.structs.replace(REPORT, format=9).to_json())


def test_the_text_has_every_figure_of_every_scenario() -> None:
    text = report_text(REPORT)
    for words in ("throughput", "p50 100 ms", "p99", "error rate", "memory", "2.0 kB an execution"):
        assert words in text


def test_the_page_is_complete_in_itself_and_its_plots_are_well_formed() -> None:
    slow = load_report(scenario_report([figures(duration=0.9 + n / 1000) for n in range(6)]))
    page = report_page(slow, compare_reports(REPORT, slow))
    assert "WORSE: some p50" in page
    assert not re.search(r'(src|href)="?http', page)
    plots = re.findall(r"<svg .*?</svg>", page, re.DOTALL)
    assert len(plots) == 2
    for plot in plots:
        assert ElementTree.fromstring(plot).tag.endswith("svg")
    assert page.count("prefers-color-scheme:dark") >= 3


def test_what_comes_from_processes_cannot_break_the_page() -> None:
    report = msgspec.structs.replace(REPORT.scenarios[0], errors={"<script>alert(1)</script>": 1})
    page = report_page(load_report(msgspec.structs.replace(report, name="<b>")))
    assert "<script>" not in page
    assert "<b>" not in page
