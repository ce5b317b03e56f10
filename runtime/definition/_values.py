"""Values in documents: a constant, `{cel: text}`, `{variable: name}` or `{constant: anything}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from ._cel import Returns, cel
from ._durations import A_DURATION, duration
from ._errors import DefinitionError, Fault
from ._expressions import Constant, Expression, Variable
from ._formats import is_list, is_mapping
from ._suggestion import choice_of

Known = Mapping[str, str]


@attrs.frozen
class Wanted:
    """What a field of a document takes.

    `constant` turns a value into what it stands for, or gives None if it does not fit; `text` says
    whether bare text is a constant too, or an expression; `returns` is what CEL must give.
    """

    expected: str
    returns: Returns
    constant: Callable[[object], object]
    text: str = "constant"


ANYTHING = Wanted("a value", "any", lambda value: value)
CONDITION = Wanted(
    "a CEL expression, true or false",
    "bool",
    lambda value: value if isinstance(value, bool) else None,
    text="expression",
)
SECONDS = Wanted(f"{A_DURATION}, or an expression", "number", duration)
ITEMS = Wanted(
    "the name of a variable, a CEL expression or a list",
    "list",
    lambda value: value if is_list(value) else None,
    text="expression",
)


def read_value(
    raw: object, wanted: Wanted, known: Known, place: str, faults: list[Fault]
) -> Expression | None:
    """The expression `raw` stands for, over the `known` variables; None, and faults, if none."""
    forms = FORMS.keys() & raw.keys() if is_mapping(raw) else None
    if is_mapping(raw) and forms:
        if len(raw) > 1:
            faults.append(
                Fault(place, raw, f"{_quoted(forms)} alone, or the mapping in {{constant: }}")
            )
            return None
        form = next(iter(forms))
        return FORMS[form](raw[form], wanted, known, f"{place}.{form}", faults)
    if isinstance(raw, str) and wanted.text == "expression":
        return _expression(raw, wanted, known, place, faults)
    return _constant(raw, wanted, known, place, faults)


def _expression(
    text: str, wanted: Wanted, known: Known, place: str, faults: list[Fault]
) -> Expression | None:
    if wanted is ITEMS and text in known:
        return Variable(text)
    return _cel(text, wanted, known, place, faults)


def _constant(
    raw: object, wanted: Wanted, known: Known, place: str, faults: list[Fault]
) -> Expression | None:
    value = wanted.constant(raw)
    if value is None and wanted is not ANYTHING:
        faults.append(Fault(place, raw, wanted.expected))
        return None
    return Constant(value)


def _cel(
    raw: object, wanted: Wanted, known: Known, place: str, faults: list[Fault]
) -> Expression | None:
    if not isinstance(raw, str):
        faults.append(Fault(place, raw, "a CEL expression as text"))
        return None
    try:
        return cel(raw, known, place=place, returns=wanted.returns)
    except DefinitionError as error:
        faults.extend(error.faults)
        return None


def _variable(
    raw: object, wanted: Wanted, known: Known, place: str, faults: list[Fault]
) -> Expression | None:
    if isinstance(raw, str) and raw in known:
        return Variable(raw)
    expected = f"a known name (known: {choice_of(known, raw)})"
    faults.append(Fault(place, raw, expected))
    return None


_Reader = Callable[[object, Wanted, Known, str, "list[Fault]"], "Expression | None"]
FORMS: Mapping[str, _Reader] = {"cel": _cel, "variable": _variable, "constant": _constant}


def _quoted(names: set[str]) -> str:
    return " or ".join(repr(name) for name in sorted(names))
