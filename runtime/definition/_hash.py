"""The content hash of a definition: the same content gives the same hash on every machine."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import attrs
import msgspec

from ...supervision import DEFAULT_GROUP, Retry
from ._expressions import FunctionExpression
from ._model import Input, Node, ProcessDefinition
from ._parts import Parts


def content_hash(parts: Parts) -> str:
    """SHA-256, in hexadecimal, over a canonical text of all that changes what a process does.

    Only the connections that were drawn are among the parts. What came later to definitions is left
    out where it is not used, so that older definitions keep the hash they had.
    """
    content = [
        [parts.id, parts.version],
        sorted((_plain(node) for node in parts.nodes), key=lambda plain: str(plain["name"])),
        sorted([c.source, c.port, c.target] for c in parts.connections),
        sorted(parts.start),
        [_input(each) for each in parts.inputs],
        _seconds(parts.timeout),
        *_guards(parts),
    ]
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()


def _guards(parts: Parts) -> Iterator[object]:
    if parts.groups:
        yield {"groups": {group.name: _parts_of_policy(group) for group in parts.groups}}
    if parts.on_error is not None:
        yield {"on_error": parts.on_error}


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
    } | _guarded(node)


def _guarded(node: Node) -> dict[str, object]:
    hedge = None if node.hedge is None else _parts_of_policy(node.hedge)
    given = {"group": node.group, "idempotent": node.idempotent, "hedge": hedge}
    return {key: value for key, value in given.items() if value not in (None, False, DEFAULT_GROUP)}


def _parts_of_policy(policy: object) -> dict[str, object]:
    cls: type[Any] = type(policy)
    return {field.name: _policy(getattr(policy, field.name)) for field in attrs.fields(cls)}


def _policy(value: object) -> object:
    """A part of a policy; all numbers as floats, so that 60 and 60.0 are the same."""
    if isinstance(value, Retry):
        return _retry(value)
    if attrs.has(type(value)):
        return _parts_of_policy(value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _seconds(timeout: float | None) -> float | None:
    """So that `timeout=10` and `timeout=10.0` are the same."""
    return None if timeout is None else float(timeout)


def _retry(retry: Retry) -> dict[str, object]:
    numbers = ("initial", "maximum", "multiplier", "total")
    return _parts(retry) | {name: _seconds(getattr(retry, name)) for name in numbers}


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
