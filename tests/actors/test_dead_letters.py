"""The dead-letter office counts everything and keeps the latest."""

from __future__ import annotations

from processengine.actors import DeadLetter, DeadLetters, Resume


def test_letters_are_counted_by_reason_and_only_the_latest_are_kept() -> None:
    office = DeadLetters(keep=2)
    for number in range(5):
        office.add(DeadLetter(f"a{number}", Resume(), "gone" if number else "full", 1.0))
    assert len(office) == 5
    assert office.counts == {"full": 1, "gone": 4}
    assert [letter.address for letter in office.latest] == ["a3", "a4"]
