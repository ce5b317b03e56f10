from xml.etree import ElementTree

from processengine.runtime.drawing import Axis, Mark, Series, draw_chart

SVG = "{http://www.w3.org/2000/svg}"
WIDTH = 560.0
POINTS = [(1.0, 0.3), (2.0, 0.97)]


def texts(drawn: str) -> dict[str, float]:
    """What is written, and where it begins (or its middle, or its end) from the left."""
    root = ElementTree.fromstring(drawn)
    return {each.text or "": float(each.get("x", "0")) for each in root.iter(f"{SVG}text")}


def test_an_axis_ends_at_a_round_value_above_the_values() -> None:
    drawn = draw_chart([Series("s", POINTS)], title="t", x=Axis("x"), y=Axis("y", least=0))
    assert {"0", "0.2", "0.8", "1"} <= texts(drawn).keys()


def test_a_limit_of_an_axis_is_kept() -> None:
    axis = Axis("y", least=0, most=0.97)
    drawn = draw_chart([Series("s", POINTS)], title="t", x=Axis("x", most=10), y=axis)
    assert "0.8" in texts(drawn)
    assert "1" not in texts(drawn)


def test_the_name_of_a_mark_stands_within_the_picture() -> None:
    marks = [Mark("at the begin", 1.0), Mark("at the end of it all", 500.0)]
    drawn = draw_chart(
        [Series("s", POINTS)], title="t", x=Axis("x", "log"), y=Axis("y"), marks=marks
    )
    where = texts(drawn)
    assert 0 < where["at the begin"] < 100
    assert where["at the end of it all"] + 7 * len("at the end of it all") < WIDTH
