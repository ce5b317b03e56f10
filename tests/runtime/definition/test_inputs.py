import dataclasses
import pickle
from typing import get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processengine.runtime.definition import (
    REQUIRED,
    Input,
    InputError,
    InputType,
    ProcessBuilder,
    ProcessDefinition,
    check_inputs,
)


@attrs.frozen
class Order:
    total: int


@dataclasses.dataclass
class Note:
    text: str


def declaring(*inputs: str | Input) -> ProcessDefinition:
    builder = ProcessBuilder("orders", inputs=inputs)
    builder.wait("paid")
    return builder.build()


def test_a_definition_without_inputs_takes_anything() -> None:
    assert check_inputs(declaring(), {"order": 1}) == {"order": 1}


def test_defaults_stand_in_for_what_is_missing() -> None:
    definition = declaring("order", Input("rate", "double", default=0.2))
    assert check_inputs(definition, {"order": 1}) == {"order": 1, "rate": 0.2}
    assert check_inputs(definition, {"order": 1, "rate": 1}) == {"order": 1, "rate": 1}


def test_an_execution_gets_its_own_copy_of_a_default() -> None:
    definition = declaring(Input("tags", "list", default=["new"]))
    first = check_inputs(definition, {})
    tags = first["tags"]
    assert isinstance(tags, list)
    tags.clear()
    assert check_inputs(definition, {}) == {"tags": ["new"]}


def test_every_variable_that_is_wrong_is_listed() -> None:
    definition = declaring("order", Input("rate", "double"), Input("copies", "int", default=1))
    with pytest.raises(InputError) as caught:
        check_inputs(definition, {"oder": 1, "copies": "two"})
    assert str(caught.value) == (
        "inputs of orders v1: 4 faults\n"
        "  order: expected a value, got nothing\n"
        "  rate: expected a double, got nothing\n"
        "  copies: expected an int, got 'two'\n"
        "  oder: expected a declared input (copies, order, rate; did you mean 'order'?), got 1"
    )
    assert pickle.loads(pickle.dumps(caught.value)).faults == caught.value.faults


OF_TYPE: list[tuple[InputType, list[object]]] = [
    ("string", ["", "text"]),
    ("int", [0, -5]),
    ("double", [0, 1.5]),
    ("bool", [True, False]),
    ("list", [[], (1, 2)]),
    ("map", [{}, {"a": 1}, Order(1), Note("n")]),
    ("any", [None, object(), Order]),
]


@pytest.mark.parametrize(("type", "values"), OF_TYPE)
def test_values_of_a_type_are_taken(type: InputType, values: list[object]) -> None:
    definition = declaring(Input("x", type))
    for value in values:
        assert check_inputs(definition, {"x": value}) == {"x": value}


NOT_OF_TYPE: list[tuple[InputType, list[object]]] = [
    ("string", [b"", 1, None]),
    ("int", [True, 1.0, "1", None]),
    ("double", [True, "1", None]),
    ("bool", [0, "true", None]),
    ("list", ["text", {1}, None]),
    ("map", [[], "text", Order, None]),
]


@pytest.mark.parametrize(("type", "values"), NOT_OF_TYPE)
def test_values_of_another_type_are_refused(type: InputType, values: list[object]) -> None:
    definition = declaring(Input("x", type))
    for value in values:
        with pytest.raises(InputError):
            check_inputs(definition, {"x": value})


@given(st.sampled_from(get_args(InputType)))
def test_a_default_of_none_makes_a_variable_optional(type: InputType) -> None:
    definition = declaring(Input("x", type, default=None))
    assert check_inputs(definition, {}) == {"x": None}
    assert check_inputs(definition, {"x": None}) == {"x": None}


def test_what_is_required_is_not_what_has_none_for_a_default() -> None:
    assert Input("x").is_required
    assert Input("x").default is REQUIRED
    assert not Input("x", default=None).is_required


def test_inputs_are_part_of_what_a_definition_is() -> None:
    hashes = {
        declaring().hash,
        declaring("x").hash,
        declaring(Input("x", "int")).hash,
        declaring(Input("x", "int", default=None)).hash,
        declaring(Input("x", "int", default=1)).hash,
    }
    assert len(hashes) == 5
    assert declaring(Input("x", "int", description="how many")) == declaring(Input("x", "int"))
