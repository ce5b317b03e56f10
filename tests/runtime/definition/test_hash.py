import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from processengine.runtime.definition import Constant, Input, ProcessBuilder, Variable, cel
from processengine.supervision import Retry


def charge(amount: int = 1) -> None: ...


def refund(amount: int = 1) -> None: ...


@attrs.frozen
class Render:
    page: int

    def __call__(self) -> None: ...


def hash_of(function: Any = charge, **options: Any) -> str:
    builder = ProcessBuilder("orders")
    builder.node("node", function, **options)
    return builder.build().hash


CHANGES: list[dict[str, Any]] = [
    {"function": refund},
    {"function": partial(charge, amount=2)},
    {"function": partial(charge, amount=3)},
    {"function": Render(1)},
    {"function": Render(2)},
    {"function": lambda: None},
    {"runs": "process"},
    {"ports": ["declined"]},
    {"join": "any"},
    {"join": "any", "rest": "cancel"},
    {"join": 2},
    {"join": "each"},
    {"output": "receipt"},
    {"timeout": 10},
    {"retry": Retry()},
    {"retry": Retry(attempts=2)},
    {"retry": Retry(on=(OSError,))},
    {"retry": Retry(never=(OSError,))},
    {"inputs": {"amount": 1}},
    {"inputs": {"amount": 1.0}},
    {"inputs": {"amount": True}},
    {"inputs": {"amount": "1"}},
    {"inputs": {"amount": [1]}},
    {"inputs": {"amount": {"a": 1}}},
    {"inputs": {"amount": None}},
    {"inputs": {"amount": Variable("order")}},
    {"inputs": {"amount": "order"}},
    {"inputs": {"amount": cel("order")}},
    {"inputs": {"amount": charge}},
]


def test_whatever_changes_what_a_node_does_changes_the_hash() -> None:
    hashes = [hash_of(), *(hash_of(**change) for change in CHANGES)]
    assert len(set(hashes)) == len(hashes)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"description": "takes the money"}),
        ({"timeout": 10}, {"timeout": 10.0}),
        ({"retry": Retry(initial=1, maximum=30)}, {"retry": Retry(initial=1.0, maximum=30.0)}),
        ({"inputs": {"amount": {"a": 1, "b": 2}}}, {"inputs": {"amount": {"b": 2, "a": 1}}}),
        ({"inputs": {"amount": {"a", "b", "c"}}}, {"inputs": {"amount": {"c", "b", "a"}}}),
        ({"inputs": {"amount": (1, 2)}}, {"inputs": {"amount": [1, 2]}}),
        ({"inputs": {"amount": cel("a")}}, {"inputs": {"amount": cel("a", {"a": "int"})}}),
        ({"function": Render(1)}, {"function": Render(1)}),
    ],
)
def test_what_changes_nothing_leaves_the_hash(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert hash_of(**one) == hash_of(**other)


def test_the_identity_and_the_frame_of_a_process_are_part_of_the_hash() -> None:
    def build(*args: Any, **options: Any) -> str:
        builder = ProcessBuilder(*args, **options)
        first, second = builder.node("a", charge), builder.node("b", charge)
        if args[0] == "joined":
            first.then(second)
        return builder.build().hash

    hashes = {
        build("orders"),
        build("others"),
        build("joined"),
        build("orders", 2),
        build("orders", timeout=10),
        build("orders", inputs=["x"]),
        build("orders", inputs=[Input("x", default="required")]),
    }
    assert len(hashes) == 7


def test_the_port_of_a_connection_is_part_of_the_hash() -> None:
    def build(port: str) -> str:
        builder = ProcessBuilder("orders")
        builder.node("a", charge).on(port).then(builder.node("b", charge))
        return builder.build().hash

    assert build("out") != build("error")


def test_a_child_counts_by_its_own_hash() -> None:
    def build(constant: int) -> str:
        child = ProcessBuilder("child")
        child.delay("pause", constant)
        builder = ProcessBuilder("orders")
        builder.process("child", child.build())
        return builder.build().hash

    assert build(1) == build(1)
    assert build(1) != build(2)


SCRIPT = """
from processengine.runtime.definition import ProcessBuilder
builder = ProcessBuilder("orders")
builder.delay("a", 5, inputs={"tags": {"a", "b", "c", "d"}, "names": ["x"]}, output="z")
print(builder.build().hash)
"""


def test_the_hash_is_the_same_in_another_process_whatever_its_hash_seed(
    tmp_path: Path,
) -> None:
    def run(seed: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=tmp_path,  # away from the bare folder `processengine` of the checkout
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        ).stdout

    assert run("1") == run("2")


def test_definitions_are_equal_if_their_hashes_are() -> None:
    one, other = ProcessBuilder("orders"), ProcessBuilder("orders", description="the same")
    for builder in (one, other):
        builder.delay("a", Constant(5))
    assert one.build() == other.build()
    assert hash(one.build()) == hash(other.build())
    assert one.build() != "orders"


def test_a_definition_without_groups_and_a_handler_has_the_hash_it_always_had() -> None:
    builder = ProcessBuilder("orders", 2, inputs=[Input("amount", "int", default=1)], timeout=10)
    first = builder.wait("paid", within=60, timeout=3)
    first.then(builder.delay("pause", 5, output="z")).then(builder.end("done"))
    first.on("timeout").then(builder.delay("again", Variable("amount"), join="any"))
    assert builder.build().hash == (
        "d6014cc41200910f6022e1973a2a4fc13a2baab5e206ad478d8b8d18acbe8585"
    )
