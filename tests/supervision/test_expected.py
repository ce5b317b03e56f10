"""What is said about a policy that makes no sense: its field, what that takes, and the value."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from processengine.actors import ProcessEngineError
from processengine.supervision import (
    BreakerPolicy,
    BudgetPolicy,
    Bulkhead,
    Child,
    Group,
    Hedge,
    Intensity,
    RatePolicy,
    Retry,
    RetryLater,
)

Wrong = Any  # what a type checker would have refused

REFUSED: list[tuple[Callable[..., object], dict[str, Wrong], str]] = [
    (Retry, {"attempts": 0}, "Retry.attempts: expected a whole number from 1, got 0"),
    (Retry, {"attempts": True}, "Retry.attempts: expected a whole number from 1, got True"),
    (Retry, {"attempts": "3"}, "Retry.attempts: expected a whole number from 1, got '3'"),
    (Retry, {"initial": "1s"}, "Retry.initial: expected a number of seconds from 0, got '1s'"),
    (Retry, {"multiplier": 0.5}, "Retry.multiplier: expected a number from 1, got 0.5"),
    (Retry, {"total": 0}, "Retry.total: expected a number of seconds above 0, or None, got 0"),
    (
        Retry,
        {"jitter": "half"},
        "Retry.jitter: expected 'full', 'decorrelated' or 'none', got 'half'",
    ),
    (
        Retry,
        {"on": OSError},
        "Retry.on: expected a tuple of exception classes, got <class 'OSError'>",
    ),
    (
        Retry,
        {"never": ("OSError",)},
        "Retry.never: expected a tuple of exception classes, got ('OSError',)",
    ),
    (
        BreakerPolicy,
        {"failure_rate": 2},
        "BreakerPolicy.failure_rate: expected a number above 0, at most 1, or None, got 2",
    ),
    (
        BreakerPolicy,
        {"consecutive_failures": 2.5},
        "BreakerPolicy.consecutive_failures: expected a whole number from 1, or None, got 2.5",
    ),
    (
        BreakerPolicy,
        {"open_seconds": float("nan")},
        "BreakerPolicy.open_seconds: expected a number of seconds above 0, got nan",
    ),
    (BudgetPolicy, {"ratio": 0}, "BudgetPolicy.ratio: expected a number from 0.001, got 0"),
    (Bulkhead, {"concurrency": 0}, "Bulkhead.concurrency: expected a whole number from 1, got 0"),
    (
        RatePolicy,
        {"calls": 1, "seconds": float("inf")},
        "RatePolicy.seconds: expected a number of seconds above 0, got inf",
    ),
    (Hedge, {"after": -1}, "Hedge.after: expected a number of seconds from 0, got -1"),
    (Hedge, {"after": 1, "most": 1}, "Hedge.most: expected a whole number from 2, got 1"),
    (RetryLater, {"after": "soon"}, "RetryLater.after: expected a number of seconds from 0, got"),
    (Intensity, {"restarts": -1}, "Intensity.restarts: expected a whole number from 0, got -1"),
    (Group, {"name": "a", "retry": 3}, "Group.retry: expected a Retry, or None, got 3"),
    (Group, {"name": "a", "shared": 1}, "Group.shared: expected True or False, got 1"),
    (Group, {"name": 5}, "Group.name: expected text, got 5"),
    (
        Child,
        {"name": "a", "start": print, "restart": "always"},
        "Child.restart: expected 'permanent', 'transient' or 'temporary', got 'always'",
    ),
]


@pytest.mark.parametrize(("make", "given", "words"), REFUSED, ids=[case[2] for case in REFUSED])
def test_a_value_that_does_not_fit_is_refused_in_words_of_ours(
    make: Callable[..., object], given: dict[str, Wrong], words: str
) -> None:
    with pytest.raises(ProcessEngineError) as caught:
        make(**given)
    assert str(caught.value).startswith(words)


def test_the_error_is_a_value_error_too_and_survives_pickling() -> None:
    with pytest.raises(ValueError, match=r"Retry\.attempts") as caught:
        Retry(attempts=0)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
