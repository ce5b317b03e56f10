"""CEL, the Common Expression Language: compiled and type-checked once, evaluated many times.

The one module that knows the package `cel-expr-python` (extra `documents`), which it imports when
the first expression is compiled. Where CEL and Python differ: a condition gives true or false and
nothing else; int and double do not mix (`double(n) / 2.0`); text, not dates, is what CEL sees of a
date in the memory (`timestamp(order.placed)` makes it one); numbers of type int have 64 bits.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any, Literal, cast

import attrs
import msgspec

from ._errors import DefinitionError, ExpressionError, ExtraMissing, Fault
from ._expressions import Expression, missing_variable
from ._suggestion import MANY, did_you_mean, listed

Returns = Literal["bool", "number", "list", "any"]

_GIVES: Mapping[Returns, tuple[str, tuple[str, ...]]] = {
    "bool": ("true or false", ("BOOL",)),
    "number": ("a number of seconds or a duration", ("INT", "UINT", "DOUBLE", "DURATION")),
    "list": ("a list", ("LIST",)),
}
MAX_DEPTH = 32  # of the package's parser

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PATH = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*", re.ASCII)
# One that is never closed counts to the end of the text, so that looking for it takes linear time.
_TEXT_LITERAL = re.compile(
    r"""
    (?: \b (?: (?P<raw> [bB]?[rR][bB]? ) | [bB] ) )? (?P<quote> \"{3} | '{3} | " | ' )
    (?: (?(raw) (?!) | \\. ) | (?! (?P=quote) ) . )*+
    (?: (?P=quote) | \Z )
    """,
    re.DOTALL | re.VERBOSE,
)
_LOOP_NAME = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\(\s*(\w+)\s*,", re.ASCII)
_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_MISSING = re.compile(r'No value with name "([^"]*)" found')
_UNPRONOUNCEABLE = frozenset(
    re.findall(
        r"\w+",
        "bool bytes double dyn int list map null_type string type uint true false null in as break"
        " const continue else for function if import let loop package namespace return var void"
        " while",
    )
)


@attrs.frozen
class CelExpression(Expression):
    """A CEL expression; get one from `cel`. Equal by its text; compiles anew when it is unpickled.

    `variables` are those it may read, each with its type; `program` is the package's own object.
    """

    text: str
    variables: tuple[tuple[str, str], ...] = attrs.field(eq=False)
    program: Any = attrs.field(eq=False, repr=False)
    is_strict = True

    @property
    def source(self) -> str:
        return self.text

    @property
    def reads(self) -> tuple[str, ...]:
        loops = set(_LOOP_NAME.findall(_without_literals(self.text)))
        return tuple(name for name, _ in self.variables if name not in loops)

    def evaluate(self, scope: Mapping[str, object]) -> object:
        """Compute the value as plain Python data; raises `ExpressionError`."""
        data = {n: self._plain(n, t, scope[n]) for n, t in self.variables if n in scope}
        try:
            return self._run_readable(data)
        except (_Failure, RecursionError) as failure:
            raise self._error(str(failure), scope) from None

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return cel, (self.text, dict(self.variables))

    def _plain(self, name: str, type: str, value: object) -> object:
        try:
            plain = msgspec.to_builtins(value, builtin_types=(bytes, timedelta))
        except (TypeError, ValueError, RecursionError) as error:
            detail = f"variable {name!r} cannot be read in CEL: {error}"
            raise ExpressionError(self.text, detail) from error
        is_whole_double = (
            type == "double" and isinstance(plain, int) and not isinstance(plain, bool)
        )
        return float(plain) if is_whole_double else plain

    def _run_readable(self, data: Mapping[str, object]) -> object:
        try:
            return self._run(data)
        except _Unreadable:
            return self._run({name: _without_tuples(value) for name, value in data.items()})

    def _run(self, data: Mapping[str, object]) -> object:
        try:
            result = self.program.eval(data=data)
            value = result.plain_value()
        except Exception as error:  # the package raises what its C++ side happened to throw
            raise _Failure(str(error)) from error
        # Errors come back as values of their own type; telling them apart by that costs 2 us.
        if isinstance(value, str) and result.type() == _package().cel.Type.ERROR:
            raise (_Unreadable if "value type" in value else _Failure)(value)
        return _python_value(value)

    def _error(self, message: str, scope: Mapping[str, object]) -> ExpressionError:
        missing = _MISSING.search(message)
        if missing and missing[1] not in scope:
            return missing_variable(self.text, missing[1], scope)
        return ExpressionError(self.text, message.split(": ", 1)[-1])


class _Failure(Exception):
    """The package could not evaluate the expression."""


class _Unreadable(_Failure):
    """The package met a Python type it does not take."""


def cel(
    text: str,
    variables: Mapping[str, str] | None = None,
    *,
    place: str = "cel",
    returns: Returns = "any",
) -> CelExpression:
    """Compile a CEL expression over `variables`: their names, each with its type.

    Types are those of `Input.type`; "any" leaves checking to the evaluation. Without `variables`
    every name that the text reads is taken for one. Raises `DefinitionError` with a fault for each
    thing wrong, all of them at `place`, and `ExtraMissing` without the extra `documents`.
    """
    known = dict.fromkeys(free_names(text), "any") if variables is None else variables
    used = tuple((n, known[n]) for n in _names_in(text) if n in known and is_pronounceable(n))
    environment = _environment(used)
    try:
        program = environment.compile(text)
    except Exception as error:  # noqa: BLE001 - as in `_run`
        faults = (Fault(place, text, expected) for expected in _faults(text, str(error), known))
        raise DefinitionError("CEL", tuple(faults)) from None
    given = str(program.return_type().name()).split("<")[0]
    if returns != "any" and given not in (*_GIVES[returns][1], "DYN"):
        fault = Fault(
            place, text, f"a CEL expression for {_GIVES[returns][0]}, not {given.lower()}"
        )
        raise DefinitionError("CEL", (fault,))
    return CelExpression(text, used, program)


def is_pronounceable(name: str) -> bool:
    """Whether CEL can read a variable of that name: no word of its own, no `-`, `:` or accents."""
    first, *rest = name.split(".")
    return first not in _UNPRONOUNCEABLE and all(map(_IDENTIFIER.fullmatch, (first, *rest)))


def free_names(text: str) -> list[str]:
    """The names a text may read from the memory, loop variables too, in order of appearance."""
    bare = _without_literals(text)
    found: dict[str, None] = {}
    for path in _PATH.finditer(bare):
        root, dot, _ = path[0].partition(".")
        is_function = bare[path.end() :].lstrip().startswith("(") and (not dot or root == "math")
        if not is_function:
            found[root.strip()] = None
    return list(found)


def _names_in(text: str) -> Iterator[str]:
    """Every dotted path in the text and the beginnings of it, longest last; each once.

    Only as many parts as the compiler takes: a path of 50,000 would have gigabytes of them.
    """
    seen: set[str] = set()
    for path in _PATH.findall(_without_literals(text)):
        parts = [part.strip() for part in path.split(".")]
        for end in range(1, min(len(parts), MAX_DEPTH) + 1):
            name = ".".join(parts[:end])
            if name not in seen:
                seen.add(name)
                yield name


def _without_literals(text: str) -> str:
    return _TEXT_LITERAL.sub("''", text)


def _faults(text: str, message: str, known: Collection[str]) -> Iterator[str]:
    """What was expected in place of `text`, for each error of the compiler; each once."""
    errors = _ERROR.findall(message) or [("1", "1", message.splitlines()[0])]
    expected = (_expected(text, int(line), int(at), what, known) for line, at, what in errors)
    return iter(dict.fromkeys(expected))


def _expected(text: str, line: int, column: int, message: str, known: Collection[str]) -> str:
    undeclared = _UNDECLARED.match(message)
    if undeclared is None:
        at = f"line {line}, column {column}: " if line > 0 else ""
        return f"a CEL expression ({at}{_brief(message)}{_unpronounceable(text, known)})"
    if text.split("\n")[line - 1][column - 1 : column] == "(":
        return f"a function of CEL, not {undeclared[1]!r}"
    name = undeclared[1].split(".")[0]
    names = known if len(known) > MANY else [n for n in known if is_pronounceable(n)]
    hint = _unpronounceable(text, known) or did_you_mean(name, names)
    return f"a known name, not {name!r} (known: {listed(names)}{hint})"


def _brief(message: str) -> str:
    """The compiler's message without its list of tokens and its own error codes."""
    if message.startswith("compile():"):
        return "not text"
    message = message.partition(" expecting {")[0]
    return re.sub(r"^[A-Z_]+: | \[[A-Z_]+\]$", "", message)


def _unpronounceable(text: str, known: Collection[str]) -> str:
    bare = _without_literals(text)
    for name in known if len(known) <= MANY else ():
        if not is_pronounceable(name) and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", bare):
            return f"; CEL cannot say {name!r}: use {{variable: {name}}}, or rename the output"
    return ""


def _without_tuples(value: Any) -> object:
    """Tuples as lists and spans of time as CEL writes them, all the way down."""
    if isinstance(value, timedelta):
        return f"{value.total_seconds()}s"
    return _mapped(value, _without_tuples)


def _python_value(value: Any) -> object:
    """What CEL gave, in types that are Python's own."""
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, _package().cel.Type):
        return str(value.name()).lower()
    return _mapped(value, _python_value)


def _mapped(value: Any, function: Callable[[Any], object]) -> object:
    if isinstance(value, (list, tuple)):
        return list(map(function, cast(Iterable[Any], value)))
    if isinstance(value, dict):
        items = cast(dict[object, Any], value).items()
        return {key: function(item) for key, item in items}
    return value


@attrs.frozen
class _Package:
    cel: Any
    extensions: tuple[Any, ...]


@functools.cache
def _package() -> _Package:
    try:
        cel = import_module("cel_expr_python.cel")
        strings = import_module("cel_expr_python.ext.ext_strings").ExtStrings()
        math = import_module("cel_expr_python.ext.ext_math").ExtMath()
    except ImportError as error:
        raise ExtraMissing("documents", "cel-expr-python", "a CEL expression") from error
    return _Package(cel, (strings, math))


@functools.lru_cache(maxsize=1000)
def _environment(variables: tuple[tuple[str, str], ...]) -> Any:
    """Making one costs 65 us, and most expressions of a document read the same few names."""
    package = _package()
    types = {name: _cel_type(package.cel.Type, type) for name, type in variables}
    return package.cel.NewEnv(variables=types, extensions=list(package.extensions))


def _cel_type(types: Any, name: str) -> Any:
    if name == "list":
        return types.List(types.DYN)
    if name == "map":
        return types.Map(types.DYN, types.DYN)
    return types.DYN if name == "any" else getattr(types, name.upper())
