"""The nodes of a document: each kind with its own keys, and the keys that all of them share."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, cast

import attrs
from msgspec import Meta

from ...supervision import Jitter, Retry
from ._binding import Binding
from ._builder import JoinChoice, join_of
from ._errors import NOTHING, DefinitionError, Fault
from ._expressions import Expression
from ._formats import is_mapping
from ._model import (
    ALL,
    ERROR,
    OUT,
    Case,
    Choice,
    Delay,
    Each,
    End,
    Function,
    Join,
    Kind,
    Node,
    Process,
    ProcessDefinition,
    Rest,
    Runs,
    Switch,
    Wait,
)
from ._node_types import NodeTypes
from ._section import COUNT, FLAG, TEXT, TEXTS, Leaf, Section
from ._values import ANYTHING, CONDITION, ITEMS, SECONDS, Known, Wanted, read_value

_COMMON = ("description", "inputs", "output", "join", "rest", "retry", "timeout", "then", "on")
_RETRY = ("attempts", "initial", "maximum", "multiplier", "jitter", "on", "never")

_RUNS = Leaf[Runs | None](Runs, "'async', 'thread' or 'process'")
_REST = Leaf[Rest](Rest, "'absorb' or 'cancel'")
_CHOICE = Leaf[Choice](Choice, "'first' or 'every'")
_JITTER = Leaf[Jitter | None](Jitter, "'full', 'decorrelated' or 'none'")
_FACTOR = Leaf[float | None](
    Annotated[int, Meta(ge=1)] | Annotated[float, Meta(ge=1)], "a number from 1"
)
_JOIN = Leaf[JoinChoice](
    Literal["all", "any", "each"] | Annotated[int, Meta(ge=1)],
    "'all', 'any', 'each' or a number from 1",
)


@attrs.frozen
class Surroundings:
    """What the nodes of a document may refer to: node types, variables, other definitions.

    `resolve` gives the definition that a section of kind `process` names or holds; None, and a
    fault in the section, where there is none.
    """

    types: NodeTypes
    known: Known
    resolve: Callable[[Section], ProcessDefinition | None]


def read_node(section: Section, name: str, around: Surroundings) -> Node | None:
    """The node a section describes; None, and faults, where anything about it is wrong."""
    return _NodeReader(section, name, around).read()


def stand_in(name: str, output: str, ports: Sequence[str]) -> Node:
    """A node in the place of one at fault, so that the connections round it can be checked."""
    extra = tuple(port for port in dict.fromkeys(ports) if port not in (OUT, ERROR))
    kind = Function(stand_in, Binding(name, ()), "thread", name, extra)
    return Node(name=name, kind=kind, output=output)


@attrs.frozen
class _NodeReader:
    """Takes the section of one node apart; a method for each kind."""

    section: Section
    name: str
    around: Surroundings

    def read(self) -> Node | None:
        before = len(self.section.faults)
        kind = self._kind()
        options = self._options()
        if kind is None or len(self.section.faults) > before:
            return None
        return Node(name=self.name, kind=kind, **options)

    def _kind(self) -> Kind | None:
        content, place = self.section.content, self.section.place
        name = content.get("kind", "function" if "type" in content else NOTHING)
        if not isinstance(name, str) or name not in _KINDS:
            expected = f"a 'type' (a node function) or a 'kind' ({', '.join(_KINDS)})"
            place = place if name is NOTHING else self.section.at("kind")
            self.section.faults.append(Fault(place, name, expected))
            return None
        keys, read = _KINDS[name]
        self.section.refuse_others(["kind", *keys.split(), *_COMMON], f" of a {name} node")
        return read(self)

    def _options(self) -> dict[str, Any]:
        return {
            "join": self._join(),
            "inputs": self._inputs(),
            "output": self.section.take("output", TEXT, self.name),
            "retry": self._retry(),
            "timeout": self.section.take_duration("timeout"),
            "description": self.section.take("description", TEXT, ""),
        }

    def _join(self) -> Join:
        choice = self.section.take("join", _JOIN, "all")
        rest = self.section.take("rest", _REST, "absorb")
        if "rest" in self.section.content and choice in ("all", "each"):
            self.section.add("rest", rest, "'join: any' or a number beside it")
            return ALL
        return join_of(choice, rest)

    def _inputs(self) -> dict[str, Expression | None]:
        inputs, known, faults = (
            self.section.section("inputs"),
            self.around.known,
            self.section.faults,
        )
        if inputs is None:
            return {}
        if self.section.content.get("kind") == "each":
            known = self._known_with([self.section.take("item", TEXT, "item")])
        return {
            key: read_value(raw, ANYTHING, known, inputs.at(key), faults)
            for key, raw in inputs.content.items()
        }

    def _retry(self) -> Retry | None:
        retry = self.section.section("retry")
        if retry is None:
            return None
        retry.refuse_others(_RETRY, " of a retry")
        given: dict[str, Any] = {
            "attempts": retry.take("attempts", COUNT, None),
            "initial": retry.take_duration("initial"),
            "maximum": retry.take_duration("maximum"),
            "multiplier": retry.take("multiplier", _FACTOR, None),
            "jitter": retry.take("jitter", _JITTER, None),
            "on": self._errors(retry, "on"),
            "never": self._errors(retry, "never"),
        }
        return Retry(**{key: value for key, value in given.items() if value is not None})

    def _errors(self, retry: Section, key: str) -> tuple[type[Exception], ...] | None:
        if key not in retry.content:
            return None
        names = retry.take(key, TEXTS, [])
        found = [self.around.types.find_error(name) for name in names]
        for index, error in enumerate(found):
            if error is None:
                retry.add(
                    f"{key}[{index}]", names[index], "an exception of Python or a registered one"
                )
        return tuple(error for error in found if error is not None)

    def function(self) -> Function | None:
        return self._function(None if "ports" not in self.section.content else self._ports())

    def switch(self) -> Switch:
        cases = [self._case(value, place) for place, value in self.section.items("cases")]
        default = self.section.take("default", TEXT, "") or None
        choose = self.section.take("choose", _CHOICE, "first")
        return Switch(tuple(case for case in cases if case is not None), default, choose)

    def delay(self) -> Delay | None:
        seconds = self._require_value(self.section, "seconds", SECONDS)
        return None if seconds is None else Delay(seconds)

    def wait(self) -> Wait:
        signal = self.section.take("signal", TEXT, self.name)
        if "within" not in self.section.content:
            return Wait(signal)
        return Wait(signal, self._require_value(self.section, "within", SECONDS))

    def each(self) -> Each | None:
        body = self._function(())
        items = self._require_value(self.section, "over", ITEMS)
        item = self.section.take("item", TEXT, "item")
        concurrency = self.section.take("concurrency", COUNT, None)
        return None if body is None or items is None else Each(body, items, item, concurrency)

    def process(self) -> Process | None:
        definition = self.around.resolve(self.section)
        return None if definition is None else Process(definition)

    def end(self) -> End:
        return End(self.section.take("terminate", FLAG, False))

    def _function(self, ports: Sequence[str] | None) -> Function | None:
        name, types = self.section.content.get("type", NOTHING), self.around.types
        node_type = types.find(name) if isinstance(name, str) else None
        runs = self.section.take("runs", _RUNS, None)
        if node_type is None:
            self.section.add("type", name, types.expectation(name))
            return None
        try:
            return node_type.with_options(runs, ports)
        except DefinitionError as error:
            self.section.add("runs", runs, error.faults[0].expected)
            return None

    def _ports(self) -> list[str]:
        return self.section.take("ports", TEXTS, [])

    def _case(self, value: object, place: str) -> Case | None:
        case = Section.of(value, place, self.section.faults)
        if case is None:
            return None
        case.refuse_others(("port", "when"), " of a case")
        port = case.require("port", TEXT)
        when = self._require_value(case, "when", CONDITION)
        return None if port is None or when is None else Case(port, when)

    def _require_value(self, section: Section, key: str, wanted: Wanted) -> Expression | None:
        if key not in section.content:
            section.add(key, NOTHING, wanted.expected)
            return None
        known = self.around.known if wanted is ITEMS else self._known_inside()
        return read_value(section.content[key], wanted, known, section.at(key), section.faults)

    def _known_inside(self) -> Known:
        """The variables, and the node's own `inputs` before them."""
        own = self.section.content.get("inputs")
        return self._known_with(own) if is_mapping(own) else self.around.known

    def _known_with(self, names: Iterable[str]) -> Known:
        return ChainMap(dict.fromkeys(names, "any"), cast(dict[str, str], self.around.known))


_KINDS: Mapping[str, tuple[str, Callable[[_NodeReader], Kind | None]]] = {
    "function": ("type runs ports", _NodeReader.function),
    "switch": ("cases default choose", _NodeReader.switch),
    "delay": ("seconds", _NodeReader.delay),
    "wait": ("signal within", _NodeReader.wait),
    "each": ("type runs over item concurrency", _NodeReader.each),
    "process": ("definition version", _NodeReader.process),
    "end": ("terminate", _NodeReader.end),
}
