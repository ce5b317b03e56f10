import json
import os
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from processengine.runtime.definition import (
    ALL,
    DefinitionError,
    Function,
    ProcessBuilder,
    RecordedTask,
    critical_path,
    definition_of,
    load_definition,
    load_wfformat,
    recorded_durations,
)

CHECKOUT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("SHARED_DATA", CHECKOUT.parent / "shared"))
INSTANCES = SHARED / "data" / "wfinstances"


def workflow(
    arrows: dict[str, list[str]], runtimes: dict[str, float], name: str = "sky survey.json"
) -> dict[str, Any]:
    tasks = [
        {
            "name": id,
            "id": id,
            "parents": [parent for parent, children in arrows.items() if id in children],
            "children": children,
        }
        for id, children in arrows.items()
    ]
    runs = [{"id": id, "runtimeInSeconds": seconds} for id, seconds in runtimes.items()]
    return {
        "name": name,
        "description": "A small one",
        "schemaVersion": "1.5",
        "workflow": {"specification": {"tasks": tasks}, "execution": {"tasks": runs}},
    }


DIAMOND = workflow(
    {"split": ["left_1", "right_2"], "left_1": ["join"], "right_2": ["join"], "join": []},
    {"split": 1.0, "left_1": 5, "right_2": 3.5, "join": 0.0},
)


def test_a_task_becomes_a_node_that_joins_its_parents() -> None:
    definition = definition_of(DIAMOND)
    assert (definition.id, definition.version) == ("sky-survey", 1)
    assert definition.description == "A small one"
    assert [node.name for node in definition.nodes] == ["split", "left_1", "right_2", "join"]
    assert [str(each) for each in definition.connections] == [
        "split.out -> left_1",
        "split.out -> right_2",
        "left_1.out -> join",
        "right_2.out -> join",
    ]
    assert all(node.join == ALL for node in definition.nodes)
    assert all(node.retry is not None and node.retry.attempts == 1 for node in definition.nodes)


def test_a_node_stands_in_for_its_task() -> None:
    kind = definition_of(DIAMOND).nodes[1].kind
    assert isinstance(kind, Function)
    assert kind.call == RecordedTask("left_1", "left", 5)
    assert kind.runs == "async"


async def test_a_stand_in_sleeps_for_the_time_recorded(
    autojump_clock: trio.testing.MockClock,
) -> None:
    before = trio.current_time()
    await RecordedTask("left_1", "left", 5)()
    assert trio.current_time() - before == 5


def test_tasks_may_be_given_functions_of_their_own(tmp_path: Path) -> None:
    def render() -> None: ...

    (tmp_path / "sky.json").write_text(json.dumps(DIAMOND), encoding="utf-8")
    tasks: list[RecordedTask] = []

    def function_for(task: RecordedTask) -> Any:
        tasks.append(task)
        return render

    definition = load_wfformat(tmp_path / "sky.json", functions=function_for)
    kinds = [node.kind for node in definition.nodes]
    assert all(isinstance(kind, Function) and kind.call is render for kind in kinds)
    assert [task.category for task in tasks] == ["split", "left", "right", "join"]
    assert recorded_durations(definition) == {}


def test_what_was_recorded_is_part_of_what_a_definition_is() -> None:
    other = workflow(
        {"split": ["left_1", "right_2"], "left_1": ["join"], "right_2": ["join"], "join": []},
        {"split": 1.0, "left_1": 6, "right_2": 3.5, "join": 0.0},
    )
    assert definition_of(DIAMOND) == definition_of(DIAMOND)
    assert definition_of(DIAMOND) != definition_of(other)


def test_a_loader_of_documents_takes_workflows_too(tmp_path: Path) -> None:
    (tmp_path / "sky.json").write_text(json.dumps(DIAMOND), encoding="utf-8")
    assert load_definition(tmp_path / "sky.json") == definition_of(DIAMOND)


@pytest.mark.parametrize(("name", "id"), [("", "workflow"), ("  ", "workflow"), ("a b/c", "a-b-c")])
def test_the_name_of_a_workflow_is_made_an_id(name: str, id: str) -> None:
    assert definition_of(workflow({"a": []}, {"a": 1}, name=name)).id == id


def test_the_critical_path_is_the_longest_way() -> None:
    definition = definition_of(DIAMOND)
    durations = recorded_durations(definition)
    assert durations == {"split": 1.0, "left_1": 5, "right_2": 3.5, "join": 0.0}
    assert critical_path(definition, durations) == (6.0, ("split", "left_1", "join"))


def test_a_node_without_a_duration_takes_no_time() -> None:
    definition = definition_of(DIAMOND)
    assert critical_path(definition, {"right_2": 2}) == (2.0, ("split", "right_2", "join"))


def test_a_way_through_a_cycle_has_no_length() -> None:
    builder = ProcessBuilder("loop")
    first, second = builder.wait("a"), builder.wait("b")
    builder.start(first)
    first.then(second).then(first)
    with pytest.raises(
        DefinitionError, match="no cycle, as a way through one has no end, got 'a -> b"
    ):
        critical_path(builder.build(), {})


def test_a_long_chain_is_no_deep_recursion() -> None:
    ids = [f"t{n}" for n in range(10_000)]
    arrows = {id: ids[n + 1 : n + 2] for n, id in enumerate(ids)}
    tasks = workflow({}, dict.fromkeys(ids, 1))
    tasks["workflow"]["specification"]["tasks"] = [
        {"name": id, "id": id, "parents": ids[max(n - 1, 0) : n], "children": arrows[id]}
        for n, id in enumerate(ids)
    ]
    definition = definition_of(tasks)
    length, path = critical_path(definition, recorded_durations(definition))
    assert (length, len(path)) == (10_000.0, 10_000)


@pytest.mark.skipif(not INSTANCES.is_dir(), reason="the shared folder is not beside the checkout")
@pytest.mark.parametrize(
    ("file", "tasks", "arrows", "path", "total"),
    [
        ("1000genome-chameleon-2ch-100k-001.json", 52, 76, 204.686, 2771.295),
        ("helloworld-forkjoin-10-chameleon.json", 10, 16, 307.360, 1028.704),
        ("montage-chameleon-2mass-01d-001.json", 103, 231, 21.122, 362.633),
        ("rnaseq-dirt02-001.json", 197, 451, 759.454, 2580.360),
    ],
)
def test_real_workflows_are_read_whole(
    file: str, tasks: int, arrows: int, path: float, total: float
) -> None:
    definition = load_definition(INSTANCES / file)
    durations = recorded_durations(definition)
    assert (len(definition.nodes), len(definition.connections)) == (tasks, arrows)
    assert critical_path(definition, durations)[0] == pytest.approx(path, abs=0.001)
    assert sum(durations.values()) == pytest.approx(total, abs=0.001)
