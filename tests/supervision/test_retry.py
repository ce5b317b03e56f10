"""Retries: bounds of the back-off, spread of the jitter, what is retried at all, and until when.

The statistics have fixed seeds: they say that the formula has the distribution, not that luck held.
"""

from __future__ import annotations

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processengine.supervision import Jitter, Retry
from processengine.supervision._hints import NonRetryable, RetryLater

draws = st.floats(0, 1, exclude_max=True)
retries = st.builds(
    Retry,
    attempts=st.integers(1, 8),
    initial=st.floats(0, 10),
    maximum=st.floats(0, 60),
    multiplier=st.floats(1, 10),
    jitter=st.sampled_from(["full", "decorrelated", "none"]),
    total=st.one_of(st.none(), st.floats(0.1, 100)),
)


@given(st.integers(1, 5000), draws, st.sampled_from(["full", "none"]))
def test_the_wait_never_exceeds_the_exponential_ceiling(
    failures: int, draw: float, jitter: Jitter
) -> None:
    retry = Retry(initial=0.5, maximum=20.0, jitter=jitter)
    ceiling = min(20.0, 0.5 * 2.0 ** min(failures - 1, 1000))
    delay = retry.delay(failures, 0.0, draw)
    assert 0 <= delay <= ceiling
    assert jitter != "none" or delay == ceiling


@given(st.lists(draws, min_size=1, max_size=50))
def test_decorrelated_waits_stay_between_the_initial_one_and_the_maximum(
    given_draws: list[float],
) -> None:
    retry = Retry(initial=0.5, maximum=20.0, jitter="decorrelated")
    previous = 0.0
    for failures, draw in enumerate(given_draws, start=1):
        delay = retry.delay(failures, previous, draw)
        assert 0.5 <= delay <= min(20.0, max(0.5, 3 * previous))
        previous = delay


@given(retries, st.integers(1, 5000), st.floats(0, 100), draws)
def test_every_wait_is_between_nothing_and_the_maximum(
    retry: Retry, failures: int, previous: float, draw: float
) -> None:
    assert 0 <= retry.delay(failures, previous, draw) <= retry.maximum


@pytest.mark.parametrize("multiplier", [3, 10, 1e6])
def test_the_ceiling_stays_the_maximum_however_often_it_fails(multiplier: float) -> None:
    retry = Retry(attempts=5000, multiplier=multiplier, jitter="none")
    assert retry.delay(4999, 0.0, 0.0) == 30
    assert Retry(initial=0, multiplier=multiplier, jitter="none").delay(4999, 0.0, 0.0) == 0


# Statistics


def distance_from_uniform(values: list[float]) -> float:
    """Kolmogorov's and Smirnov's distance from the uniform distribution on [0, 1], times √n."""
    count = len(values)
    gaps = (
        max((rank + 1) / count - value, value - rank / count)
        for rank, value in enumerate(sorted(values))
    )
    return max(gaps) * math.sqrt(count)


GENEROUS = 2.2
"""A distance that one in eight thousand uniform samples exceeds."""


def test_the_distance_tells_what_is_not_uniform() -> None:
    source = random.Random(0)
    assert distance_from_uniform([source.random() ** 1.1 for _ in range(20_000)]) > GENEROUS


@pytest.mark.parametrize(("failures", "ceiling"), [(1, 8.0), (2, 16.0), (3, 30.0), (9, 30.0)])
def test_full_jitter_is_spread_evenly_below_the_ceiling(failures: int, ceiling: float) -> None:
    retry, source = Retry(initial=8.0), random.Random(failures)
    delays = [retry.delay(failures, 0.0, source.random()) for _ in range(10_000)]
    assert statistics.mean(delays) == pytest.approx(ceiling / 2, rel=0.03)
    assert statistics.pstdev(delays) == pytest.approx(ceiling / 12**0.5, rel=0.03)
    assert distance_from_uniform([delay / ceiling for delay in delays]) < GENEROUS


def decorrelated_waits(retry: Retry, failures: int, source: random.Random) -> list[float]:
    waits = [0.0]
    for failure in range(1, failures + 1):
        waits.append(retry.delay(failure, waits[-1], source.random()))
    return waits[1:]


def test_decorrelated_jitter_is_spread_evenly_up_to_three_times_the_wait_before() -> None:
    retry, source = Retry(initial=1.0, maximum=1e9, jitter="decorrelated"), random.Random(2)
    runs = [decorrelated_waits(retry, 4, source) for _ in range(10_000)]
    for before, at in ((0, 1), (1, 2), (2, 3)):
        places = [(waits[at] - 1) / (3 * waits[before] - 1) for waits in runs]
        assert distance_from_uniform(places) < GENEROUS


def test_decorrelated_waits_grow_by_half_on_average_plus_half_the_initial_one() -> None:
    retry, source = Retry(initial=1.0, maximum=1e9, jitter="decorrelated"), random.Random(3)
    runs = [decorrelated_waits(retry, 4, source) for _ in range(20_000)]
    means = [statistics.mean(waits[place] for waits in runs) for place in range(4)]
    assert means == pytest.approx([1.0, 2.0, 3.5, 5.75], rel=0.03)


def test_decorrelated_waits_of_two_that_began_together_are_soon_unrelated() -> None:
    retry, source = Retry(jitter="decorrelated"), random.Random(4)
    pairs = [
        (decorrelated_waits(retry, 6, source)[-1], decorrelated_waits(retry, 6, source)[-1])
        for _ in range(5_000)
    ]
    first, second = zip(*pairs, strict=True)
    assert abs(statistics.correlation(first, second)) < 0.05


# What is retried


def test_what_is_retried_can_be_said_by_class() -> None:
    retry = Retry(on=(OSError,), never=(FileNotFoundError,))
    assert retry.is_retryable(ConnectionError())
    assert not retry.is_retryable(ValueError())
    assert not retry.is_retryable(FileNotFoundError())


def test_who_says_that_no_retry_can_help_is_believed() -> None:
    assert not Retry().is_retryable(NonRetryable("no such order"))
    assert not Retry(on=(NonRetryable,)).is_retryable(NonRetryable("no such order"))


def test_who_asks_to_be_tried_later_is_unless_that_is_excluded() -> None:
    assert Retry(on=(OSError,)).is_retryable(RetryLater(1))
    assert not Retry(never=(RetryLater,)).is_retryable(RetryLater(1))


# Until when


def next_wait(
    retry: Retry,
    failures: int = 1,
    *,
    after: float | None = None,
    elapsed: float = 0.0,
    remaining: float | None = None,
) -> float | None:
    return retry.next_wait(failures, 0.0, 0.5, after=after, elapsed=elapsed, remaining=remaining)


def test_it_waits_as_the_back_off_says_until_its_attempts_are_used_up() -> None:
    retry = Retry(attempts=4, jitter="none")
    assert [next_wait(retry, failures) for failures in (1, 2, 3, 4)] == [1, 2, 4, None]


def test_a_hint_is_respected_even_above_the_maximum_but_adds_no_attempt() -> None:
    retry = Retry(attempts=2, maximum=5, jitter="none")
    assert next_wait(retry, after=60) == 60
    assert next_wait(retry, 2, after=60) is None


def test_a_hint_never_shortens_the_wait() -> None:
    assert next_wait(Retry(initial=4, jitter="none"), after=0) == 4
    assert next_wait(Retry(initial=4, jitter="none"), after=3) == 4


def test_no_retry_begins_when_the_total_is_over() -> None:
    retry = Retry(initial=2, total=10, jitter="none")
    assert next_wait(retry, elapsed=7.5) == 2
    assert next_wait(retry, elapsed=8) is None
    assert next_wait(retry, elapsed=11) is None
    assert next_wait(retry, after=10) is None


def test_no_retry_begins_when_the_deadline_is_over() -> None:
    retry = Retry(initial=2, jitter="none")
    assert next_wait(retry, remaining=2.5) == 2
    assert next_wait(retry, remaining=2) is None
    assert next_wait(retry, remaining=-1) is None
    assert next_wait(retry, after=30, remaining=30) is None


def test_a_retry_that_waits_for_nothing_needs_time_for_itself() -> None:
    retry = Retry(initial=0, total=5)
    assert next_wait(retry, elapsed=4, remaining=1) == 0
    assert next_wait(retry, elapsed=5) is None
    assert next_wait(retry, remaining=0) is None


@given(
    retries,
    st.integers(1, 10),
    st.floats(0, 100),
    draws,
    st.one_of(st.none(), st.floats(0, 200)),
    st.floats(0, 200),
    st.one_of(st.none(), st.floats(-10, 200)),
)
def test_a_retry_begins_in_time_and_not_before_it_may_or_not_at_all(
    retry: Retry,
    failures: int,
    previous: float,
    draw: float,
    after: float | None,
    elapsed: float,
    remaining: float | None,
) -> None:
    wait = retry.next_wait(
        failures, previous, draw, after=after, elapsed=elapsed, remaining=remaining
    )
    wanted = max(retry.delay(failures, previous, draw), after or 0.0)
    ends = [end for end in (remaining, retry.total and retry.total - elapsed) if end is not None]
    if failures >= retry.attempts or any(wanted >= end for end in ends):
        assert wait is None
    else:
        assert wait == wanted


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"attempts": 1.5},
        {"initial": -1},
        {"multiplier": 0.5},
        {"jitter": "some"},
        {"total": 0},
        {"total": float("nan")},
    ],
)
def test_a_policy_that_cannot_work_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError), match=next(iter(wrong))):
        Retry(**wrong)  # type: ignore[arg-type]
