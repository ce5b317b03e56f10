from datetime import timedelta

import pytest

from processengine.runtime.definition import (
    Constant,
    ExpressionError,
    FunctionExpression,
    Variable,
    expression_of,
    seconds,
    truth,
)


def is_big(order: dict[str, int], limit: int = 100) -> bool:
    return order["total"] > limit


def test_a_function_is_called_with_variables_bound_by_name() -> None:
    expression = expression_of(is_big)
    assert isinstance(expression, FunctionExpression)
    assert expression.source == "is_big"
    assert expression.reads == ("order",)
    assert expression.evaluate({"order": {"total": 120}}) is True
    assert expression.evaluate({"order": {"total": 120}, "limit": 200}) is False


def test_a_variable_gives_its_value() -> None:
    assert Variable("order").evaluate({"order": 1}) == 1
    assert Variable("order").reads == ("order",)


def test_a_variable_that_is_not_there_is_named() -> None:
    with pytest.raises(ExpressionError) as caught:
        Variable("order").evaluate({"total": 1, "items": 2})
    assert str(caught.value) == (
        "expression 'order': there is no variable 'order'; the memory has items, total"
    )


def test_anything_else_is_constant() -> None:
    expression = expression_of([1, 2])
    assert expression == Constant([1, 2])
    assert expression.source == "[1, 2]"
    assert expression.reads == ()
    assert expression.evaluate({}) == [1, 2]


def test_an_expression_is_taken_as_it_is() -> None:
    expression = Variable("order")
    assert expression_of(expression) is expression


@pytest.mark.parametrize(("value", "holds"), [(1, True), ("", False), ([0], True), (None, False)])
def test_a_condition_in_python_counts_as_python_counts_it(value: object, holds: bool) -> None:
    assert truth(expression_of(is_big), value) is holds


@pytest.mark.parametrize(("value", "length"), [(0, 0), (1.5, 1.5), (timedelta(minutes=2), 120)])
def test_a_length_of_time_is_a_number_of_seconds(value: object, length: float) -> None:
    assert seconds(Constant(value), value) == length


@pytest.mark.parametrize(
    "value", [-1, True, "5m", None, float("nan"), float("inf"), timedelta(seconds=-1)]
)
def test_anything_else_is_no_length_of_time(value: object) -> None:
    with pytest.raises(
        ExpressionError, match="a length of time must be a number of seconds from 0"
    ):
        seconds(Constant(value), value)
