"""A program that is killed at any instant loses nothing it was promised, and repeats no step.

These wait for real time: a process that is killed has no other.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ._campaign import Tally, campaign


def test_what_a_killed_program_did_goes_on_where_its_store_says(tmp_path: Path) -> None:
    tally = campaign(tmp_path / "small", seed=7, copies=1, kills=8)
    assert tally.findings == []
    assert tally.kills > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", [103, 108])
def test_hundreds_of_kills_do_no_harm(seed: int, tmp_path: Path) -> None:
    tally = Tally()
    for part in range(3):
        place = tmp_path / str(part)
        tally.add(campaign(place, seed=1000 * part + seed, copies=3, kills=12))
    assert tally.findings == []
    assert tally.kills > 0
