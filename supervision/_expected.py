"""What a field of a policy takes: a test, and the words in which it is told."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import attrs

from ..actors import ProcessEngineError


@attrs.define(eq=False, repr=False, str=False)
class UnfitField(ProcessEngineError, ValueError):
    """A policy was given a value that it cannot use; nothing was made."""

    policy: str
    field: str
    value: object
    expected: str

    def __str__(self) -> str:
        return f"{self.policy}.{self.field}: expected {self.expected}, got {self.value!r:.80}"


@attrs.frozen
class Expected:
    """A validator of a field: refuses what does not fit, with `UnfitField`."""

    words: str
    fits: Callable[[Any], bool]

    def __call__(self, policy: object, field: attrs.Attribute[Any], value: object) -> None:
        if not self.fits(value):
            raise UnfitField(type(policy).__name__, field.name, value, self.words)

    @property
    def or_none(self) -> Expected:
        """The same, or None."""
        return Expected(f"{self.words}, or None", lambda value: value is None or self.fits(value))


def whole(least: int) -> Expected:
    """An int of at least so much; no bool."""

    def fits(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= least

    return Expected(f"a whole number from {least}", fits)


def number(words: str, is_within: Callable[[float], bool]) -> Expected:
    """An int or float within bounds; no bool."""

    def fits(value: object) -> bool:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and is_within(cast(float, value))

    return Expected(words, fits)


def choice(*values: str) -> Expected:
    """One of these texts."""
    *others, last = map(repr, values)
    return Expected(f"{', '.join(others)} or {last}", lambda value: value in values)


def instance(of: type[object], words: str) -> Expected:
    """An object of a class."""
    return Expected(words, lambda value: isinstance(value, of))


SECONDS = number("a number of seconds from 0", lambda value: value >= 0)
FINITE_SECONDS = number("a number of seconds from 0", lambda value: 0 <= value < math.inf)
LENGTH = number("a number of seconds above 0", lambda value: value > 0)
FINITE_LENGTH = number("a number of seconds above 0", lambda value: 0 < value < math.inf)
FROM_0 = number("a number from 0", lambda value: value >= 0)
FROM_1 = number("a number from 1", lambda value: value >= 1)
SHARE = number("a number above 0, at most 1", lambda value: 0 < value <= 1)
SHARE_OR_0 = number("a number from 0 to 1", lambda value: 0 <= value <= 1)
FLAG = instance(bool, "True or False")
TEXT = instance(str, "text")


def _are_errors(value: object) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(each, type) and issubclass(each, Exception)
        for each in cast(tuple[object, ...], value)
    )


ERRORS = Expected("a tuple of exception classes", _are_errors)
