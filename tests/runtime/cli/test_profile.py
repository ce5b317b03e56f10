from __future__ import annotations

import json
from pathlib import Path

from .conftest import Engine

ORDER = ("profile", "order.yaml", "--nodes", "shop.py", "--runs", "3")


def test_a_profile_tells_of_every_node(order: Path, processengine: Engine) -> None:
    ran = processengine(*ORDER)
    assert ran.status == 0
    assert "order v2: 3 runs in " in ran.out
    assert "waiting  " in ran.out
    rows = {line.split()[0]: line.split()[1] for line in ran.out.splitlines() if line[2:3].strip()}
    assert (rows["reserve"], rows["charge"], rows["refund"]) == ("1", "1", "0")


def test_with_json_the_figures_are_seconds_of_all_runs(order: Path, processengine: Engine) -> None:
    ran = processengine(*ORDER, "--json", "--at-once", "2", "--input", "total=200",
                        "--signal", "approval=1", "--option", "worker_pool_size=1")  # fmt: skip
    document = ran.document
    assert (document["runs"], document["completed"]) == (3, 3)
    assert document["seconds"] >= document["loop_cpu"] > 0
    nodes = {node["node"]: node for node in document["nodes"]}
    assert nodes["charge"]["attempts"] == 3
    assert nodes["charge"]["running"] > 0
    assert {"places", "in_threads", "waiting", "thread_cpu", "sampler_cpu"} <= document.keys()


def test_a_flame_graph_is_drawn(order: Path, processengine: Engine) -> None:
    processengine(*ORDER, "--flame", "flame.svg", "--store", "profile.db")
    assert (order / "flame.svg").read_text(encoding="utf-8").startswith("<svg ")
    assert (order / "profile.db").is_file()


def test_executions_that_do_not_complete_exit_with_1(order: Path, processengine: Engine) -> None:
    failing = {"id": "failing", "nodes": {"work": {"type": "fail", "retry": {"attempts": 1}}}}
    (order / "failing.json").write_text(json.dumps(failing))
    ran = processengine("profile", "failing.json", "--nodes", "shop.py", "--runs", "2")
    assert ran.status == 1
    assert "2 of them did not complete" in ran.out
    assert ran.err == ""


def test_a_file_that_is_there_is_no_place_for_a_store(order: Path, processengine: Engine) -> None:
    (order / "there.db").write_text("")
    ran = processengine(*ORDER, "--store", "there.db")
    assert ran.status == 2
    assert ran.problem.endswith("--store there.db: is there already; name a new file")
