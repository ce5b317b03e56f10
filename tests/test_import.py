"""What `import processengine` brings with it, seen in a fresh process."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import processengine as pe
from processengine.runtime import definition, store

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def distribution(requirement: str) -> str:
    return re.split(r"[\[<>=! ;]", requirement)[0].lower()


def optional_modules() -> set[str]:
    """The top-level modules of everything that an extra names and the core does not."""
    required = {distribution(line) for line in PROJECT["dependencies"]} | {PROJECT["name"]}
    lines = [line for extra in PROJECT["optional-dependencies"].values() for line in extra]
    optional = {distribution(line) for line in lines} - required
    modules = packages_distributions().items()
    return {name for name, owners in modules if optional & {owner.lower() for owner in owners}}


def modules_after(code: str) -> set[str]:
    code = f"import sys; {code}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.fixture(scope="module")
def imported() -> set[str]:
    before = modules_after("pass")
    return modules_after("import processengine") - before


def test_the_door_imports_no_optional_package(imported: set[str]) -> None:
    optional = optional_modules()
    assert {"cel_expr_python", "yaml", "rich", "trio_parallel", "zstandard"} <= optional
    assert imported & optional == set()


def test_the_door_imports_no_event_loop_but_trio(imported: set[str]) -> None:
    assert "trio" in imported
    assert "asyncio" not in imported


@pytest.mark.parametrize("module", ["apsw", "cattrs", "difflib", "gzip", "tomllib", "zoneinfo"])
def test_the_door_leaves_for_later_what_a_program_may_do_without(
    module: str, imported: set[str]
) -> None:
    assert module not in imported


def test_every_public_name_is_found_and_no_other() -> None:
    assert dir(pe) == sorted(pe.__all__)
    for package in (pe, definition, store):
        names = {name: getattr(package, name) for name in package.__all__}
        assert None not in names.values()
        with pytest.raises(AttributeError, match="has no attribute 'simulat'"):
            getattr(package, "simulat")  # noqa: B009 - type checkers know that there is none
