import json
from pathlib import Path

import pytest

from .conftest import Engine

ORDER = ("run", "order.yaml", "--nodes", "shop.py")


def write_document(folder: Path, **nodes: object) -> str:
    (folder / "some.json").write_text(json.dumps({"id": "some", "nodes": nodes}))
    return "some.json"


def test_an_execution_that_completes_exits_with_0_and_shows_its_memory(
    order: Path, processengine: Engine
) -> None:
    ran = processengine(*ORDER, "--quiet", "--id", "o1")
    assert ran.status == 0
    heading, *memory = [line for line in ran.out.splitlines() if "by print" not in line]
    assert heading.startswith("o1 (order v2) completed in ")
    assert memory == ["  total    10", '  reserve  "r-10"', "  charge   20"]


def test_an_execution_that_fails_exits_with_1_and_shows_the_traceback(
    order: Path, processengine: Engine
) -> None:
    file = write_document(order, work={"type": "fail", "retry": {"attempts": 1}})
    ran = processengine("run", file, "--nodes", "shop.py", "--quiet", "--id", "x")
    assert ran.status == 1
    lines = ran.out.splitlines()
    assert lines[0].startswith("x (some v1) failed in ")
    assert lines[1:3] == ["  node 'work', attempt 1", "  Traceback (most recent call last):"]
    assert lines[3].endswith('shop.py", line 17, in fail')
    assert lines[4:] == [
        '      raise LookupError("it is\\nnowhere")',
        "  LookupError: it is",
        "  nowhere",
        """  work  "LookupError: it is\\nnowhere (node 'work', attempt 1)\"""",
    ]


def test_an_execution_that_runs_out_of_time_exits_with_3(
    order: Path, processengine: Engine
) -> None:
    file = write_document(order, work={"kind": "delay", "seconds": 60})
    ran = processengine("run", file, "--timeout", "0.05", "--quiet")
    assert ran.status == 3
    assert "timed out" in ran.out


def test_a_timeout_overrides_that_of_the_file(order: Path, processengine: Engine) -> None:
    document = {"id": "some", "timeout": 0.01, "nodes": {"nap": {"kind": "delay", "seconds": 0.1}}}
    (order / "some.json").write_text(json.dumps(document))
    assert processengine("run", "some.json", "--timeout", "60").status == 0


def test_inputs_are_json_where_they_can_be_else_text(order: Path, processengine: Engine) -> None:
    file = write_document(order, nap={"kind": "delay", "seconds": 0})
    (order / "data.json").write_text('{"deep": [1, 2]}')
    (order / "words.txt").write_text("[1, 2]")
    given = {
        "number": "12", "text": "hello", "quoted": '"12"', "list": "[1, null]", "empty": "",
        "nan": "NaN", "equals": "a=b", "data": "@data.json", "words": "@words.txt",
    }  # fmt: skip
    inputs = [part for item in given.items() for part in ("--input", "=".join(item))]
    assert processengine("run", file, "--json", *inputs).document["memory"] == {
        "number": 12, "text": "hello", "quoted": "12", "list": [1, None], "empty": "",
        "nan": "NaN", "equals": "a=b", "data": {"deep": [1, 2]}, "words": "[1, 2]",
    }  # fmt: skip


def test_a_signal_sent_up_front_is_there_when_it_is_waited_for(
    order: Path, processengine: Engine
) -> None:
    approval = 'approval={"by": "eve"}'
    ran = processengine(*ORDER, "--input", "total=200", "--signal", approval, "--json")
    assert ran.status == 0
    assert ran.document["memory"]["approve"] == {"by": "eve"}


def test_an_error_port_catches_a_failure(order: Path, processengine: Engine) -> None:
    ran = processengine(*ORDER, "--input", "total=-1", "--json")
    assert ran.document["state"] == "completed"
    assert ran.document["memory"]["refund"] == "refunded"


def test_with_json_standard_output_is_one_document_whatever_nodes_print(
    order: Path, processengine: Engine
) -> None:
    ran = processengine(*ORDER, "--json", "--id", "o1")
    assert "reserved by print" in ran.err
    document = ran.document
    assert document.pop("duration") > 0
    assert document == {
        "id": "o1",
        "definition": "order v2",
        "state": "completed",
        "reason": None,
        "error": None,
        "memory": {"total": 10, "reserve": "r-10", "charge": 20},
    }


def test_with_json_a_failure_is_data(order: Path, processengine: Engine) -> None:
    file = write_document(order, work={"type": "fail", "retry": {"attempts": 1}})
    error = processengine("run", file, "--nodes", "shop.py", "--json").document["error"]
    assert (error["node"], error["exception"]) == ("work", "LookupError")
    assert "shop.py" in error["traceback"]


def test_values_that_are_no_json_are_shown_as_python_shows_them(
    order: Path, processengine: Engine
) -> None:
    (order / "odd.py").write_text("def odd(): return {'a': {1, 2}, 'b': object, 3: 10**30}\n")
    file = write_document(order, odd={"type": "odd"})
    ran = processengine("run", file, "--nodes", "odd.py", "--json")
    assert ran.document["memory"]["odd"] == {
        "a": [1, 2], "b": "<class 'object'>", "3": 10**30,
    }  # fmt: skip


def test_without_a_terminal_progress_is_a_line_for_each_event(
    order: Path, processengine: Engine
) -> None:
    lines = processengine(*ORDER).out.splitlines()
    events = [line.split()[2:] for line in lines if " s  " in line and "(order" not in line]
    told = [event[:2] for event in events]
    assert ["reserve", "started"] in told
    assert told.index(["reserve", "completed"]) < told.index(["charge", "started"])
    assert ["execution", "completed"] in told


def test_retries_and_waits_are_told_on_a_line_each(order: Path, processengine: Engine) -> None:
    file = write_document(
        order,
        work={"type": "fail", "retry": {"attempts": 2, "initial": 0.001}, "on": {"error": "wait"}},
        wait={"kind": "wait", "signal": "go", "within": 0.01, "on": {"timeout": "end"}},
        end={"kind": "end"},
    )
    out = processengine("run", file, "--nodes", "shop.py").out
    assert "work  retrying     LookupError: it is\n" in out
    assert "work  started      attempt 2" in out
    assert "wait  waiting      for signal 'go'" in out
    assert "by timeout" in out


def test_quiet_shows_the_outcome_only(order: Path, processengine: Engine) -> None:
    assert "started" not in processengine(*ORDER, "-q").out


def test_many_nodes_are_summed_up(order: Path, processengine: Engine) -> None:
    nodes = {f"n{n}": {"kind": "delay", "seconds": 1.5} for n in range(150)}
    lines = processengine("run", write_document(order, **nodes)).out.splitlines()
    assert lines[0].endswith("0 of 150 nodes, 150 running")
    assert len(lines) < 5


def test_options_of_the_runtime_can_be_set(order: Path, processengine: Engine) -> None:
    ran = processengine(*ORDER, "--option", "worker_pool_size=1", "--option", "seed=3", "-q")
    assert ran.status == 0


def test_a_recorded_workflow_can_be_run(folder: Path, processengine: Engine) -> None:
    task: dict[str, object] = {"id": "a", "name": "a", "parents": [], "children": []}
    workflow: dict[str, object] = {
        "specification": {"tasks": [task]},
        "execution": {"tasks": [{"id": "a", "runtimeInSeconds": 0.01}]},
    }
    (folder / "flow.json").write_text(
        json.dumps({"name": "flow", "schemaVersion": "1.5", "workflow": workflow})
    )
    assert processengine("run", "flow.json", "-q").status == 0


def test_functions_come_from_a_module_by_name_too(
    order: Path, processengine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert processengine("run", "order.yaml", "--nodes", "shop", "-q").status == 0


def test_a_process_named_by_id_is_looked_for_beside_the_file(
    order: Path, processengine: Engine
) -> None:
    (order / "inner.json").write_text(
        json.dumps({"id": "inner", "nodes": {"nap": {"kind": "delay", "seconds": 0}}})
    )
    file = write_document(order, child={"kind": "process", "definition": "inner"})
    assert processengine("run", file, "-q").status == 0


def test_processes_that_name_each_other_in_a_circle_are_refused(
    order: Path, processengine: Engine
) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        child = {"kind": "process", "definition": other}
        (order / f"{one}.json").write_text(json.dumps({"id": one, "nodes": {"child": child}}))
    ran = processengine("check", "a.json")
    assert ran.status == 2
    assert "nodes.child.definition" in ran.out


def test_a_document_may_name_the_modules_of_its_functions(
    order: Path, processengine: Engine
) -> None:
    (order / "below").mkdir()
    (order / "below" / "own.py").write_text("def own(): return 'from its own module'\n")
    document = {"id": "some", "modules": ["own.py", "shop"], "nodes": {"own": {"type": "own"}}}
    (order / "below" / "some.json").write_text(json.dumps(document))
    ran = processengine("run", "below/some.json", "--json")
    assert ran.document["memory"] == {"own": "from its own module"}


def test_a_module_may_be_named_twice(order: Path, processengine: Engine) -> None:
    document = {"id": "some", "modules": ["shop.py"], "nodes": {"work": {"type": "refund"}}}
    (order / "some.json").write_text(json.dumps(document))
    ran = processengine("run", "some.json", "--nodes", "shop.py", "--input", "error=1", "-q")
    assert ran.status == 0


def test_a_module_that_a_document_names_in_vain_is_named(
    order: Path, processengine: Engine
) -> None:
    document = {"id": "some", "modules": ["none.py"], "nodes": {"work": {"type": "work"}}}
    (order / "some.json").write_text(json.dumps(document))
    ran = processengine("run", "some.json")
    assert ran.problem == "processengine: some.json: modules: none.py: there is no such file"
