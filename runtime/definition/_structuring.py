"""The boundary at which cattrs makes plain data into what a function asks for.

Imported when the first value has to be made into something: cattrs takes as long to import as a
sixth of trio does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import attrs
import cattrs
import msgspec
from cattrs.gen import make_dict_structure_fn

_CONVERTER = cattrs.Converter()


def structured(value: object, cls: Any) -> object:
    """Make a value into an instance of a class or of a generic type; raises what hooks raise."""
    return _CONVERTER.structure(value, cls)


def messages_of(error: Exception) -> list[str]:
    """What an error of `structured` says is wrong, each with its place."""
    if isinstance(error, cattrs.BaseValidationError):
        return cattrs.transform_error(error)
    return [str(error) or type(error).__name__]


def _instance_or(structure: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda value, cls: value if isinstance(value, cls) else structure(value, cls)


def _strict(value: object, cls: type[Any]) -> object:
    accepted: tuple[type[Any], ...] = (int, float) if cls is float else (cls,)
    if isinstance(value, accepted) and (cls is bool or not isinstance(value, bool)):
        return value
    raise TypeError(f"{type(value).__name__} is not {cls.__name__}")


def _record(cls: Any) -> Callable[[Any, Any], Any]:
    return _instance_or(make_dict_structure_fn(cls, _CONVERTER))


def _is_struct(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, msgspec.Struct)


for _scalar in (str, bytes, int, float, bool):
    _CONVERTER.register_structure_hook(_scalar, _strict)
_CONVERTER.register_structure_hook_factory(attrs.has, _record)
_CONVERTER.register_structure_hook_factory(dataclasses.is_dataclass, _record)
_CONVERTER.register_structure_hook_func(_is_struct, _instance_or(msgspec.convert))
