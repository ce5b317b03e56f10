from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processengine.runtime.definition import owned

VALUES = st.recursive(
    st.none() | st.integers() | st.text() | st.sets(st.integers()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=20,
)


@given(VALUES)
def test_a_copy_is_equal(value: Any) -> None:
    assert owned(value) == value


def test_containers_are_new_all_the_way_down() -> None:
    value: dict[str, Any] = {"a": [{"b": {1}}]}
    copy = owned(value)
    copy["a"][0]["b"].add(2)
    copy["a"][0]["c"] = 3
    copy["a"].append(4)
    assert value == {"a": [{"b": {1}}]}


def test_other_objects_are_shared() -> None:
    thing = object()
    inside = [1]
    assert owned(thing) is thing
    assert owned([thing, (inside,)])[0] is thing
    assert owned([thing, (inside,)])[1][0] is inside


def test_shared_and_circular_references_stay_as_they_are() -> None:
    shared = [1]
    circular: list[Any] = [shared, shared]
    circular.append(circular)
    copy = owned(circular)
    assert copy[0] is copy[1]
    assert copy[0] is not shared
    assert copy[2] is copy


def test_deep_values_are_no_deep_recursion() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    assert owned(value) is not value
