"""One mapping of a document, taken apart key by key; all faults go on one list, with places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Generic, TypeVar, cast

import attrs
import msgspec
from msgspec import Meta

from ._durations import A_DURATION, duration
from ._errors import NOTHING, Fault
from ._formats import is_list, is_mapping
from ._suggestion import did_you_mean

T = TypeVar("T")

_INNER_PLACE = re.compile(r" - at `\$\[(\d+)\]`")


@attrs.frozen
class Leaf(Generic[T]):
    """A kind of value: the type msgspec converts to, and how to tell a reader what was expected."""

    type: Any
    expected: str


TEXT = Leaf[str](str, "text")
TEXTS = Leaf[list[str]](list[str], "a list of text")
FLAG = Leaf[bool](bool, "true or false")
COUNT = Leaf[int | None](Annotated[int, Meta(ge=1)], "an integer from 1")


@attrs.frozen
class Section:
    """A mapping of a document, where it stands, and the list its faults are added to.

    What takes a key returns its value, or `default` where the key is missing or its value at fault;
    compare `len(faults)` to tell the two apart.
    """

    place: str
    content: dict[str, Any] = attrs.field(repr=False)
    faults: list[Fault] = attrs.field(repr=False)

    @classmethod
    def of(
        cls, value: object, place: str, faults: list[Fault], expected: str = "a mapping"
    ) -> Section | None:
        """The section a value holds; None, and a fault, where it is no mapping."""
        if is_mapping(value):
            return cls(place, value, faults)
        faults.append(Fault(place or "document", value, expected))
        return None

    def at(self, key: str) -> str:
        """The place of a key of this section."""
        return f"{self.place}.{key}".removeprefix(".")

    def add(self, key: str, value: object, expected: str) -> None:
        """Note a fault at `key`."""
        self.faults.append(Fault(self.at(key), value, expected))

    def take(self, key: str, leaf: Leaf[T], default: T) -> T:
        """The value at `key`, if it is what `leaf` asks for."""
        if key not in self.content:
            return default
        converted = self.convert(self.content[key], leaf, self.at(key))
        return default if converted is None else converted

    def require(self, key: str, leaf: Leaf[T]) -> T | None:
        """As `take`, but a missing key is a fault."""
        if key not in self.content:
            self.add(key, NOTHING, leaf.expected)
            return None
        return self.convert(self.content[key], leaf, self.at(key))

    def take_duration(self, key: str) -> int | float | None:
        """Seconds, from a number or text."""
        if key not in self.content:
            return None
        found = duration(self.content[key])
        if found is None:
            self.add(key, self.content[key], A_DURATION)
        return found

    def section(self, key: str, expected: str = "a mapping") -> Section | None:
        """The mapping at `key`; None where it is missing or no mapping."""
        if key not in self.content:
            return None
        return Section.of(self.content[key], self.at(key), self.faults, expected)

    def items(self, key: str) -> list[tuple[str, object]]:
        """The values in the list at `key`, each with its place; one that is no list is a fault."""
        values = self.content.get(key, [])
        if not is_list(values):
            self.add(key, values, "a list")
            return []
        return [(f"{self.at(key)}[{index}]", value) for index, value in enumerate(values)]

    def refuse_others(self, known: Iterable[str], of: str = "") -> None:
        """Note a fault for every key that is not `known`; `of` says whose keys those are."""
        known = list(known)
        for key in self.content:
            if key not in known:
                expected = f"a key{of} ({', '.join(known)}{did_you_mean(key, known)})"
                self.faults.append(Fault(self.at(key), self.content[key], expected))

    def convert(self, value: object, leaf: Leaf[T], place: str) -> T | None:
        """`value` if it is what `leaf` asks for; None, and a fault, if not."""
        try:
            return cast(T, msgspec.convert(value, leaf.type, strict=True))
        except msgspec.ValidationError as error:
            self.faults.append(_fault(value, leaf, place, str(error)))
            return None


def _fault(value: object, leaf: Leaf[Any], place: str, message: str) -> Fault:
    inner = _INNER_PLACE.search(message)
    if inner is None:
        return Fault(place, value, leaf.expected)
    item = cast(Sequence[object], value)[int(inner[1])]
    return Fault(f"{place}[{inner[1]}]", item, "text")
