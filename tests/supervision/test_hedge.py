"""The hedging policy: its defaults and what it refuses."""

from __future__ import annotations

import pytest

from processengine.supervision._hedge import Hedge


def test_two_attempts_at_once_are_the_most_by_default() -> None:
    assert Hedge(0.5) == Hedge(after=0.5, most=2)


def test_all_attempts_may_start_together() -> None:
    assert Hedge(0, most=4).after == 0


@pytest.mark.parametrize(
    "wrong", [{"after": -1}, {"after": float("nan")}, {"after": "1"}, {"most": 1}, {"most": 2.5}]
)
def test_a_policy_that_cannot_work_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError), match=next(iter(wrong))):
        Hedge(**({"after": 1.0} | wrong))  # type: ignore[arg-type]
