from xml.etree import ElementTree

import pytest

from processengine.runtime.drawing import Flame, draw_flame

SVG = "{http://www.w3.org/2000/svg}"


def names(flame: Flame) -> list[str]:
    """What is written on the calls, from the outermost."""
    drawn = ElementTree.fromstring(draw_flame(flame, title="t"))
    return [each.text or "" for each in drawn.iter(f"{SVG}text") if each.get("class") == "name"]


def shown(name: str, share: float) -> list[str]:
    """What is written on a call that takes a share of the whole."""
    return names(Flame("all", 1.0, (Flame(name, share),)))[1:]


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.5, ["package.module.function"]),
        (0.1, ["module.function"]),
        (0.06, ["function"]),
        (0.03, ["fun…"]),
        (0.02, []),
    ],
)
def test_a_name_loses_its_modules_first_and_then_its_end(share: float, expected: list[str]) -> None:
    assert shown("package.module.function", share) == expected


def test_every_call_has_a_hint_with_its_whole_name_and_time() -> None:
    drawn = draw_flame(Flame("all", 2.0, (Flame("package.function", 0.01),)), title="t")
    assert "package.function\n0.01 s, 0.5%" in drawn


def test_what_is_too_thin_to_be_seen_is_left_out() -> None:
    assert "thin" not in draw_flame(Flame("all", 1.0, (Flame("thin", 0.0001),)), title="t")
