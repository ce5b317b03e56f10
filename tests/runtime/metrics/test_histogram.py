import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processengine.runtime.metrics import EMPTY, Histogram, Recorder
from processengine.runtime.metrics._histogram import BOUNDS

DURATIONS = st.floats(1e-6, 1e7)
ERROR = 0.012


def of(*durations: float) -> Histogram:
    recorder = Recorder()
    for each in durations:
        recorder.record(each)
    return recorder.histogram()


def exact_quantile(durations: list[float], share: float) -> float:
    return sorted(durations)[max(0, math.ceil(share * len(durations)) - 1)]


@given(st.lists(DURATIONS, min_size=1), st.floats(0.0, 1.0))
def test_a_quantile_is_off_by_no_more_than_a_little(durations: list[float], share: float) -> None:
    found = of(*durations).quantile(share)
    assert found == pytest.approx(exact_quantile(durations, share), rel=ERROR)


@given(st.lists(DURATIONS, min_size=1))
def test_count_sum_mean_and_maximum_are_exact(durations: list[float]) -> None:
    histogram = of(*durations)
    assert histogram.count == len(durations)
    assert histogram.total == pytest.approx(sum(durations))
    assert histogram.mean == pytest.approx(sum(durations) / len(durations))
    assert histogram.maximum == max(durations)
    assert histogram.quantile(1.0) <= histogram.maximum


@given(
    st.lists(st.one_of(DURATIONS, st.sampled_from(BOUNDS))),
    st.sampled_from([float(f"{digit}e{power}") for digit in (1, 2, 5) for power in range(-6, 7)]),
)
def test_what_took_so_long_at_most_is_counted_exactly_at_round_bounds(
    durations: list[float], bound: float
) -> None:
    assert of(*durations).at_most(bound) == [sum(each <= bound for each in durations)]


@given(st.lists(DURATIONS), st.lists(DURATIONS))
def test_the_sum_is_as_if_all_had_been_recorded_in_one(a: list[float], b: list[float]) -> None:
    together, added = of(*a, *b), of(*a) + of(*b)
    assert added.counts == together.counts
    assert added.count == together.count
    assert added.maximum == together.maximum
    assert added.total == pytest.approx(together.total)


@given(st.lists(DURATIONS), st.lists(DURATIONS))
def test_since_an_earlier_look_counts_only_what_came_after_it(
    before: list[float], after: list[float]
) -> None:
    since = of(*before, *after).since(of(*before))
    assert since.counts == of(*after).counts
    assert since.count == len(after)
    assert since.total == pytest.approx(sum(after), abs=1e-3, rel=1e-3)
    assert since.maximum == pytest.approx(max(after, default=0.0), rel=2 * ERROR)


def test_a_histogram_of_nothing_has_zeros() -> None:
    assert of() == EMPTY
    assert (EMPTY.mean, EMPTY.quantile(0.5), EMPTY.at_most(1.0)) == (0.0, 0.0, [0])


def test_what_is_beyond_the_buckets_counts_for_those_at_the_ends() -> None:
    histogram = of(0.0, 1e9)
    assert histogram.quantile(0.5) == pytest.approx(1e-6)
    assert histogram.quantile(1.0) == pytest.approx(1e7)
    assert histogram.maximum == 1e9


def test_it_takes_no_more_memory_for_more_durations() -> None:
    recorder = Recorder()
    for number in range(100_000):
        recorder.record(1.0 + number % 100 / 1000)
    assert len(recorder.histogram().counts) < 10
