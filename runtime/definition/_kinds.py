"""Joins and functions, made from the way that builder and documents say them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Literal

from ._binding import Binding, function_name
from ._errors import DefinitionError, Fault
from ._hash import qualified_name
from ._model import Function, Join, Rest, Runs

JoinChoice = Literal["all", "any", "each"] | int


def join_of(join: JoinChoice, rest: Rest = "absorb") -> Join:
    """The join behind the way it is written in builder and documents; counts are checked later."""
    faults = tuple(join_faults(join, rest))
    if faults:
        raise DefinitionError("join", faults)
    if join == "any":
        return Join("count", 1, rest)
    if isinstance(join, int):
        return Join("count", join, rest)
    return Join(join)


def join_faults(join: object, rest: object) -> Iterator[Fault]:
    """What is no way to write a join, nor what becomes of the others."""
    if not isinstance(join, int) and join not in ("all", "any", "each"):
        yield Fault("join", join, "'all', 'any', 'each' or a number from 1")
    if rest not in ("absorb", "cancel"):
        yield Fault("rest", rest, "'absorb' or 'cancel'")


def function_kind(
    function: Callable[..., Any], runs: Runs | None = None, ports: tuple[str, ...] = ()
) -> Function:
    """Wrap a function, finding out where it runs: on trio if it is `async`, else in a thread.

    Raises `DefinitionError` where it cannot run there, or its parameters cannot be bound by name.
    """
    allowed: tuple[Runs, ...] = ("async",) if is_async(function) else ("thread", "process", "async")
    place = runs or allowed[0]
    if place not in allowed:
        name = function_name(function)
        expected = f"{' or '.join(map(repr, allowed))} for {name}"
        raise DefinitionError(name, (Fault(f"{name}.runs", place, expected),))
    return Function(function, Binding.of(function), place, qualified_name(function), ports)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine; sees through partials and callable objects."""
    while callable(inner := getattr(function, "func", None)):
        function = inner
    call = getattr(function, "__call__", None)  # noqa: B004 - the method itself is wanted
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
