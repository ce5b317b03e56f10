"""What a node function may raise about trying again."""

from __future__ import annotations

import pickle

import pytest

from processengine.actors import ProcessEngineError
from processengine.supervision._hints import NonRetryable, RetryLater


def test_a_hint_says_when_in_its_message_unless_it_has_one() -> None:
    assert str(RetryLater(2.5)) == "to be tried again in 2.5 s"
    assert str(RetryLater(0, "the shop is shut")) == "the shop is shut"


def test_hints_survive_pickling() -> None:
    later = pickle.loads(pickle.dumps(RetryLater(3, "busy")))
    assert isinstance(later, RetryLater)
    assert (later.after, later.message) == (3, "busy")
    never = pickle.loads(pickle.dumps(NonRetryable("no such order")))
    assert isinstance(never, NonRetryable)
    assert str(never) == "no such order"


def test_hints_are_errors_of_the_engine() -> None:
    assert issubclass(RetryLater, ProcessEngineError)
    assert issubclass(NonRetryable, ProcessEngineError)


@pytest.mark.parametrize("after", [-1, float("nan"), float("inf"), "5"])
def test_a_hint_that_is_no_length_of_time_is_refused(after: object) -> None:
    with pytest.raises((ValueError, TypeError), match="after"):
        RetryLater(after)  # type: ignore[arg-type]
