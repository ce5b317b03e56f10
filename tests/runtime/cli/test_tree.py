import io
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

import processengine as pe
from processengine.runtime.cli._tree_view import print_tree

from .conftest import Engine

LONG = """
id: long
nodes:
  begin: {type: begin, then: rest}
  rest: {kind: delay, seconds: 3600, then: ask}
  ask: {kind: wait, signal: go}
"""
NODES = """
import trio

async def begin():
    await trio.sleep(10)
"""
TREE = [
    "runtime  supervisor, running, one_for_one",
    "├── services  supervisor, running, rest_for_one",
    "├── groups  supervisor, running, one_for_one",
    "│   └── long v1/default  supervisor, running, one_for_one",
    "│       └── workers  service, running",
    "└── executions  supervisor, running, one_for_one",
]


@pytest.fixture
def long(folder: Path) -> tuple[str, ...]:
    (folder / "long.yaml").write_text(LONG)
    (folder / "nodes.py").write_text(NODES)
    return ("tree", "long.yaml", "--nodes", "nodes.py")


def test_right_after_the_begin_the_execution_runs(
    long: tuple[str, ...], processengine: Engine
) -> None:
    ran = processengine(*long)
    assert ran.status == 0
    first, *tree, last = ran.out.splitlines()
    assert first == "long v1 after 0.00 s: running"
    assert [line for line in tree if line in TREE] == TREE
    assert last == "    └── long  execution, running"


@pytest.mark.parametrize(
    ("after", "state"), [("9.5", "running"), ("11", "waiting"), ("1000000", "waiting")]
)
def test_time_goes_by_virtually(
    long: tuple[str, ...], processengine: Engine, after: str, state: str
) -> None:
    assert processengine(*long, "--after", after, "--json").document["state"] == state


def test_what_has_ended_is_not_in_the_tree(long: tuple[str, ...], processengine: Engine) -> None:
    ran = processengine(*long, "--after", "5000", "--signal", "go=1")
    lines = ran.out.splitlines()
    assert (lines[0], lines[-1]) == ("long v1 after 1 h 23 min: completed", TREE[-1])


def test_the_document_is_the_tree(long: tuple[str, ...], processengine: Engine) -> None:
    document = processengine(*long, "--after", "11", "--json").document
    assert (document["definition"], document["after"]) == ("long v1", 11)
    assert document["tree"]["children"][-1] == {
        "name": "executions",
        "kind": "supervisor",
        "state": "running",
        "restarts": 0,
        "strategy": "one_for_one",
        "children": [
            {
                "name": "long",
                "kind": "execution",
                "state": "waiting",
                "restarts": 0,
                "strategy": None,
                "children": [],
            }
        ],
    }


def test_the_tree_is_drawn(long: tuple[str, ...], processengine: Engine) -> None:
    assert processengine(*long, "--svg", "tree.svg").status == 0
    root = ElementTree.fromstring(Path("tree.svg").read_text(encoding="utf-8"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("after", ["-1", "soon", "inf"])
def test_a_moment_that_is_none_is_refused(
    long: tuple[str, ...], processengine: Engine, after: str
) -> None:
    ran = processengine(*long, f"--after={after}")
    assert ran.status == 2
    assert f"expected a number of seconds from 0, got {after!r}" in ran.problem


def test_inputs_are_checked(order: Path, processengine: Engine) -> None:
    ran = processengine("tree", "order.yaml", "--nodes", "shop", "--input", "total=many")
    assert ran.status == 2
    assert "total" in ran.problem


def test_a_terminal_gets_the_same_tree_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    leaf = pe.TreeNode("[leaf]", "service", "idle")
    tree = pe.TreeNode("top", "supervisor", "running", 0, "one_for_one", (leaf, leaf))
    stream = io.StringIO()
    print_tree(tree, Console(file=stream, width=80))
    assert stream.getvalue() == (
        "top  supervisor, running, one_for_one\n"
        "├── [leaf]  service, idle\n"
        "└── [leaf]  service, idle\n"
    )


def test_a_process_need_not_be_quick_to_end(folder: Path, processengine: Engine) -> None:
    (folder / "tidy.yaml").write_text("id: tidy\nnodes:\n  work: {type: work}\n")
    (folder / "tidy.py").write_text(
        "import trio\n\nasync def work():\n    try:\n        await trio.sleep_forever()\n"
        "    finally:\n        print('tidied up')\n"
    )
    ran = processengine("tree", "tidy.yaml", "--nodes", "tidy.py")
    assert ran.status == 0
    assert "tidied up" in ran.out
    assert "tidy" in sys.modules
