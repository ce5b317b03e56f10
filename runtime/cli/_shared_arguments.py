"""Arguments that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Add = Callable[..., Any]
"""The method `add_argument` of a parser."""


def process_file(add: Add) -> None:
    """The file of a process."""
    add("file", metavar="FILE", help="JSON, TOML, YAML, or WfFormat (.json)")


def nodes(add: Add) -> None:
    """Where functions are."""
    add(
        "--nodes", metavar="MODULE", action="append", default=[],
        help="where the node functions are: a module's name or a .py file (repeatable)",
    )  # fmt: skip


def given(add: Add) -> None:
    """What an execution is given."""
    add("--input", metavar="NAME=VALUE", action="append", default=[],
        help="a variable to start with; VALUE is JSON, or text, or @FILE (repeatable)")  # fmt: skip
    add("--signal", metavar="NAME=VALUE", action="append", default=[],
        help="a signal sent up front, kept until it is waited for (repeatable)")  # fmt: skip


def as_json(add: Add) -> None:
    """A document in place of words."""
    add("--json", action="store_true", help="one JSON document on standard output, nothing else")
