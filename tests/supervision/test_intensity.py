"""Restart intensity at exactly its limit, and one beyond."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from processengine.supervision import Intensity


def test_as_many_restarts_as_allowed_are_allowed_and_one_more_is_not() -> None:
    intensity = Intensity(restarts=3, seconds=5.0)
    history: tuple[float, ...] = ()
    for at in (0.0, 1.0, 2.0):
        added = intensity.add(history, at)
        assert added is not None
        history = added
    assert history == (0.0, 1.0, 2.0)
    assert intensity.add(history, 3.0) is None


def test_a_restart_exactly_as_old_as_the_period_still_counts() -> None:
    intensity = Intensity(restarts=1, seconds=5.0)
    assert intensity.add((0.0,), 5.0) is None
    assert intensity.add((0.0,), 5.5) == (5.5,)


def test_no_restart_is_allowed_where_none_is() -> None:
    assert Intensity(restarts=0).add((), 0.0) is None


@given(st.lists(st.integers(0, 20)), st.integers(1, 5), st.integers(1, 30))
def test_it_gives_up_exactly_when_a_period_holds_too_many(
    gaps: list[int], restarts: int, seconds: int
) -> None:
    intensity = Intensity(restarts, float(seconds))
    history: tuple[float, ...] = ()
    times: list[float] = []
    for gap in gaps:
        now = (times[-1] if times else 0.0) + gap
        times.append(now)
        within = [at for at in times if now - at <= seconds]
        added = intensity.add(history, now)
        assert (added is None) == (len(within) > restarts)
        if added is None:
            return
        history = added
