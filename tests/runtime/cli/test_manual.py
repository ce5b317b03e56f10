"""The commands that `docs/cli.md` shows work as they stand there."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from .conftest import Engine

ROOT = Path(__file__).parents[3]
MANUAL = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```sh\nprocessengine (.+?)\n```", MANUAL)
TREE = re.search(r"```\n(order v1 after .+?)```", MANUAL, re.DOTALL)
SIMULATED = re.search(r"```\n(order v1 completed, .+?)```", MANUAL, re.DOTALL)


@pytest.fixture
def checkout(folder: Path) -> Path:
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_manual_works(checkout: Path, processengine: Engine, command: str) -> None:
    arguments = shlex.split(command)
    if arguments[0] == "run":
        arguments += ["--input", "pace=0"]  # the example need not pretend to work here
    assert processengine(*arguments).status == 0


def test_a_simulation_gives_what_the_manual_shows(checkout: Path, processengine: Engine) -> None:
    command = next(command for command in COMMANDS if command.startswith("simulate"))
    assert SIMULATED is not None
    assert processengine(*shlex.split(command)).out == SIMULATED[1]


def test_a_tree_is_what_the_manual_shows(checkout: Path, processengine: Engine) -> None:
    command = next(command for command in COMMANDS if command.startswith("tree"))
    assert TREE is not None
    assert processengine(*shlex.split(command)).out == TREE[1]


def test_the_manual_names_every_option(processengine: Engine) -> None:
    for command in ("run", "check", "graph", "simulate", "tree"):
        for option in re.findall(r"--[a-z]+", processengine(command, "--help").out):
            assert option in MANUAL or option == "--help"
