"""The nodes of a document: each kind with its own keys, and the keys that all of them share."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, cast

import attrs
from msgspec import Meta

from ...supervision import DEFAULT_GROUP, Hedge
from ._binding import Binding
from ._document_policies import read_hedge, read_retry
from ._errors import NOTHING, DefinitionError, Fault
from ._expressions import Expression
from ._formats import is_mapping
from ._groups import NOT_IDEMPOTENT, a_declared
from ._kinds import JoinChoice, join_of
from ._model import (
    ALL,
    ERROR,
    OUT,
    REJECTED,
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
from ._suggestion import did_you_mean
from ._values import ANYTHING, CONDITION, ITEMS, SECONDS, Known, Wanted, read_value

_COMMON = (
    "description", "inputs", "output", "join", "rest", "retry", "timeout", "group", "idempotent",
    "then", "on",
)  # fmt: skip
_RUNS = Leaf[Runs | None](Runs, "'async', 'thread' or 'process'")
_REST = Leaf[Rest](Rest, "'absorb' or 'cancel'")
_CHOICE = Leaf[Choice](Choice, "'first' or 'every'")
_JOIN = Leaf[JoinChoice](
    Literal["all", "any", "each"] | Annotated[int, Meta(ge=1)],
    "'all', 'any', 'each' or a number from 1",
)


@attrs.frozen
class Surroundings:
    """What the nodes of a document may refer to: node types, variables, groups, definitions.

    `resolve` gives the definition that a section of kind `process` names or holds; None, and a
    fault in the section, where there is none.
    """

    types: NodeTypes
    known: Known
    groups: Collection[str]
    resolve: Callable[[Section], ProcessDefinition | None]


def read_node(section: Section, name: str, around: Surroundings) -> Node | None:
    """The node a section describes; None, and faults, where anything about it is wrong."""
    return _NodeReader(section, name, around).read()


def stand_in(name: str, output: str, ports: Sequence[str]) -> Node:
    """A node in the place of one at fault, so that the connections round it can be checked."""
    extra = tuple(port for port in dict.fromkeys(ports) if port not in (OUT, ERROR, REJECTED))
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
            known = ", ".join(_KINDS) + did_you_mean(name, _KINDS)
            expected = f"a 'type' (a node function) or a 'kind' ({known})"
            place = place if name is NOTHING else self.section.at("kind")
            self.section.faults.append(Fault(place, name, expected))
            return None
        keys, read = _KINDS[name]
        self.section.refuse_others(["kind", *keys.split(), *_COMMON], f" of a {name} node")
        return read(self)

    def _options(self) -> dict[str, Any]:
        idempotent = self.section.take("idempotent", FLAG, False)
        return {
            "join": self._join(),
            "inputs": self._inputs(),
            "output": self.section.take("output", TEXT, self.name),
            "retry": read_retry(self.section, self.around.types),
            "timeout": self.section.take_duration("timeout"),
            "group": self._group(),
            "idempotent": idempotent,
            "hedge": self._hedge(idempotent),
            "description": self.section.take("description", TEXT, ""),
        }

    def _join(self) -> Join:
        before = len(self.section.faults)
        choice = self.section.take("join", _JOIN, "all")
        rest = self.section.take("rest", _REST, "absorb")
        if len(self.section.faults) > before:
            return ALL
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

    def _group(self) -> str:
        name, groups = self.section.take("group", TEXT, DEFAULT_GROUP), self.around.groups
        if name not in groups:
            self.section.add("group", name, a_declared(groups, name))
        return name

    def _hedge(self, idempotent: bool) -> Hedge | None:
        if self.section.content.get("kind", "function") not in ("function", "each"):
            return None
        hedge = read_hedge(self.section)
        if hedge is not None and not idempotent:
            self.section.add("hedge", self.section.content["hedge"], NOT_IDEMPOTENT)
        return hedge

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
    "function": ("type runs ports hedge", _NodeReader.function),
    "switch": ("cases default choose", _NodeReader.switch),
    "delay": ("seconds", _NodeReader.delay),
    "wait": ("signal within", _NodeReader.wait),
    "each": ("type runs over item concurrency hedge", _NodeReader.each),
    "process": ("definition version", _NodeReader.process),
    "end": ("terminate", _NodeReader.end),
}
