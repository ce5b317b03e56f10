"""YAML 1.2 in its core schema, built from PyYAML's events (extra `documents`).

Why not `yaml.safe_load`: its C loader overflows the stack at a nesting bomb, its Python loader is
ten times slower, both read `on` as true and `1:30` as ninety, and take the last of two equal keys
without a word. Anchors and aliases work; tags and merge keys (`<<`) are not in the core schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

import attrs

from ._errors import ExtraMissing

_CORE: tuple[tuple[re.Pattern[str], Callable[[str], object]], ...] = (
    (re.compile(r"(?:~|null|Null|NULL|)"), lambda text: None),
    (
        re.compile(r"true|True|TRUE|false|False|FALSE"),
        lambda text: text in ("true", "True", "TRUE"),
    ),
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"), float),
    (
        re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"),
        lambda text: float(text.replace(".", "")),
    ),
)
_STARTS = frozenset("~nNtTfF-+.0123456789")
_TEXT_TAGS = (None, "!", "tag:yaml.org,2002:str")
_NO_KEY = object()


@attrs.define(eq=False)
class YamlFault(Exception):
    """The text is not YAML as understood here; lines and columns count from 1."""

    message: str
    line: int
    column: int


@attrs.define
class _Open:
    """A list or mapping whose end has not been read yet."""

    container: Any
    anchor: str | None
    key: object = _NO_KEY

    @property
    def wants_key(self) -> bool:
        """Whether the next value is the key of a mapping."""
        return isinstance(self.container, dict) and self.key is _NO_KEY


def read_yaml(text: str, max_depth: int, on_repeated: Callable[[dict[str, Any], str], None]) -> Any:
    """Read one document; calls `on_repeated(mapping, key)` for a key that comes twice.

    Raises `YamlFault`, also where collections are nested deeper than `max_depth`.
    """
    yaml = _package()
    fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _read(yaml.parse(text, Loader=fast), max_depth, on_repeated)
    except yaml.YAMLError as error:
        if "nesting" not in str(error):
            raise _fault_of(error) from None
    # The fast parser has a bound of its own, which it hits far ahead of the event it gives next.
    try:
        return _read(yaml.parse(text, Loader=yaml.SafeLoader), max_depth, on_repeated)
    except yaml.YAMLError as error:
        raise _fault_of(error) from None


def _read(
    events: Iterable[Any], max_depth: int, on_repeated: Callable[[dict[str, Any], str], None]
) -> Any:
    reader = _Reader(max_depth, on_repeated)
    for event in events:
        reader.take(event)
    return reader.document


class _Reader:
    """Builds the document from events; `_open` are the collections around the current one."""

    def __init__(self, max_depth: int, on_repeated: Callable[[dict[str, Any], str], None]) -> None:
        self.document: Any = None
        self._max_depth = max_depth
        self._on_repeated = on_repeated
        self._open: list[_Open] = []
        self._anchors: dict[str, object] = {}
        self._documents = 0
        self._takers: dict[str, Callable[[Any], None]] = {
            "ScalarEvent": self._scalar,
            "AliasEvent": self._alias,
            "MappingStartEvent": lambda event: self._start(event, {}),
            "SequenceStartEvent": lambda event: self._start(event, []),
            "MappingEndEvent": self._end,
            "SequenceEndEvent": self._end,
            "DocumentStartEvent": self._document,
        }

    def take(self, event: Any) -> None:
        taker = self._takers.get(type(event).__name__)
        if taker is not None:
            taker(event)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise _fault(event, "one document only")

    def _scalar(self, event: Any) -> None:
        if event.tag not in _TEXT_TAGS:
            raise _fault(event, f"no tags, not {event.tag!r}")
        is_bare = event.tag is None and event.implicit[0]
        value = _resolved(event) if is_bare else event.value
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        self._put(value, event)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            raise _fault(event, f"no anchor {event.anchor!r} before this alias, or around it")
        self._put(self._anchors[event.anchor], event)

    def _start(self, event: Any, container: Any) -> None:
        if event.tag not in (None, "!"):
            raise _fault(event, f"no tags, not {event.tag!r}")
        if len(self._open) >= self._max_depth:
            raise _fault(event, f"nesting of at most {self._max_depth} levels")
        if self._open and self._open[-1].wants_key:
            raise _fault(event, "text as a key")
        self._open.append(_Open(container, event.anchor))

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        if done.anchor is not None:
            self._anchors[done.anchor] = done.container
        self._put(done.container, event)

    def _put(self, value: Any, event: Any) -> None:
        if not self._open:
            self.document = value
            return
        around = self._open[-1]
        if not isinstance(around.container, dict):
            around.container.append(value)
        elif not around.wants_key:
            self._put_under_key(around, value)
        elif isinstance(value, (dict, list)):
            raise _fault(event, "text as a key")
        else:
            around.key = value

    def _put_under_key(self, around: _Open, value: object) -> None:
        if around.key in around.container:
            self._on_repeated(around.container, str(around.key))
        around.container[around.key] = value
        around.key = _NO_KEY


def _resolved(event: Any) -> object:
    text = event.value
    if text and text[0] not in _STARTS:
        return text
    for pattern, make in _CORE:
        if pattern.fullmatch(text):
            try:
                return make(text)
            except ValueError as error:
                raise _fault(event, str(error).split(";")[0]) from None
    return text


def _fault(event: Any, message: str) -> YamlFault:
    return YamlFault(message, event.start_mark.line + 1, event.start_mark.column + 1)


def _fault_of(error: Any) -> YamlFault:
    mark = getattr(error, "problem_mark", None)
    message = getattr(error, "problem", None) or getattr(error, "reason", None) or "malformed"
    if mark is None:
        return YamlFault(message, 1, 1)
    return YamlFault(message, mark.line + 1, mark.column + 1)


def _package() -> Any:
    try:
        return import_module("yaml")
    except ImportError as error:
        raise ExtraMissing("documents", "pyyaml", "a YAML document") from error
