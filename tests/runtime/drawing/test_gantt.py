from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from processengine.runtime.drawing import Bar, draw_gantt
from processengine.runtime.drawing._lanes import lanes_of, levels_of

SVG = "{http://www.w3.org/2000/svg}"
MOMENT = st.integers(0, 20).map(float)
SPANS = st.lists(
    st.tuples(MOMENT, MOMENT).map(lambda two: (min(two), max(two))).filter(lambda s: s[0] < s[1]),
    max_size=20,
)
Spans = list[tuple[float, float]]


def bars(svg: str) -> list[ElementTree.Element]:
    rectangles = ElementTree.fromstring(svg).iter(f"{SVG}rect")
    return [each for each in rectangles if each.find(f"{SVG}title") is not None]


@given(SPANS)
def test_spans_in_one_lane_do_not_overlap(spans: Spans) -> None:
    lanes = lanes_of(spans)
    for lane in set(lanes):
        inside = sorted(span for span, each in zip(spans, lanes, strict=True) if each == lane)
        assert all(one[1] <= other[0] for one, other in pairwise(inside))


@given(SPANS)
def test_there_are_as_many_lanes_as_spans_overlap_at_most(spans: Spans) -> None:
    peak = max((level for _, level in levels_of(spans)), default=0)
    assert len(set(lanes_of(spans))) == peak


@given(SPANS)
def test_levels_end_at_nothing(spans: Spans) -> None:
    levels = list(levels_of(spans))
    assert not levels or levels[-1][1] == 0


def test_a_bar_is_as_long_as_its_time() -> None:
    svg = draw_gantt([Bar("a", 0, 1), Bar("b", 1, 4)], title="two")
    one, other = (float(bar.get("width", 0)) for bar in bars(svg))
    assert abs(other - 3 * one) < 1


def test_bars_on_the_longest_way_and_failures_stand_out() -> None:
    svg = draw_gantt([Bar("a", 0, 1, is_critical=True), Bar("b", 1, 4, has_failed=True)], title="")
    assert [bar.get("class") for bar in bars(svg)] == ["bar c0 critical", "bar c0 failed"]


def test_groups_share_a_colour_and_small_ones_beyond_the_palette_share_the_last() -> None:
    svg = draw_gantt(
        [Bar(f"b{n}", 0, 100 - n, group=f"g{n % 12}") for n in range(24)], title="many groups"
    )
    colours = {(bar.get("class") or "").split()[1] for bar in bars(svg)}
    assert colours == {f"c{number}" for number in range(10)}


def test_a_chart_without_bars_or_time_can_be_drawn() -> None:
    assert draw_gantt([], title="nothing")
    assert draw_gantt([Bar("a", 0, 0)], title="an instant")
