"""Processes written down in JSON, TOML or YAML: the same model as the builder's, from text.

The format is described in `docs/definitions.md`. Every fault of a document is found at once, each
with its place in the document.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, get_args

import attrs

from ...supervision import DEFAULT_GROUP, Group
from ._check import drawing_faults, reachability_faults, seal
from ._document_drawing import Draft, Drawing, read_drawing
from ._document_nodes import Surroundings, read_node, stand_in
from ._document_policies import read_group
from ._errors import NOTHING, DefinitionError, Fault
from ._formats import Format, is_mapping, plain_data, plain_file, refuse_odd
from ._model import REQUIRED, Input, InputType, Node, ProcessDefinition
from ._node_types import NodeTypes
from ._parts import Parts
from ._section import COUNT, TEXT, TEXTS, Leaf, Section
from ._suggestion import choice_of
from ._variables import ERROR_VARIABLE
from ._wfformat import definition_of_wfformat, is_wfformat

Definitions = (
    Mapping[str, ProcessDefinition] | Callable[[str, int | None], ProcessDefinition | None]
)

Types = NodeTypes | Callable[[Sequence[str]], NodeTypes]

_KEYS = (
    "id", "version", "description", "timeout", "durability", "retention", "inputs", "groups",
    "on_error", "start", "nodes", "connections",
)  # fmt: skip
_MODULES = "modules"
_NODE_NAME = Leaf[str | None](str, "the name of a node")
_INPUT_TYPE = Leaf[InputType](InputType, f"one of {', '.join(get_args(InputType))}")


def load_definition(
    path: str | os.PathLike[str],
    types: Types | None = None,
    *,
    definitions: Definitions | None = None,
) -> ProcessDefinition:
    """Read a definition from a file: a document, or a recorded workflow in WfFormat.

    The suffix tells the format: `.json`, `.toml`, `.yaml` or `.yml`. `types` are the functions that
    nodes may name, or what gives them for the names that the document lists under `modules`: the
    loader itself never imports anything. `definitions` gives those that nodes of kind `process`
    name, by id, or by id and version. Raises `DefinitionError` with all faults, under the name of
    the file, also where that cannot be read.
    """
    return _definition(plain_file(path), types, definitions or {}, os.fspath(path))


def parse_definition(
    text: str,
    format: Format,
    types: Types | None = None,
    *,
    definitions: Definitions | None = None,
    name: str = "document",
) -> ProcessDefinition:
    """Read a definition from text; `name` is what errors call it. Else as `load_definition`."""
    data = plain_data(text, format, name)
    return _definition(data, types, definitions or {}, name)


def definition_of(
    document: dict[str, Any],
    types: Types | None = None,
    *,
    definitions: Definitions | None = None,
    name: str = "document",
) -> ProcessDefinition:
    """The definition that plain data describes. Otherwise as `parse_definition`."""
    refuse_odd(document, name)
    return _definition(document, types, definitions or {}, name)


def _definition(
    data: object, types: Types | None, definitions: Definitions, name: str
) -> ProcessDefinition:
    if is_wfformat(data):
        return definition_of_wfformat(data, name)
    faults: list[Fault] = []
    section = Section.of(data, "", faults)
    if section is None:
        raise DefinitionError(name, tuple(faults))
    made = _Document(section, _types_of(section, types), definitions).read()
    if made is None:
        raise DefinitionError(name, tuple(faults))
    return made


def _types_of(section: Section, types: Types | None) -> NodeTypes:
    modules = section.take(_MODULES, TEXTS, [])
    if types is None:
        return NodeTypes()
    return types if isinstance(types, NodeTypes) else types(modules)


@attrs.frozen
class _Document:
    """Takes one document apart; faults go to its section."""

    section: Section
    types: NodeTypes
    definitions: Definitions

    def read(self) -> ProcessDefinition | None:
        """The definition; None, and faults, where anything is wrong."""
        faults, before = self.section.faults, len(self.section.faults)
        known = _KEYS if self.section.place else (*_KEYS, _MODULES)
        self.section.refuse_others(known, " of a document")
        drafts = self._drafts()
        drawing = read_drawing(self.section, drafts)
        parts = self._parts(drafts, drawing)
        places = {fault.place for fault in faults}
        found = map(self._placed, _faults_of(parts, drawing))
        faults += [fault for fault in found if fault.place not in places]
        if len(faults) > before:
            positions = {draft.name: index for index, draft in enumerate(drafts)}
            faults[before:] = sorted(
                faults[before:], key=lambda fault: self._position(fault, positions)
            )
            return None
        return seal(parts)

    def _parts(self, drafts: Sequence[Draft], drawing: Drawing) -> Parts:
        inputs, groups = self._inputs(), self._groups()
        return Parts(
            id=self.section.content.get("id", NOTHING),
            version=self.section.content.get("version", 1),
            description=self.section.take("description", TEXT, ""),
            timeout=self.section.take_duration("timeout"),
            durability=self.section.content.get("durability"),
            retention=self._retention(),
            inputs=inputs,
            groups=groups,
            on_error=self.section.take("on_error", _NODE_NAME, None),
            nodes=self._nodes(drafts, drawing, inputs, groups),
            connections=tuple(drawing.connections),
            start=tuple(drawing.start),
        )

    def _retention(self) -> float | dict[str, Any] | None:
        if not isinstance(self.section.content.get("retention"), dict):
            return self.section.take_duration("retention")
        section = self.section.section("retention")
        assert section is not None
        return {state: section.take_duration(state) for state in section.content}

    def _placed(self, fault: Fault) -> Fault:
        """A fault of the parts, with its place in the whole document."""
        place = self.section.place
        return (
            fault
            if fault.place.startswith(place)
            else Fault(f"{place}.{fault.place}", fault.value, fault.expected)
        )

    def _position(self, fault: Fault, nodes: Mapping[str, int]) -> tuple[int, int]:
        """Where a fault stands in the document: its top-level key, and for `nodes` which node."""
        place = fault.place.removeprefix(self.section.place).removeprefix(".")
        key, *rest = re.split(r"[.\[]", place)
        prefixes = (".".join(rest[:end]) for end in range(min(len(rest), 50), 0, -1))
        node = next((nodes[name] for name in prefixes if name in nodes), -1)
        return (_KEYS.index(key) if key in _KEYS else -1, node if key == "nodes" else -1)

    def _drafts(self) -> list[Draft]:
        nodes = self.section.section("nodes")
        if nodes is None:
            return []
        return [Draft(name, nodes.section(name)) for name in nodes.content]

    def _inputs(self) -> tuple[Input, ...]:
        if isinstance(self.section.content.get("inputs"), list):
            return tuple(Input(name) for name in self.section.take("inputs", TEXTS, []))
        inputs = self.section.section("inputs", "a mapping or a list of names")
        return () if inputs is None else tuple(_input(name, inputs) for name in inputs.content)

    def _groups(self) -> tuple[Group, ...]:
        groups = self.section.section("groups")
        return () if groups is None else tuple(self._group(groups, name) for name in groups.content)

    def _group(self, groups: Section, name: str) -> Group:
        section = groups.section(name)
        return Group(name) if section is None else read_group(section, name, self.types)

    def _nodes(
        self,
        drafts: Sequence[Draft],
        drawing: Drawing,
        inputs: Sequence[Input],
        groups: Sequence[Group],
    ) -> tuple[Node, ...]:
        names = dict.fromkeys((DEFAULT_GROUP, *(group.name for group in groups)))
        around = Surroundings(self.types, _known(drafts, inputs), names, self._resolve)
        return tuple(
            (draft.section and read_node(draft.section, draft.name, around))
            or stand_in(draft.name, draft.output, drawing.ports_of(draft.name))
            for draft in drafts
        )

    def _resolve(self, node: Section) -> ProcessDefinition | None:
        named = node.content.get("definition", NOTHING)
        version = node.take("version", COUNT, None)
        if is_mapping(named):
            inline = Section(node.at("definition"), named, node.faults)
            return _Document(inline, self.types, self.definitions).read()
        if not isinstance(named, str):
            node.add("definition", named, "the id of a definition, or a document")
            return None
        return self._look_up(node, named, version)

    def _look_up(self, node: Section, id: str, version: int | None) -> ProcessDefinition | None:
        known: Collection[str] = ()
        if callable(self.definitions):
            found = self.definitions(id, version)
        else:
            found, known = self.definitions.get(id), self.definitions.keys()
        if found is None:
            hint = f" (known: {choice_of(known, id)})" if known else ""
            node.add("definition", id, f"the id of a definition given to the loader{hint}")
        elif version not in (None, found.version):
            node.add("version", version, f"{found.version}, the version given to the loader")
        return found


def _faults_of(parts: Parts, drawing: Drawing) -> list[Fault]:
    """What is wrong with the parts once read; only a whole drawing is asked for its ways."""
    faults = drawing_faults(parts, drawing.place_of)
    return faults or (reachability_faults(parts) if drawing.is_whole else [])


def _input(name: str, inputs: Section) -> Input:
    declared = inputs.section(name)
    if declared is None:
        return Input(name)
    declared.refuse_others(("type", "default", "description"), " of an input")
    type = declared.take("type", _INPUT_TYPE, "any")
    default = declared.content.get("default", REQUIRED)
    return Input(name, type, default, declared.take("description", TEXT, ""))


def _known(drafts: Sequence[Draft], inputs: Sequence[Input]) -> dict[str, str]:
    """The variables that expressions may read; one that a node overwrites has no fixed type."""
    known: dict[str, str] = {ERROR_VARIABLE: "any"}
    known |= {each.name: each.type if each.default is not None else "any" for each in inputs}
    return known | {draft.output: "any" for draft in drafts if draft.has_result}
