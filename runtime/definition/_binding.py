"""How the parameters of a function are found by name in the memory; worked out once, beforehand."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ._context import NodeContext
from ._errors import BindingError, DefinitionError, Fault
from ._owned import owned

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_PASS_AS_IS = (NodeContext, inspect.Parameter.empty, object, typing.Any, None)

Structure = Callable[[object], object]


@attrs.frozen
class Parameter:
    """One parameter: its name, its default if it has one, and what structures its value."""

    name: str
    has_default: bool
    default: object
    structure: Structure | None
    expects: str


@attrs.frozen
class Binding:
    """The parameters of a function, in call order; `wants_context` names that for `NodeContext`."""

    function_name: str
    positional: tuple[Parameter, ...]
    keyword: tuple[Parameter, ...] = ()
    wants_context: str | None = None

    @classmethod
    def of(cls, function: Callable[..., object]) -> Binding:
        """Inspect `function`; raises `DefinitionError` where parameters cannot be bound by name."""
        name = function_name(function)
        signature = _signature(function, name)
        hints = _type_hints(function)
        parameters = list(signature.parameters.values())
        if faults := tuple(_unbindable(name, p) for p in parameters if p.kind in _VARIADIC):
            raise DefinitionError(name, faults)
        contexts = [p.name for p in parameters if hints.get(p.name) is NodeContext]
        return cls(
            name,
            tuple(_parameter(p, hints) for p in parameters if p.kind in _POSITIONAL),
            tuple(_parameter(p, hints) for p in parameters if p.kind is p.KEYWORD_ONLY),
            contexts[0] if contexts else None,
        )

    @property
    def required(self) -> tuple[str, ...]:
        """The parameters that only a variable can fill: no default, and not the `NodeContext`."""
        return tuple(
            parameter.name
            for parameter in (*self.positional, *self.keyword)
            if not parameter.has_default and parameter.name != self.wants_context
        )

    def call(self, function: Callable[..., object], scope: Mapping[str, object]) -> object:
        """Call with the arguments found in `scope`; raises `BindingError` where one is amiss."""
        positional = [self._argument(parameter, scope) for parameter in self.positional]
        if not self.keyword:
            return function(*positional)
        return function(*positional, **{p.name: self._argument(p, scope) for p in self.keyword})

    def _argument(self, parameter: Parameter, scope: Mapping[str, object]) -> object:
        try:
            value = scope[parameter.name]
        except KeyError:
            if parameter.has_default:
                return parameter.default
            raise BindingError(
                self.function_name,
                parameter.name,
                f"no variable of that name; the memory has {_names(scope)}",
            ) from None
        if parameter.structure is not None:
            value = self._structured(parameter, value)
        return owned(value)

    def _structured(self, parameter: Parameter, value: object) -> object:
        assert parameter.structure is not None
        try:
            return parameter.structure(value)
        except Exception as error:  # hooks raise what they like
            detail = "; ".join(_messages_of(error))
            raise BindingError(
                self.function_name,
                parameter.name,
                f"expected {parameter.expects}, got {value!r:.200} ({detail})",
            ) from error


def function_name(function: Callable[..., object]) -> str:
    """The name a function goes by: its own, or that of the function a partial wraps."""
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__name__", type(function).__name__)


def _signature(function: Callable[..., object], name: str) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError) as error:
        fault = Fault(name, repr(function), "a callable whose parameters Python can tell")
        raise DefinitionError(name, (fault,)) from error


def _type_hints(function: Callable[..., object]) -> dict[str, object]:
    try:
        return typing.get_type_hints(_inspectable(function))
    except Exception:  # noqa: BLE001 - what users' annotations raise: bind without structuring
        return {}


def _inspectable(function: Callable[..., object]) -> Callable[..., object]:
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isroutine(function) or inspect.isclass(function):
        return function
    return type(function).__call__


def _unbindable(function: str, parameter: inspect.Parameter) -> Fault:
    return Fault(
        f"{function}({parameter.name})",
        str(parameter),
        "a parameter that can be bound by name (not *args or **kwargs)",
    )


def _parameter(parameter: inspect.Parameter, hints: Mapping[str, object]) -> Parameter:
    hint = hints.get(parameter.name, parameter.annotation)
    has_default = parameter.default is not inspect.Parameter.empty
    return Parameter(
        parameter.name,
        has_default,
        parameter.default if has_default else None,
        structure_for(hint),
        type_name(hint),
    )


def type_name(hint: object) -> str:
    """A type as its reader would write it."""
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")


def structure_for(hint: object) -> Structure | None:
    """What turns plain data into `hint`; None where values are passed as they are.

    A value that is already an instance of a class is passed as it is; numbers and strings are
    checked, never coerced. An annotation that could not be resolved is still text.
    """
    if hint in _PASS_AS_IS or isinstance(hint, (typing.TypeVar, str)):
        return None
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return _union_structure(hint)
    if isinstance(hint, type) and typing.get_origin(hint) is None:
        return _class_structure(hint)
    return functools.partial(_structured, cls=hint)


def _union_structure(hint: object) -> Structure | None:
    """The first member of the union that the value is, or can be made into."""
    members = typing.get_args(hint)
    if any(member in _PASS_AS_IS for member in members):
        return None
    classes = tuple(member for member in members if isinstance(member, type))
    structures = [structure_for(member) for member in members if member is not type(None)]

    def structure(value: object) -> object:
        if isinstance(value, classes):
            return value
        errors: list[str] = []
        for one in structures:
            try:
                return value if one is None else one(value)
            except Exception as error:  # noqa: BLE001 - users' hooks raise what they like
                errors += _messages_of(error)
        raise TypeError("; ".join(errors))

    return structure


_CONTAINERS: tuple[type, ...] = (dict, list, tuple, set, frozenset)


def _class_structure(cls: type[Any]) -> Structure:
    def structure(value: object) -> object:
        if isinstance(value, cls) and (cls is not int or not isinstance(value, bool)):
            return value
        if cls in _CONTAINERS:
            raise TypeError(f"{type(value).__name__} is not {cls.__name__}")
        return _structured(value, cls)

    return structure


def _structured(value: object, cls: Any) -> object:
    from ._structuring import structured

    return structured(value, cls)


def _messages_of(error: Exception) -> list[str]:
    from ._structuring import messages_of

    return messages_of(error)


def _names(scope: Mapping[str, object]) -> str:
    return ", ".join(sorted(scope)) or "no variables"
