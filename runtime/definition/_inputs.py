"""The variables an execution is given at its start, held against those its definition declares."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import msgspec

from ._errors import NOTHING, Fault, InputError
from ._model import Input, InputType, ProcessDefinition
from ._suggestion import choice_of, did_you_mean


def check_inputs(definition: ProcessDefinition, inputs: Mapping[str, object]) -> dict[str, object]:
    """The first memory of an execution: `inputs`, with defaults in place of what is missing.

    A definition that declares no inputs takes anything. Raises `InputError` listing every variable
    that is missing, not declared, or of another type. Defaults are copied, given values are not.
    """
    if not definition.inputs:
        return dict(inputs)
    faults = tuple(_faults(definition.inputs, inputs))
    if faults:
        raise InputError(str(definition), faults)
    return {
        each.name: inputs[each.name] if each.name in inputs else copy.deepcopy(each.default)
        for each in definition.inputs
    }


def fits(value: object, type: InputType) -> bool:
    """Whether `value` is of that type; an integer counts as a double, true and false do not."""
    return _FITS[type](value)


def declaration_faults(inputs: Sequence[Input]) -> Iterator[Fault]:
    """What is wrong with the declarations themselves."""
    seen: set[str] = set()
    for each in inputs:
        place = f"inputs.{each.name}"
        if each.type not in _FITS:
            expected = f"one of {', '.join(_FITS)}{did_you_mean(each.type, _FITS)}"
            yield Fault(f"{place}.type", each.type, expected)
        elif not each.is_required and not _accepts(each, each.default):
            yield Fault(f"{place}.default", each.default, _a(each.type))
        if each.name in seen:
            yield Fault(place, each.name, "a name used once")
        seen.add(each.name)


def _faults(declared: Sequence[Input], inputs: Mapping[str, object]) -> Iterator[Fault]:
    for each in declared:
        if each.name not in inputs:
            if each.is_required:
                yield Fault(each.name, NOTHING, _a(each.type))
        elif not _accepts(each, inputs[each.name]):
            yield Fault(each.name, inputs[each.name], _a(each.type))
    names = {each.name for each in declared}
    for name in inputs:
        if name not in names:
            expected = f"a declared input ({choice_of(names, name)})"
            yield Fault(name, inputs[name], expected)


def _accepts(declared: Input, value: object) -> bool:
    return fits(value, declared.type) or (value is None and declared.default is None)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_map(value: object) -> bool:
    if isinstance(value, type):
        return False
    has_fields = attrs.has(type(value)) or dataclasses.is_dataclass(value)
    return has_fields or isinstance(value, (Mapping, msgspec.Struct))


_FITS: Mapping[InputType, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "double": _is_number,
    "bool": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, (list, tuple)),
    "map": _is_map,
    "any": lambda value: True,
}


def _a(type: InputType) -> str:
    """The type in a sentence."""
    return {"any": "a value", "int": "an int"}.get(type, f"a {type}")
