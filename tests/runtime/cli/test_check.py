import json
from pathlib import Path

from .conftest import Engine


def test_a_file_without_faults_exits_with_0(order: Path, processengine: Engine) -> None:
    ran = processengine("check", "order.yaml", "--nodes", "shop.py")
    assert ran.status == 0
    assert ran.out == "order.yaml: order v2, 6 nodes, 6 connections, no faults\n"


def test_one_of_a_thing_is_not_several(order: Path, processengine: Engine) -> None:
    nodes = {"a": {"kind": "delay", "seconds": 1, "then": "b"}, "b": {"kind": "end"}}
    (order / "two.json").write_text(json.dumps({"id": "two", "nodes": nodes}))
    (order / "one.json").write_text(json.dumps({"id": "one", "nodes": {"b": {"kind": "end"}}}))
    assert processengine("check", "two.json").out == (
        "two.json: two v1, 2 nodes, 1 connection, no faults\n"
    )
    assert processengine("check", "one.json").out == (
        "one.json: one v1, 1 node, 0 connections, no faults\n"
    )


def test_all_faults_are_shown_and_exit_with_2(order: Path, processengine: Engine) -> None:
    document = {"id": "no good", "nodes": {"a": {"type": "nobody"}, "b": {"kind": "delay"}}}
    (order / "bad.json").write_text(json.dumps(document))
    ran = processengine("check", "bad.json")
    assert ran.status == 2
    heading, *faults, hint = ran.out.splitlines()
    assert heading == "bad.json: 3 faults"
    assert "--nodes" in hint
    assert [fault.partition(":")[0].strip() for fault in faults] == [
        "id", "nodes.a.type", "nodes.b.seconds",
    ]  # fmt: skip


def test_faults_are_data_with_json(order: Path, processengine: Engine) -> None:
    (order / "bad.json").write_text('{"id": "bad", "nodes": {"b": {"kind": "delay"}}}')
    document = processengine("check", "bad.json", "--json").document
    assert document["definition"] is None
    assert [fault["place"] for fault in document["faults"]] == ["nodes.b.seconds"]


def test_what_is_allowed_but_cannot_work_is_a_warning(order: Path, processengine: Engine) -> None:
    cases = [{"port": "left", "when": "true"}]
    nodes = {
        "choose": {"kind": "switch", "cases": cases, "default": "right",
                   "on": {"left": "a", "right": "b"}},
        "a": {"kind": "delay", "seconds": 1, "then": "both"},
        "b": {"kind": "delay", "seconds": 1, "then": "both"},
        "both": {"kind": "delay", "seconds": 1, "join": 2},
    }  # fmt: skip
    (order / "odd.json").write_text(json.dumps({"id": "odd", "nodes": nodes}))
    ran = processengine("check", "odd.json")
    assert ran.status == 0
    assert "  warning: nodes.both.join: needs 2 tokens a round, but at most 1 can come" in ran.out
    warnings = processengine("check", "odd.json", "--json").document["warnings"]
    assert warnings[0]["place"] == "nodes.both.join"
