import dataclasses
import pickle
import sys
from datetime import UTC, datetime, timedelta
from enum import Enum
from importlib import import_module

import attrs
import msgspec
import pytest

from processengine.runtime.definition import (
    CelExpression,
    DefinitionError,
    ExpressionError,
    ExtraMissing,
    cel,
    seconds,
    truth,
)


@attrs.frozen
class Line:
    price: float
    tags: tuple[str, ...] = ()


@dataclasses.dataclass
class Customer:
    name: str


class Order(msgspec.Struct):
    lines: list[Line]
    customer: Customer


class Colour(Enum):
    RED = "red"


def value_of(text: str, **variables: object) -> object:
    return cel(text).evaluate(variables)


def test_an_expression_reads_variables() -> None:
    assert value_of("order.total * 2", order={"total": 21}) == 42


def test_objects_with_fields_are_read_like_mappings() -> None:
    order = Order([Line(2.5, ("new", "red")), Line(1.0)], Customer("Ada"))
    assert value_of("order.customer.name", order=order) == "Ada"
    assert value_of("order.lines.exists(l, 'red' in l.tags)", order=order) is True


@pytest.mark.parametrize(
    ("text", "variable", "value"),
    [
        ("x", (1, (2, 3)), [1, [2, 3]]),
        ("x", Colour.RED, "red"),
        ("size(x)", {1, 2}, 2),
        ("x", b"bytes", b"bytes"),
        ("[x]", b"bytes", [b"bytes"]),
        ("x", None, None),
        ("timestamp(x)", datetime(2024, 1, 31, tzinfo=UTC), datetime(2024, 1, 31, tzinfo=UTC)),
        ("duration(x)", timedelta(minutes=90), timedelta(minutes=90)),
        ("type(x)", 1, "int"),
        ("{'a': [x]}", 1.5, {"a": [1.5]}),
    ],
)
def test_values_go_in_and_come_out_as_python_has_them(
    text: str, variable: object, value: object
) -> None:
    result = value_of(text, x=variable)
    assert result == value
    assert type(result) is type(value)


def test_a_whole_number_may_stand_for_a_double() -> None:
    assert cel("rate / 2.0", {"rate": "double"}).evaluate({"rate": 3}) == 1.5


@pytest.mark.parametrize(
    ("text", "variables", "message"),
    [
        ("order.total > 100", {"oder": 1}, "there is no variable 'order'; the memory has oder"),
        ("order.total > 100", {"order": {}}, 'Key not found in map : "total"'),
        ("order / 0", {"order": 1}, "divide by zero"),
        (
            "order",
            {"order": object()},
            "variable 'order' cannot be read in CEL: Encoding objects of type object",
        ),
        (
            "order",
            {"order": 2**70},
            "Integer value '1180591620717411303424' out of range for 'order'.",
        ),
    ],
)
def test_an_evaluation_that_fails_names_the_expression_and_the_reason(
    text: str, variables: dict[str, object], message: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        value_of(text, **variables)
    assert str(caught.value).startswith(f"expression {text!r}: {message}")


def test_a_variable_that_decides_nothing_need_not_be_there() -> None:
    assert value_of("known || unknown", known=True) is True


def test_a_value_nested_without_end_is_an_error_and_not_a_crash() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(ExpressionError, match="maximum recursion depth"):
        value_of("size(x)", x=nested)


def test_a_variable_of_declared_type_is_checked_when_the_expression_is_made() -> None:
    with pytest.raises(DefinitionError, match="no matching overload"):
        cel("copies + note", {"copies": "int", "note": "string"})


@pytest.mark.parametrize(
    ("text", "returns"), [("1", "bool"), ("'5m'", "number"), ("{}", "list"), ("1 + 1", "list")]
)
def test_what_an_expression_gives_is_checked_when_it_is_made(text: str, returns: str) -> None:
    with pytest.raises(DefinitionError, match="expected a CEL expression for"):
        cel(text, {}, returns=returns)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("order == 'total'", ("order",)),
        ("""order == "it's" && total == 'a \\' b'""", ("order", "total")),
        ("""order == \'\'\'a'b\'\'\' || total == "" || size""", ("order", "total", "size")),
        (r"""order == r'a\w"' || total == b'a'""", ("order", "total")),
        ("order.total.size() > math.abs(more)", ("order", "more")),
    ],
)
def test_a_name_inside_text_or_of_a_function_is_no_variable(
    text: str, names: tuple[str, ...]
) -> None:
    assert cel(text).reads == names


@pytest.mark.parametrize(
    "text", ["'\\" * 40_000, "x" + ".x" * 40_000, '"' * 40_001, "x" + "?x" * 40_000, "\\" * 99]
)
def test_a_long_text_that_is_no_expression_is_refused_at_once(text: str) -> None:
    with pytest.raises(DefinitionError):
        cel(text)


def test_names_of_loops_are_no_variables() -> None:
    assert cel("lines.exists(line, line.big) && size(lines) > most").reads == ("lines", "most")


def test_a_name_with_dots_is_one_variable() -> None:
    expression = cel(
        "shop.total > 1 && shop.list.all(i, i > 0)", {"shop.total": "int", "shop": "any"}
    )
    assert expression.evaluate({"shop.total": 2, "shop": {"list": [1]}}) is True


@pytest.mark.parametrize("name", ["list", "int", "in", "loop", "type"])
def test_words_of_cel_are_told_apart_from_variables(name: str) -> None:
    with pytest.raises(DefinitionError, match=f"CEL cannot say '{name}'"):
        cel(f"{name} + 1", {name: "any"})


def test_strings_and_numbers_have_their_usual_functions() -> None:
    assert value_of("name.split(' ')[0].lowerAscii()", name="Ada Lovelace") == "ada"
    assert value_of("math.ceil(x)", x=1.2) == 2.0


def test_equal_text_makes_equal_expressions() -> None:
    assert cel("a + b") == cel("a + b", {"a": "int", "b": "int"})
    assert hash(cel("a + b")) == hash(cel("a + b"))
    assert cel("a + b") != cel("a - b")


def test_an_expression_can_be_pickled() -> None:
    expression = cel("rate / 2.0", {"rate": "double"})
    copy = pickle.loads(pickle.dumps(expression))
    assert isinstance(copy, CelExpression)
    assert copy == expression
    assert copy.evaluate({"rate": 3}) == 1.5


def test_a_condition_in_cel_must_be_true_or_false() -> None:
    expression = cel("total")
    assert truth(expression, True) is True
    with pytest.raises(ExpressionError) as caught:
        truth(expression, 1)
    assert str(caught.value) == "expression 'total': a condition must be true or false, not 1"


def test_a_length_of_time_may_be_a_duration_of_cel() -> None:
    expression = cel("duration('90m')")
    assert seconds(expression, expression.evaluate({})) == 5400.0


def test_a_missing_package_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cel_expr_python.cel", None)
    module = import_module(CelExpression.__module__)
    module._package.cache_clear()
    module._environment.cache_clear()
    with pytest.raises(ExtraMissing) as caught:
        cel("1 + 1")
    assert str(caught.value) == (
        "a CEL expression needs the package cel-expr-python: pip install 'processengine[documents]'"
    )
