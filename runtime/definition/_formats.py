"""JSON, TOML and YAML read into the same plain data: text, numbers, flags, null, lists, mappings.

What one of the formats cannot say is refused in all of them (dates, NaN, keys that are not text),
and so is what would make reading dangerous: deep nesting, aliases that multiply.
"""

from __future__ import annotations

import json
import math
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeGuard

from ._errors import MORE, DefinitionError, Fault
from ._yaml import YamlFault, read_yaml

Format = Literal["json", "toml", "yaml"]

MAX_DEPTH = 64
MAX_VALUES = 5_000_000
TOO_DEEP = f"nesting of at most {MAX_DEPTH} levels"

SUFFIXES: Mapping[str, Format] = {
    ".json": "json",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
}
_TOML_PLACE = re.compile(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)


def is_mapping(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether plain data is a mapping."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether plain data is a list."""
    return isinstance(value, list)


class Repeated:
    """Keys that came twice in one mapping; found while reading, when its place is not known yet."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[dict[str, Any], list[str]]] = {}

    def add(self, mapping: dict[str, Any], key: str) -> None:
        self._found.setdefault(id(mapping), (mapping, []))[1].append(key)

    def of(self, mapping: object) -> list[str]:
        found = self._found.get(id(mapping))
        return found[1] if found else []


def plain_file(path: str | os.PathLike[str]) -> Any:
    """Read a file whose suffix tells its format; its path is its name. Else as `plain_data`."""
    name, file = os.fspath(path), Path(path)
    format = SUFFIXES.get(file.suffix.lower())
    if format is None:
        fault = Fault("file", file.suffix, f"a name that ends in {', '.join(SUFFIXES)}")
        raise DefinitionError(name, (fault,))
    return plain_data(_file_text(file, name), format, name)


def _file_text(file: Path, name: str) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        fault = Fault("file", error.strerror or str(error), "a file that can be read")
    except UnicodeDecodeError as error:
        fault = Fault(f"byte {error.start}", error.object[error.start : error.end], "text in UTF-8")
    raise DefinitionError(name, (fault,))


def plain_data(text: str, format: Format, name: str) -> Any:
    """Read `text`; raises `DefinitionError` for `name` where it is malformed or is not plain data.

    A fault in the syntax is placed by line and column; there is only ever one of those.
    """
    repeated = Repeated()
    data = _READERS[format](text, name, repeated)
    refuse_odd(data, name, repeated)
    return data


def refuse_odd(data: object, name: str, repeated: Repeated | None = None) -> None:
    """Raise `DefinitionError` for `name` listing whatever in `data` is not plain, or came twice."""
    faults = _Inspector(repeated or Repeated()).inspect(data)
    if faults:
        raise DefinitionError(name, faults)


def _json(text: str, name: str, repeated: Repeated) -> Any:
    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    repeated.add(made, key)
                seen.add(key)
        return made

    try:
        return json.loads(text, object_pairs_hook=mapping)
    except json.JSONDecodeError as error:
        raise _syntax(name, "JSON", text, error.lineno, error.colno, error.msg) from None
    except RecursionError:
        raise _too_deep(name) from None
    except ValueError as error:
        raise DefinitionError(name, (Fault("document", MORE, f"JSON ({_brief(error)})"),)) from None


def _toml(text: str, name: str, repeated: Repeated) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, line, column = _toml_place(str(error), text)
        raise _syntax(name, "TOML", text, line, column, message) from None
    except RecursionError:
        raise _too_deep(name) from None
    except ValueError as error:
        raise DefinitionError(name, (Fault("document", MORE, f"TOML ({_brief(error)})"),)) from None


def _toml_place(message: str, text: str) -> tuple[str, int, int]:
    found = _TOML_PLACE.match(message)
    if found is None:
        return message, 1, 1
    lines = text.splitlines() or [""]
    line = int(found[2] or len(lines))
    return found[1], line, int(found[3] or len(lines[-1]) + 1)


def _yaml(text: str, name: str, repeated: Repeated) -> Any:
    try:
        return read_yaml(text, MAX_DEPTH, repeated.add)
    except YamlFault as fault:
        raise _syntax(name, "YAML", text, fault.line, fault.column, fault.message) from None


_READERS: Mapping[Format, Callable[[str, str, Repeated], Any]] = {
    "json": _json,
    "toml": _toml,
    "yaml": _yaml,
}


def _syntax(
    name: str, format: str, text: str, line: int, column: int, message: str
) -> DefinitionError:
    lines = text.splitlines()
    value = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    fault = Fault(f"line {line}, column {column}", value, f"{format} ({message})")
    return DefinitionError(name, (fault,))


def _brief(error: ValueError) -> str:
    return str(error).split(";")[0]


def _too_deep(name: str) -> DefinitionError:
    return DefinitionError(name, (Fault("document", MORE, TOO_DEEP),))


class _Inspector:
    """Walks plain data, `MAX_DEPTH` deep at most, and notes what is odd."""

    def __init__(self, repeated: Repeated) -> None:
        self.faults: list[Fault] = []
        self._repeated = repeated
        self._path: list[str | int] = []
        self._left = MAX_VALUES

    def visit(self, value: object) -> None:
        self._left -= 1
        if is_mapping(value):
            self._visit_mapping(value)
        elif is_list(value):
            self._visit_inside(enumerate(value))
        elif expected := _odd_leaf(value):
            self._add(value, expected)

    def _visit_mapping(self, mapping: Mapping[Any, Any]) -> None:
        for key in mapping:
            if not isinstance(key, str) or not _is_unicode(key):
                self._add(key, "text as a key")
        for key in self._repeated.of(mapping):
            self._add(key, "each key once")
        self._visit_inside((str(key), value) for key, value in mapping.items())

    def _visit_inside(self, items: Iterable[tuple[str | int, object]]) -> None:
        if len(self._path) >= MAX_DEPTH:
            self._add(MORE, TOO_DEEP)
            return
        for key, value in items:
            if self._left < 0:
                return
            self._path.append(key)
            self.visit(value)
            self._path.pop()

    def inspect(self, document: object) -> tuple[Fault, ...]:
        """All that is odd, in reading order."""
        self.visit(document)
        if self._left < 0:
            expected = f"at most {MAX_VALUES} values, aliases written out"
            return (Fault("document", MORE, expected),)
        return tuple(self.faults)

    def _add(self, value: object, expected: str) -> None:
        steps = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in self._path)
        place = "".join(steps).removeprefix(".") or "document"
        self.faults.append(Fault(place, value, expected))


def _odd_leaf(value: object) -> str | None:
    """What was expected in place of a value that is not plain; None for one that is."""
    if isinstance(value, str):
        return None if _is_unicode(value) else "text that is valid Unicode"
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return None if -(2**63) <= value < 2**63 else "an integer of 64 bits"
    if isinstance(value, float):
        return None if math.isfinite(value) else "a finite number"
    return "text, a number, true or false, null, a list or a mapping"


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
