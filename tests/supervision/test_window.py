"""Windows against the plain list of all calls."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from processengine.supervision import CountWindow, Tally, TimeWindow

calls = st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.booleans()), max_size=60)


@given(calls, st.integers(1, 20))
def test_a_count_window_holds_the_latest_calls(
    given_calls: list[tuple[int, bool, bool]], size: int
) -> None:
    window = CountWindow(size)
    for _, failed, slow in given_calls:
        window.record(0.0, failed=failed, slow=slow)
    latest = given_calls[-size:]
    assert window.tally(0.0) == Tally(
        len(latest), sum(c[1] for c in latest), sum(c[2] for c in latest)
    )


@given(calls, st.integers(0, 200))
def test_a_time_window_holds_the_calls_of_its_slices(
    given_calls: list[tuple[int, bool, bool]], later: int
) -> None:
    window = TimeWindow(100.0, slices=10)
    now = 0.0
    log: list[tuple[int, bool, bool]] = []
    for pause, failed, slow in given_calls:
        now += pause
        window.record(now, failed=failed, slow=slow)
        log.append((int(now // 10), failed, slow))
    now += later
    inside = [call for call in log if call[0] > int(now // 10) - 10]
    assert window.tally(now) == Tally(
        len(inside), sum(c[1] for c in inside), sum(c[2] for c in inside)
    )


@given(calls)
def test_a_cleared_window_is_empty(given_calls: list[tuple[int, bool, bool]]) -> None:
    for window in (CountWindow(5), TimeWindow(10.0)):
        for at, failed, slow in given_calls:
            window.record(float(at), failed=failed, slow=slow)
        window.clear()
        assert window.tally(100.0) == Tally()


def test_rates_of_no_calls_are_zero() -> None:
    assert Tally().failure_rate == Tally().slow_rate == 0.0
