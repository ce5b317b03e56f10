"""The outage that is drawn in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import ROOT, LoadExample


def test_the_breaker_spares_the_bank_and_the_picture_shows_it(
    load_example: LoadExample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = load_example("outage/outage.py")
    picture = tmp_path / "outage.svg"
    program.main(str(picture))
    alone, guarded = (int(line.split()[-4]) for line in capsys.readouterr().out.splitlines()[:2])
    assert guarded < alone / 50
    kept = ROOT / "docs" / "images" / "outage.svg"
    assert picture.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8")
