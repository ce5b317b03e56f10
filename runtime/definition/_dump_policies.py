"""Policies written as plain data: of each only what is not its default."""

from __future__ import annotations

from typing import Any, cast

import attrs

from ...supervision import Group
from ._errors import Fault
from ._node_types import NodeTypes


@attrs.frozen
class PolicyWriter:
    """Writes policies; an exception that a document cannot name becomes a fault."""

    types: NodeTypes
    faults: list[Fault]

    def group(self, group: Group, place: str) -> dict[str, Any]:
        """A group without its name."""
        written = self.policy(group, place)
        del written["name"]
        return written

    def policy(self, policy: object, place: str) -> dict[str, Any]:
        """A policy of any kind; an empty mapping is one with all defaults."""
        cls: type[Any] = type(policy)
        return {
            field.name: self._value(value, f"{place}.{field.name}")
            for field in attrs.fields(cls)
            if (value := getattr(policy, field.name)) != field.default
        }

    def _value(self, value: object, place: str) -> object:
        if isinstance(value, tuple):
            return self._errors(cast(tuple[type[Exception], ...], value), place)
        if attrs.has(type(value)):
            return self.policy(value, place)
        # Nothing at all would stand for the default.
        return False if value is None else value

    def _errors(self, errors: tuple[type[Exception], ...], place: str) -> list[str]:
        names = [self.types.name_of_error(error) for error in errors]
        for index, name in enumerate(names):
            if name is None:
                expected = "an exception of Python or a registered one"
                self.faults.append(Fault(f"{place}[{index}]", errors[index], expected))
        return [name for name in names if name is not None]
