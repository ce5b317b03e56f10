"""The content hash of a definition: the same content gives the same hash on every machine."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import attrs
import msgspec

from ...supervision import Retry
from ._expressions import FunctionExpression
from ._model import Connection, Input, Node, ProcessDefinition


def content_hash(
    identity: tuple[str, int],
    nodes: Iterable[Node],
    connections: Iterable[Connection],
    start: Iterable[str],
    inputs: Iterable[Input],
    timeout: float | None,
) -> str:
    """SHA-256, in hexadecimal, over a canonical text of all that changes what a process does."""
    content = [
        list(identity),
        sorted((_plain(node) for node in nodes), key=lambda plain: str(plain["name"])),
        sorted([c.source, c.port, c.target] for c in connections),
        sorted(start),
        [_input(each) for each in inputs],
        _seconds(timeout),
    ]
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()


def _input(declared: Input) -> list[object]:
    default = [] if declared.is_required else [_part(declared.default)]
    return [declared.name, declared.type, *default]


def _plain(node: Node) -> dict[str, object]:
    return {
        "name": node.name,
        "kind": [type(node.kind).__name__, _parts(node.kind)],
        "join": _parts(node.join),
        "inputs": {name: _part(value) for name, value in node.inputs.items()},
        "output": node.output,
        "retry": None if node.retry is None else _retry(node.retry),
        "timeout": _seconds(node.timeout),
    }


def _seconds(timeout: float | None) -> float | None:
    """So that `timeout=10` and `timeout=10.0` are the same."""
    return None if timeout is None else float(timeout)


def _retry(retry: Retry) -> dict[str, object]:
    numbers = ("initial", "maximum", "multiplier")
    return _parts(retry) | {name: float(getattr(retry, name)) for name in numbers}


def _parts(value: object) -> dict[str, object]:
    cls: type[Any] = type(value)
    return {
        field.name: _part(getattr(value, field.name))
        for field in attrs.fields(cls)
        if field.eq and field.name not in ("binding", "call")
    }


def _part(value: object) -> object:
    if isinstance(value, ProcessDefinition):
        return value.hash
    if isinstance(value, FunctionExpression):
        return qualified_name(value.function)
    if isinstance(value, type):
        return qualified_name(value)
    if isinstance(value, (list, tuple)):
        return [_part(item) for item in cast(Iterable[object], value)]
    if isinstance(value, (set, frozenset)):
        return sorted(repr(item) for item in cast(Iterable[object], value))
    if isinstance(value, Mapping):
        items = cast(Mapping[object, object], value).items()
        return {key if isinstance(key, str) else repr(key): _part(item) for key, item in items}
    if attrs.has(type(value)):
        return [type(value).__name__, _parts(value)]
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)


def qualified_name(function: Callable[..., object]) -> str:
    """`module:name` of a function; a lambda also counts by its line, as all share one name.

    A partial counts with its arguments, and a callable attrs object with its fields.
    """
    if isinstance(function, functools.partial):
        return qualified_name(function.func) + _text([function.args, function.keywords])
    module = getattr(function, "__module__", None) or type(function).__module__
    name = getattr(function, "__qualname__", None) or repr(type(function).__qualname__)
    if attrs.has(type(function)):
        name += _text(_parts(function))
    code = getattr(function, "__code__", None)
    line = f"@{code.co_firstlineno}" if code is not None and name.endswith("<lambda>") else ""
    return f"{module}:{name}{line}"


def _text(value: object) -> str:
    return msgspec.json.encode(_part(value), order="deterministic").decode()
