"""Where a stack belongs: to the engine, to a node's function, to the store, to the event loop."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import CodeType
from typing import Any, Literal

import attrs

from ..definition import Each, Function, Process, ProcessDefinition
from ._stacks import Frame, Stack

Kind = Literal["engine", "node", "store", "event loop", "profile", "idle"]

_OURS = "processengine."
_STORE = (
    "processengine.runtime.store",
    "processengine.runtime._ledger",
    "processengine.runtime._journal",
)
_PROFILE = "processengine.runtime.profiling"
_POLLS = ("trio._core._io_", "get_events")
_RESTS = frozenset({"threading", "trio._core._thread_cache", "queue", "selectors"})
_RUN = ("trio._core._run", "unrolled_run")


@attrs.frozen
class Place:
    """Where time goes: `name` is that of the node, or says the kind again."""

    kind: Kind
    name: str


@attrs.frozen
class Sight:
    """A place, and the calls inside of it, outermost first."""

    place: Place
    calls: tuple[str, ...]


IDLE = Place("idle", "idle")
Owners = Mapping[CodeType, tuple[str, ...]]
"""Which nodes run a piece of code."""


def owners_of(definition: ProcessDefinition) -> dict[CodeType, tuple[str, ...]]:
    """The nodes by the code of their functions, those of the processes that are called too."""
    owners: dict[CodeType, list[str]] = {}
    for each in _with_calls(definition):
        for node in each.nodes:
            kind = node.kind.body if isinstance(node.kind, Each) else node.kind
            if isinstance(kind, Function):
                for code in codes_of(kind.call):
                    owners.setdefault(code, []).append(node.name)
    return {code: tuple(dict.fromkeys(nodes)) for code, nodes in owners.items()}


def _with_calls(definition: ProcessDefinition) -> Iterator[ProcessDefinition]:
    unseen, seen = [definition], set[int]()
    while unseen:
        each = unseen.pop()
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            kinds = (node.kind for node in each.nodes)
            unseen += [kind.definition for kind in kinds if isinstance(kind, Process)]


def codes_of(function: Callable[..., Any]) -> Iterator[CodeType]:
    """The code of a function, and of what it wraps; sees through partials and callable objects."""
    seen: list[object] = []
    candidates: list[object] = [function]
    while candidates:
        each = candidates.pop()
        if each is None or any(each is other for other in seen):
            continue
        seen.append(each)
        code = getattr(each, "__code__", None)
        if isinstance(code, CodeType):
            yield code
        elif not inspect.isbuiltin(each):
            candidates.append(inspect.getattr_static(type(each), "__call__", None))
        candidates += [getattr(each, name, None) for name in ("func", "__func__", "__wrapped__")]


def sight_of_loop(stack: Stack, owners: Owners) -> Sight:
    """Where the thread of the event loop is."""
    frames = stack.frames
    if frames and _polls(frames[-1]):
        return Sight(IDLE, ())
    owned = _owned(stack, owners)
    if owned is not None:
        return owned
    if _is_node_s_own_task(stack):
        assert stack.node is not None
        return _sight("node", stack.node, frames[stack.task :])
    inner = _inside_of_run(frames)
    ours = [frame.module for frame in inner if frame.module.startswith(_OURS)]
    if not ours:
        return _sight("event loop", "event loop", inner)
    if ours[-1].startswith(_PROFILE):
        return _sight("profile", "profile", inner)
    kind: Kind = "store" if any(module.startswith(_STORE) for module in ours) else "engine"
    return _sight(kind, kind, inner)


def sight_of_thread(stack: Stack, owners: Owners) -> Sight | None:
    """Where another thread is, if it works for an execution: in a node's function or the store."""
    owned = _owned(stack, owners)
    if owned is not None:
        return owned
    frames = stack.frames
    if not frames or frames[-1].module in _RESTS:
        return None
    first = next((i for i, each in enumerate(frames) if each.module.startswith(_STORE)), None)
    return None if first is None else _sight("store", "store", frames[first:])


def _polls(frame: Frame) -> bool:
    """Whether it waits for something to happen outside."""
    module, function = _POLLS
    return frame.module.startswith(module) and frame.function == function


def _owned(stack: Stack, owners: Owners) -> Sight | None:
    """The place of a stack in which a node's function is on its way."""
    for place, frame in enumerate(stack.frames):
        nodes = owners.get(frame.code) if frame.code is not None else None
        if nodes:
            name = stack.node if stack.node in nodes else " or ".join(nodes)
            assert name is not None
            return _sight("node", name, stack.frames[place:])
    return None


def _is_node_s_own_task(stack: Stack) -> bool:
    """Whether it is a task that a node's function has started."""
    if stack.node is None or stack.task >= len(stack.frames):
        return False
    module = stack.frames[stack.task].module
    return not module.startswith((_OURS, "trio."))


def _inside_of_run(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """The calls that trio's loop has made."""
    for place, frame in enumerate(frames):
        if (frame.module, frame.function) == _RUN:
            return frames[place + 1 :] or frames[place:]
    return frames


def _sight(kind: Kind, name: str, frames: Iterable[Frame]) -> Sight:
    return Sight(Place(kind, name), tuple(map(str, frames)))
