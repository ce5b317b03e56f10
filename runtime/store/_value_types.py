"""The host's own types, by the tags under which their values are stored.

A stored value names a tag, never a module or a class: what is read can only make values of types
that the host has registered.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

import attrs
import msgspec

if TYPE_CHECKING:
    import cattrs

ToPlain = Callable[[Any], object]
FromPlain = Callable[[Any], object]


@attrs.frozen
class ValueType:
    """How values of one type are stored: as `to_plain` gives them, read back by `from_plain`."""

    cls: type
    tag: str
    to_plain: ToPlain
    from_plain: FromPlain


class ValueTypes:
    """The types of a host whose values may be stored. Empty at first."""

    def __init__(self) -> None:
        self._by_class: dict[type, ValueType] = {}
        self._by_tag: dict[str, ValueType] = {}

    def register(self, cls: type, tag: str, converter: cattrs.BaseConverter | None = None) -> None:
        """Let values of exactly this type be stored under a tag, which is kept for ever.

        Attrs classes, dataclasses, msgspec structs and named tuples are stored field by field and
        made again by calling the class; the values in their fields must be storable themselves.
        Enums are stored by value. Any other type needs a `converter`, which then unstructures and
        structures the whole value, nested types included.

        Raises `ValueError` if the type or the tag is taken, `TypeError` if a converter is needed.
        """
        if cls in self._by_class or tag in self._by_tag:
            raise ValueError(f"{cls.__qualname__} or the tag {tag!r} is registered already")
        forms = _forms(cls) if converter is None else _converted(cls, converter)
        self._by_class[cls] = self._by_tag[tag] = ValueType(cls, tag, *forms)

    def of(self, cls: type) -> ValueType | None:
        """How values of a type are stored; None if it is not registered."""
        return self._by_class.get(cls)

    def tagged(self, tag: str) -> ValueType | None:
        """The type behind a tag; None if it is not registered."""
        return self._by_tag.get(tag)


def _converted(cls: type, converter: cattrs.BaseConverter) -> tuple[ToPlain, FromPlain]:
    def structured(plain: object) -> object:
        return cast(object, converter.structure(plain, cls))

    return converter.unstructure, structured


def _forms(cls: type[Any]) -> tuple[ToPlain, FromPlain]:
    make: Callable[..., object] = cls
    if issubclass(cls, Enum):
        return lambda value: value.value, make
    if tuple in cls.__mro__ and hasattr(cls, "_fields"):
        return list, lambda plain: make(*plain)
    names = _field_names(cls)
    if names is None:
        raise TypeError(f"{cls.__qualname__} has no declared fields: give a cattrs converter")
    return (
        lambda value: {name: getattr(value, name) for name in names},
        lambda plain: _made(cls, names, plain),
    )


def _field_names(cls: type[Any]) -> dict[str, str | None] | None:
    """The fields by name, with the parameter that sets each; None if it is set afterwards."""
    if attrs.has(cls):
        return {each.name: each.alias if each.init else None for each in attrs.fields(cls)}
    if dataclasses.is_dataclass(cls):
        return {each.name: each.name if each.init else None for each in dataclasses.fields(cls)}
    if issubclass(cls, msgspec.Struct):
        return {name: name for name in cls.__struct_fields__}
    return None


def _made(cls: type[Any], names: dict[str, str | None], plain: dict[str, Any]) -> object:
    """Call the class; a field that was stored but exists no more is left out."""
    known = {name: value for name, value in plain.items() if name in names}
    given = {names[name]: value for name, value in known.items() if names[name] is not None}
    made: object = cls(**cast("dict[str, Any]", given))
    for name, value in known.items():
        if names[name] is None:
            object.__setattr__(made, name, value)
    return made
