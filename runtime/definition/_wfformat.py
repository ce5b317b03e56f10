"""Recorded scientific workflows (WfFormat 1.5 of the WfCommons project) read as processes.

A task becomes a node of the same name that joins all its parents. By default it sleeps for the time
it took when it was recorded, so that the limits on workers apply to it as to any other node.
Source: https://github.com/wfcommons/WfFormat, `wfcommons-schema.json`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, TypeGuard, cast

import attrs
import trio
from msgspec import Meta

from ...supervision import NO_RETRY
from ._check import define
from ._errors import NOTHING, DefinitionError, Fault
from ._formats import is_mapping, plain_file
from ._kinds import function_kind
from ._model import OUT, Connection, Function, Node, ProcessDefinition
from ._section import TEXT, TEXTS, Leaf, Section

VERSION = "1.5"

_SECONDS = Leaf[float](
    Annotated[int, Meta(ge=0)] | Annotated[float, Meta(ge=0)], "a number of seconds from 0"
)
_SERIAL = re.compile(r"[_-](?:ID)?\d+$")
_NOT_IN_NAME = re.compile(r"^\W+|[^\w.:#-]+")


@attrs.frozen
class RecordedTask:
    """Stands in for a task of a recorded workflow: sleeps as many seconds as that ran.

    `category` is what tasks of the same program have in common.
    """

    id: str
    category: str
    seconds: float

    async def __call__(self) -> None:
        await trio.sleep(self.seconds)


TaskFunction = Callable[[RecordedTask], Callable[..., Any]]


def load_wfformat(
    path: str | os.PathLike[str], *, functions: TaskFunction | None = None
) -> ProcessDefinition:
    """Read a recorded workflow as a process; `functions` gives the function for each task.

    The default is the task itself, which sleeps. Nothing is retried. Raises `DefinitionError` with
    every fault: a task without a runtime, parents and children that disagree, a cycle.
    """
    data, name = plain_file(path), os.fspath(path)
    if not is_wfformat(data):
        expected = "a workflow in WfFormat ('schemaVersion' and 'workflow')"
        raise DefinitionError(name, (Fault("document", data, expected),))
    return definition_of_wfformat(data, name, functions)


def is_wfformat(data: object) -> TypeGuard[dict[str, Any]]:
    """Whether plain data claims to be in WfFormat."""
    return is_mapping(data) and "schemaVersion" in data and "workflow" in data


def definition_of_wfformat(
    data: dict[str, Any], name: str, functions: TaskFunction | None = None
) -> ProcessDefinition:
    """The process that WfFormat data describes. Otherwise as `load_wfformat`."""
    faults: list[Fault] = []
    root = Section("", data, faults)
    tasks = _Tasks(root) if _is_right_version(root) else None
    if tasks is None or faults:
        raise DefinitionError(name, tuple(faults))
    try:
        return define(
            id=_id_of(root.take("name", TEXT, "")),
            version=1,
            nodes=[_node(task, functions) for task in tasks.recorded],
            connections=[Connection(parent, OUT, child) for parent, child in tasks.arrows],
            description=root.take("description", TEXT, ""),
        )
    except DefinitionError as error:
        raise DefinitionError(name, error.faults) from None


def recorded_durations(definition: ProcessDefinition) -> dict[str, float]:
    """The seconds that each task of an imported workflow took when it was recorded, by node."""
    calls = {n.name: n.kind.call for n in definition.nodes if isinstance(n.kind, Function)}
    return {name: call.seconds for name, call in calls.items() if isinstance(call, RecordedTask)}


def _id_of(name: str) -> str:
    return _NOT_IN_NAME.sub("-", name).strip("-").removesuffix(".json") or "workflow"


def _is_right_version(root: Section) -> bool:
    if root.content["schemaVersion"] == VERSION:
        return True
    root.add("schemaVersion", root.content["schemaVersion"], repr(VERSION))
    return False


def _node(task: RecordedTask, functions: TaskFunction | None) -> Node:
    function = task if functions is None else functions(task)
    description = task.category if task.category != task.id else ""
    return Node(
        name=task.id,
        kind=function_kind(function),
        output=task.id,
        retry=NO_RETRY,
        description=description,
    )


class _Tasks:
    """The tasks of a workflow: specified in one section of the file, recorded in another."""

    def __init__(self, root: Section) -> None:
        self._faults = root.faults
        workflow = root.section("workflow") or Section("workflow", {}, [])
        self._specified = _by_id(workflow, "specification")
        is_whole = not self._faults
        self._run = _by_id(workflow, "execution")
        self._parents = {id: _list(task, "parents") for id, task in self._specified.items()}
        self._children = {id: _list(task, "children") for id, task in self._specified.items()}
        self.arrows = [(p, id) for id, parents in self._parents.items() for p in parents]
        self.recorded = [self._task(id, task) for id, task in self._specified.items()]
        if is_whole:
            self._faults.extend(self._one_sided("parents", "children"))
            self._faults.extend(self._one_sided("children", "parents"))
        if not self._faults:
            self._faults.extend(_cycle_faults(self._parents))

    def _one_sided(self, key: str, back: str) -> Iterator[Fault]:
        """Relatives that are no tasks, come twice, or do not know of it."""
        lists = {"parents": self._parents, "children": self._children}
        known = {id: set(names) for id, names in lists[back].items()}
        for id, names in lists[key].items():
            seen: set[str] = set()
            for index, name in enumerate(names):
                place = f"{self._specified[id].at(key)}[{index}]"
                if name not in known:
                    yield Fault(place, name, "the id of a task")
                elif name in seen:
                    yield Fault(place, name, "each task once")
                elif id not in known[name]:
                    yield Fault(place, name, f"a task with {id!r} among its {back}")
                seen.add(name)

    def _task(self, id: str, task: Section) -> RecordedTask:
        run = self._run.get(id)
        if run is None and self._run:
            task.add("id", id, "a task that is also among workflow.execution.tasks")
        seconds = None if run is None else run.require("runtimeInSeconds", _SECONDS)
        return RecordedTask(id, _SERIAL.sub("", task.take("name", TEXT, id)), seconds or 0.0)


def _by_id(workflow: Section, part: str) -> dict[str, Section]:
    """The tasks of one part by their id; those without one, or with that of another, are faults."""
    if part not in workflow.content:
        workflow.add(part, NOTHING, "a mapping with 'tasks'")
        return {}
    around = workflow.section(part)
    if around is None:
        return {}
    if not around.content.get("tasks"):
        around.add("tasks", around.content.get("tasks", NOTHING), "a list of at least one task")
        return {}
    found: dict[str, Section] = {}
    for place, value in around.items("tasks"):
        task = Section.of(value, place, around.faults)
        id = None if task is None else task.require("id", TEXT)
        if task is not None and id is not None:
            if id in found:
                task.add("id", id, "an id used once")
            found[id] = task
    return found


def _list(task: Section, key: str) -> list[str]:
    return task.require(key, TEXTS) or []


def _cycle_faults(parents: Mapping[str, list[str]]) -> Iterator[Fault]:
    try:
        TopologicalSorter(parents).prepare()
    except CycleError as error:
        cycle = cast(list[str], error.args[1])
        expected = "tasks that do not wait for themselves"
        yield Fault("workflow.specification.tasks", " -> ".join(cycle[:10]), expected)
