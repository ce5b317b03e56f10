"""Retries: bounds of the back-off, spread of the jitter, what is retried at all."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processengine.supervision import Jitter, Retry

draws = st.floats(0, 1, exclude_max=True)


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


def test_full_jitter_is_spread_evenly_below_the_ceiling() -> None:
    retry, source = Retry(initial=8.0), random.Random(1)
    delays = [retry.delay(1, 0.0, source.random()) for _ in range(10_000)]
    assert statistics.mean(delays) == pytest.approx(4.0, rel=0.03)
    assert statistics.pstdev(delays) == pytest.approx(8 / 12**0.5, rel=0.03)


def test_what_is_retried_can_be_said_by_class() -> None:
    retry = Retry(on=(OSError,), never=(FileNotFoundError,))
    assert retry.is_retryable(ConnectionError())
    assert not retry.is_retryable(ValueError())
    assert not retry.is_retryable(FileNotFoundError())


@pytest.mark.parametrize(
    "wrong",
    [{"attempts": 0}, {"attempts": 1.5}, {"initial": -1}, {"multiplier": 0.5}, {"jitter": "some"}],
)
def test_a_policy_that_cannot_work_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError), match=next(iter(wrong))):
        Retry(**wrong)  # type: ignore[arg-type]
