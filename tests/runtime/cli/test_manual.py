"""The commands that `docs/cli.md` shows work as they stand there."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from processengine.loadtest import read_report, report_text

from .conftest import Engine

ROOT = Path(__file__).parents[3]
MANUAL = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```sh\nprocessengine (.+?)\n```", MANUAL)
TREE = re.search(r"```\n(order v1 after .+?)```", MANUAL, re.DOTALL)
SIMULATED = re.search(r"```\n(order v1 completed, .+?)```", MANUAL, re.DOTALL)


@pytest.fixture
def checkout(folder: Path) -> Path:
    for name in ("examples", "docs"):
        shutil.copytree(ROOT / name, folder / name)
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
    for command in ("run", "check", "graph", "simulate", "tree", "loadtest", "profile", "plan"):
        for option in re.findall(r"--[a-z]+", processengine(command, "--help").out):
            assert option in MANUAL or option == "--help"


def test_the_plan_of_the_manual_is_what_its_command_gives(
    checkout: Path, processengine: Engine
) -> None:
    manual = (ROOT / "docs/operations/capacity.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- processengine (plan .+?) -->\n```\n(.+?)```", manual, re.DOTALL)
    assert shown is not None
    assert processengine(*shlex.split(shown[1])).out == shown[2]


def test_the_example_of_a_report_is_the_text_of_its_json() -> None:
    folder = ROOT / "docs/operations"
    report = read_report(folder / "example-report.json")
    assert report_text(report) == (folder / "example-report.txt").read_text(encoding="utf-8")
