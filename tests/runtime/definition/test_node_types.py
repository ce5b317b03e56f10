import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from processengine.runtime.definition import DefinitionError, NodeTypes

SOURCE = """
from functools import partial

async def reserve(order): ...
def charge(order): ...
def _hidden(order): ...
class Declined(Exception): ...
class Order: ...
LIMIT = 5
"""


@pytest.fixture
def module() -> Iterator[ModuleType]:
    module = ModuleType("shop")
    sys.modules["shop"] = module
    exec(SOURCE, module.__dict__)
    yield module
    del sys.modules["shop"]


async def reserve(order: object) -> None: ...


def charge(order: object) -> None: ...


def names(types: NodeTypes) -> list[str]:
    return [each.name for each in types]


def test_a_function_is_registered_under_its_name() -> None:
    types = NodeTypes()
    assert types.register(reserve) is reserve
    found = types.find("reserve")
    assert found is not None
    assert found.kind.call is reserve
    assert found.kind.runs == "async"


def test_register_is_a_decorator_with_or_without_options() -> None:
    types = NodeTypes()

    @types.register
    def plain() -> None: ...

    @types.register(name="shop.pack", ports=["late"], runs="process")
    def pack() -> None: ...

    assert names(types) == ["plain", "shop.pack"]
    found = types.find("shop.pack")
    assert found is not None
    assert (found.kind.runs, found.kind.extra_ports) == ("process", ("late",))
    assert callable(plain)
    assert callable(pack)


def test_registering_a_function_again_changes_its_options() -> None:
    types = NodeTypes()
    types.register(charge)
    types.register(charge, ports=["declined"])
    found = types.find("charge")
    assert found is not None
    assert found.kind.extra_ports == ("declined",)


def test_the_options_of_a_document_override_those_of_the_type() -> None:
    types = NodeTypes()
    types.register(charge, ports=["declined"])
    found = types.find("charge")
    assert found is not None
    assert found.with_options(None, None) is found.kind
    assert found.with_options("process", ["late"]).runs == "process"
    assert found.with_options("process", ["late"]).extra_ports == ("late",)
    assert found.with_options(None, []).extra_ports == ()


def test_a_module_gives_its_public_functions_and_exceptions(module: ModuleType) -> None:
    types = NodeTypes.of_module(module)
    assert names(types) == ["reserve", "charge"]
    assert types.find_error("Declined") is vars(module)["Declined"]


def test_a_module_gives_what_it_lists(module: ModuleType) -> None:
    vars(module)["__all__"] = ["_hidden", "LIMIT"]
    assert names(NodeTypes.of_module(module)) == ["_hidden"]


def test_a_module_gives_the_registry_it_holds(module: ModuleType) -> None:
    held = NodeTypes()
    vars(module)["node_types"] = held
    assert NodeTypes.of_module(module) is held


def test_a_module_that_lists_what_it_lacks_is_told_so(module: ModuleType) -> None:
    vars(module)["__all__"] = ["reserv"]
    with pytest.raises(DefinitionError) as caught:
        NodeTypes.of_module(module)
    assert str(caught.value) == (
        "module 'shop': 1 fault\n"
        "  __all__[0]: expected a name that the module defines, got 'reserv'"
    )


def test_registries_are_merged_into_a_new_one() -> None:
    ours, theirs = NodeTypes(), NodeTypes()
    ours.register(reserve)
    theirs.register(charge)
    theirs.register_error(KeyError, "Missing")
    both = ours.merged(theirs)
    assert names(both) == ["reserve", "charge"]
    assert both.find_error("Missing") is KeyError
    assert names(ours) == ["reserve"]
    assert names(both.merged(ours)) == ["reserve", "charge"]


def test_exceptions_of_python_need_no_registration() -> None:
    types = NodeTypes()
    assert types.find_error("ConnectionError") is ConnectionError
    assert types.find_error("KeyboardInterrupt") is None
    assert types.find_error("print") is None
    assert types.name_of_error(ConnectionError) == "ConnectionError"


def test_a_registered_exception_goes_by_its_registered_name() -> None:
    class Declined(Exception): ...

    types = NodeTypes()
    assert types.register_error(Declined) is Declined
    assert types.name_of_error(Declined) == "Declined"
    assert NodeTypes().name_of_error(Declined) is None


def test_a_registry_shows_what_it_holds() -> None:
    types = NodeTypes()
    types.register(reserve)
    assert repr(types) == "<NodeTypes reserve>"
    assert "reserve" in types
    assert "charge" not in types
    assert len(types) == 1
