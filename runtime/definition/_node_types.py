"""The functions that documents may name: a registry, filled by hand, decorator or module."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import FunctionType, ModuleType
from typing import Any, TypeVar, overload

import attrs

from ._binding import function_name
from ._errors import DefinitionError, Fault
from ._kinds import function_kind
from ._model import Function, Runs
from ._names import A_NAME, NAME
from ._suggestion import choice_of, listed

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])
AnyError = TypeVar("AnyError", bound=type[Exception])


@attrs.frozen
class NodeType:
    """A function under the name that documents use for it."""

    name: str
    kind: Function = attrs.field(repr=False)

    def with_options(self, runs: Runs | None, ports: Sequence[str] | None) -> Function:
        """The same function, run elsewhere or with other ports, as a document may ask."""
        own = self.kind
        runs = runs or own.runs
        ports = own.extra_ports if ports is None else tuple(ports)
        if (runs, ports) == (own.runs, own.extra_ports):
            return own
        return function_kind(own.call, runs, ports)


class NodeTypes:
    """Node functions by name, and the exceptions that a document's `retry` may name.

    All methods that add raise `DefinitionError` where a name is taken or is no name.
    """

    def __init__(self) -> None:
        self._types: dict[str, NodeType] = {}
        self._errors: dict[str, type[Exception]] = {}

    def __repr__(self) -> str:
        return f"<NodeTypes {listed(self._types)}>"

    def __contains__(self, name: object) -> bool:
        return name in self._types

    def __iter__(self) -> Iterator[NodeType]:
        return iter(self._types.values())

    def __len__(self) -> int:
        return len(self._types)

    @classmethod
    def of_module(cls, module: ModuleType) -> NodeTypes:
        """The registry a module holds as `node_types`; else its public functions and exceptions.

        Public is what `__all__` lists, else what the module itself defines without a leading `_`.
        """
        held = getattr(module, "node_types", None)
        if isinstance(held, NodeTypes):
            return held
        types = cls()
        for name, value in _public(module):
            if isinstance(value, FunctionType):
                types.register(value, name)
            elif isinstance(value, type) and issubclass(value, Exception):
                types.register_error(value, name)
        return types

    @overload
    def register(
        self,
        function: AnyFunction,
        name: str | None = ...,
        *,
        ports: Sequence[str] = ...,
        runs: Runs | None = ...,
    ) -> AnyFunction: ...

    @overload
    def register(
        self,
        function: None = ...,
        name: str | None = ...,
        *,
        ports: Sequence[str] = ...,
        runs: Runs | None = ...,
    ) -> Callable[[AnyFunction], AnyFunction]: ...

    def register(
        self,
        function: Callable[..., Any] | None = None,
        name: str | None = None,
        *,
        ports: Sequence[str] = (),
        runs: Runs | None = None,
    ) -> Any:
        """Add a function, under its own name unless told; a decorator too, with or without options.

        `ports` and `runs` are as in `ProcessBuilder.node`; a document may override both.
        """
        if function is None:
            return partial(self.register, name=name, ports=ports, runs=runs)
        name = name or function_name(function)
        self._refuse_taken(name, function)
        self._types[name] = NodeType(name, function_kind(function, runs, tuple(ports)))
        return function

    def register_error(self, error: AnyError, name: str | None = None) -> AnyError:
        """Add an exception class for `retry.on` and `retry.never`; also a decorator."""
        name = name or error.__name__
        self._refuse_taken(name, error)
        self._errors[name] = error
        return error

    def merged(self, *others: NodeTypes) -> NodeTypes:
        """A new registry with the names of this one and of the others."""
        merged = NodeTypes()
        for types in (self, *others):
            for node_type in types:
                merged._refuse_taken(node_type.name, node_type.kind.call)
                merged._types[node_type.name] = node_type
            for name, error in types._errors.items():
                merged._refuse_taken(name, error)
                merged._errors[name] = error
        return merged

    def find(self, name: str) -> NodeType | None:
        """The node type of that name, if there is one."""
        return self._types.get(name)

    def find_error(self, name: str) -> type[Exception] | None:
        """The exception registered under that name, else Python's own of that name."""
        return self._errors.get(name) or _python_error(name)

    def name_of_error(self, error: type[Exception]) -> str | None:
        """The name a document may use for an exception class."""
        names = (name for name, known in self._errors.items() if known is error)
        own = error.__name__ if _python_error(error.__name__) is error else None
        return next(names, own)

    def expectation(self, name: object) -> str:
        """What to tell someone who asked for a node type that is not registered."""
        return f"a registered node type ({choice_of(self._types, name)})"

    def _refuse_taken(self, name: str, value: object) -> None:
        taken = self._types.get(name)
        known = taken.kind.call if taken else self._errors.get(name)
        if not NAME.fullmatch(name):
            expected = A_NAME
        elif known is None or known is value:
            return
        else:
            expected = "a name registered once"
        raise DefinitionError("node types", (Fault(f"types.{name}", name, expected),))


def _public(module: ModuleType) -> list[tuple[str, object]]:
    names: Sequence[str] | None = getattr(module, "__all__", None)
    if names is None:
        return [
            (name, value)
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
        ]
    faults = tuple(
        Fault(f"__all__[{index}]", name, "a name that the module defines")
        for index, name in enumerate(names)
        if not hasattr(module, name)
    )
    if faults:
        raise DefinitionError(f"module {module.__name__!r}", faults)
    return [(name, getattr(module, name)) for name in names]


def _python_error(name: str) -> type[Exception] | None:
    error = getattr(builtins, name, None)
    return error if isinstance(error, type) and issubclass(error, Exception) else None
