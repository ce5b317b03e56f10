import json
from pathlib import Path

import pytest

from .conftest import Engine


def test_a_process_is_drawn_as_mermaid_without_its_functions(
    order: Path, processengine: Engine
) -> None:
    ran = processengine("graph", "order.yaml")
    assert ran.status == 0
    assert ran.out.startswith('flowchart LR\n    n0["reserve"]\n')


def test_svg_can_be_asked_for_by_format_or_by_name(order: Path, processengine: Engine) -> None:
    printed = processengine("graph", "order.yaml", "--format", "svg").out
    assert processengine("graph", "order.yaml", "-o", "order.svg").out == ""
    assert printed == (order / "order.svg").read_text(encoding="utf-8")
    assert printed.startswith("<svg ")


def test_capitals_in_the_name_of_a_picture_do_not_matter(
    order: Path, processengine: Engine
) -> None:
    assert processengine("graph", "order.yaml", "-o", "order.SVG").status == 0
    assert (order / "order.SVG").read_text(encoding="utf-8").startswith("<svg ")


@pytest.mark.parametrize("name", ["order.mmd", "order.md", "order.txt", "order"])
def test_a_name_for_text_gets_mermaid(order: Path, processengine: Engine, name: str) -> None:
    assert processengine("graph", "order.yaml", "-o", name).status == 0
    assert (order / name).read_text(encoding="utf-8").startswith("flowchart")


def test_a_picture_we_cannot_draw_is_refused_and_nothing_is_written(
    order: Path, processengine: Engine
) -> None:
    assert processengine("graph", "order.yaml", "-o", "order.png").status == 2
    assert not (order / "order.png").exists()


def test_a_format_beats_a_name(order: Path, processengine: Engine) -> None:
    processengine("graph", "order.yaml", "--format", "mermaid", "-o", "order.svg")
    assert (order / "order.svg").read_text(encoding="utf-8").startswith("flowchart")


def test_with_json_the_drawing_is_in_the_document_unless_it_went_into_a_file(
    order: Path, processengine: Engine
) -> None:
    about = {"file": "order.yaml", "definition": "order v2"}
    printed = processengine("graph", "order.yaml").out
    assert processengine("graph", "order.yaml", "--json").document == {
        **about, "format": "mermaid", "output": None, "drawing": printed,
    }  # fmt: skip
    assert processengine("graph", "order.yaml", "-o", "order.svg", "--json").document == {
        **about, "format": "svg", "output": "order.svg", "drawing": None,
    }  # fmt: skip
    assert (order / "order.svg").read_text(encoding="utf-8").startswith("<svg ")


def test_ports_that_only_functions_know_are_drawn_too(order: Path, processengine: Engine) -> None:
    nodes = {
        "poll": {"type": "poll", "on": {"ready": "end", "late": "end"}},
        "end": {"kind": "end"},
    }
    (order / "poll.json").write_text(json.dumps({"id": "poll", "nodes": nodes}))
    out = processengine("graph", "poll.json").out
    assert '|"ready"|' in out
    assert '|"late"|' in out


def test_other_faults_are_still_faults(order: Path, processengine: Engine) -> None:
    nodes = {"poll": {"type": "poll", "on": {"ready": "nobody"}}}
    (order / "poll.json").write_text(json.dumps({"id": "poll", "nodes": nodes}))
    ran = processengine("graph", "poll.json")
    assert ran.status == 2
    assert "'nobody'" in ran.err


def test_with_its_functions_a_graph_is_checked_in_full(order: Path, processengine: Engine) -> None:
    (order / "other.py").write_text("def other(): ...\n")
    assert processengine("graph", "order.yaml", "--nodes", "other.py").status == 2


def test_to_draw_a_process_nothing_is_imported(order: Path, processengine: Engine) -> None:
    document = {"id": "some", "modules": ["none.py"], "nodes": {"work": {"type": "work"}}}
    (order / "some.json").write_text(json.dumps(document))
    assert processengine("graph", "some.json").status == 0
