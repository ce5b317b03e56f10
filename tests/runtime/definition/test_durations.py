import pytest
from hypothesis import given
from hypothesis import strategies as st

from processengine.runtime.definition._durations import duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("5s", 5),
        ("5m", 300),
        ("1h30m", 5400),
        ("200ms", 0.2),
        ("1.5s", 1.5),
        ("2d", 172_800),
        ("1m500ms", 60.5),
        ("0s", 0),
        ("100ms200ms", 0.3),
    ],
)
def test_text_is_read_unit_by_unit(text: str, length: float) -> None:
    assert duration(text) == length


@pytest.mark.parametrize(
    "value", ["", "5", "5 m", "-5m", "m", "5x", "1h 30m", "٣s", "5m\n", None, True, -1, [5], 1e999]
)
def test_anything_else_is_no_length_of_time(value: object) -> None:
    assert duration(value) is None


def test_a_number_is_taken_as_it_is() -> None:
    assert duration(5) == 5
    assert isinstance(duration(5), int)
    assert isinstance(duration(5.0), float)


@given(st.integers(0, 10**9))
def test_whole_seconds_are_integers_so_that_both_ways_of_writing_them_are_equal(
    number: int,
) -> None:
    assert duration(f"{number}s") == number
    assert isinstance(duration(f"{number}s"), int)


@given(st.text(alphabet="0123456789.smhd -", max_size=20))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    found = duration(text)
    assert found is None or found >= 0
