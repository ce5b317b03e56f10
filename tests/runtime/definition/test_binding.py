import dataclasses
from functools import partial
from typing import Any

import attrs
import msgspec
import pytest

from processengine.runtime.definition import (
    Binding,
    BindingError,
    DefinitionError,
    NodeContext,
    function_name,
)


@attrs.frozen
class Line:
    price: float
    amount: int = 1


@dataclasses.dataclass
class Customer:
    name: str


class Order(msgspec.Struct):
    total: int


def call(function: Any, **scope: object) -> object:
    return Binding.of(function).call(function, scope)


def test_parameters_are_found_by_name() -> None:
    def node(order: Any, *, total: Any) -> object:
        return order, total

    assert call(node, order=1, total=2, more=3) == (1, 2)


def test_a_default_stands_in_for_a_variable_that_is_not_there() -> None:
    def node(order: Any, rate: float = 0.2) -> object:
        return order, rate

    assert call(node, order=1) == (1, 0.2)
    assert call(node, order=1, rate=3.0) == (1, 3.0)


def test_a_variable_that_is_not_there_is_named() -> None:
    def node(order: Any) -> None: ...

    with pytest.raises(BindingError) as caught:
        call(node, total=1, items=2)
    assert str(caught.value) == (
        "parameter 'order' of node: no variable of that name; the memory has items, total"
    )


def test_plain_data_becomes_what_the_annotation_asks_for() -> None:
    def node(lines: list[Line], customer: Customer, order: Order) -> object:
        return lines, customer, order

    assert call(node, lines=[{"price": 2.5}], customer={"name": "Ada"}, order={"total": 3}) == (
        [Line(2.5)],
        Customer("Ada"),
        Order(3),
    )


def test_an_object_of_the_right_class_is_passed_as_it_is() -> None:
    def node(line: Line, lines: list[Line], customer: Customer | None) -> object:
        return line, lines[0], customer

    line, customer = Line(1.0), Customer("Ada")
    passed: Any = call(node, line=line, lines=[line], customer=customer)
    assert passed[0] is line
    assert passed[1] is line
    assert passed[2] is customer


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, True),
        (int, "1"),
        (int, 1.0),
        (str, 1),
        (bool, 1),
        (list, (1,)),
        (float, "1"),
        (Line, 5),
    ],
)
def test_values_are_checked_and_never_coerced(annotation: Any, value: object) -> None:
    def node(x: Any) -> None: ...

    node.__annotations__["x"] = annotation
    with pytest.raises(
        BindingError, match=f"parameter 'x' of node: expected {annotation.__name__}"
    ):
        call(node, x=value)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (float, 1),
        (int | str, "1"),
        (int | None, None),
        (Any, object()),
        (object, object()),
        (dict, {"a": 1}),
        (dict[str, int], {"a": 1}),
        (list[int], [1]),
        ("Undefined", 5),
    ],
)
def test_values_that_fit_are_passed(annotation: Any, value: object) -> None:
    def node(x: Any) -> object:
        return x

    node.__annotations__["x"] = annotation
    assert call(node, x=value) == value


def test_a_function_cannot_change_what_the_memory_holds() -> None:
    def node(tags: list[list[str]]) -> None:
        tags[0].append("changed")
        tags.clear()

    tags = [["new"]]
    call(node, tags=tags)
    assert tags == [["new"]]


def test_the_context_is_asked_for_by_its_type() -> None:
    def node(order: Any, here: NodeContext) -> None: ...

    binding = Binding.of(node)
    assert binding.wants_context == "here"
    assert binding.required == ("order",)


def test_what_a_function_cannot_do_without_is_known_beforehand() -> None:
    def node(order: Any, rate: float = 0.2, *, total: int, note: str = "") -> None: ...

    assert Binding.of(node).required == ("order", "total")
    assert Binding.of(partial(node, 1)).required == ("total",)


def test_parameters_that_have_no_name_are_refused() -> None:
    def node(*orders: Any, **options: Any) -> None: ...

    with pytest.raises(DefinitionError, match="2 faults"):
        Binding.of(node)


def test_a_function_goes_by_its_own_name() -> None:
    class Charger:
        def __call__(self) -> None: ...

    assert function_name(call) == "call"
    assert function_name(partial(partial(call))) == "call"
    assert function_name(Charger()) == "Charger"


def test_a_method_and_a_callable_object_are_bound_like_functions() -> None:
    class Shop:
        def reserve(self, order: int) -> int:
            return order

        def __call__(self, order: int) -> int:
            return order + 1

    assert call(Shop().reserve, order=1) == 1
    assert call(Shop(), order=1) == 2
    with pytest.raises(BindingError):
        call(Shop(), order="1")
