"""What is known of an engine before it runs: all of it stands in its program's own file.

A program begins with the metadata block of single-file scripts (PEP 723):

    # /// script
    # dependencies = ["engine==1.2.3"]
    # [tool.bench.memory]
    # "engine, one after another" = {}
    # "engine, side by side" = { side_by_side = true }
    # ///

There is a table for each work (see `_work`) that it does, with its variants. `side_by_side` says
that a variant runs all of its executions at once. A variant may name its `executions` and `steps`:
an engine that is too slow for the usual number does less; figures are for a step. `[tool.bench]`
may say `role = "yardstick"` (or `"ours"`); without, it is a peer.

It is called with one argument, JSON: `work`, `executions`, `steps` and `folder` (empty, for its
files, and the current one), and what its variant says. Step number k of an execution gives k;
message number k carries k. It does the work twice, each time after `gc.collect()`: the first time
warms up. It prints one line of JSON: `seconds` and `total` (of all values, as read from the ended
executions, the answers, or the actor that was told) of the second time, and `versions`. Without
dependencies it runs in our own environment.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import attrs

from ._work import WORKS, Size, Work

PROGRAMS = Path(__file__).parent / "programs"
Role = Literal["ours", "peer", "yardstick"]
_BLOCK = re.compile(r"^# /// script\n((?:#(?: .*)?\n)+?)# ///$", re.MULTILINE)


class BadProgram(ValueError):
    """A program whose metadata cannot be used."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(path, why)

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


@attrs.frozen(kw_only=True)
class Peer:
    """One way to do a work: a program, what must be installed for it, how much, its settings."""

    name: str
    work: Work
    role: Role
    program: Path
    requirements: tuple[str, ...]
    size: Size
    settings: Mapping[str, object] = attrs.field(hash=False)

    @property
    def is_side_by_side(self) -> bool:
        """Whether all of its executions run at once."""
        return bool(self.settings.get("side_by_side"))

    @property
    def label(self) -> str:
        """Its name among all works."""
        return f"{self.work.name}: {self.name}"


def peers(folder: Path = PROGRAMS) -> list[Peer]:
    """Every variant of every program of a folder, by the programs' names.

    Raises `BadProgram` for a file without metadata, or with metadata that is not as it should be.
    """
    return [peer for path in sorted(folder.glob("*.py")) for peer in _variants(path)]


def _variants(path: Path) -> list[Peer]:
    metadata = _metadata(path)
    requirements = _requirements(path, metadata)
    bench = dict(metadata.get("tool", {}).get("bench", {}))
    role = bench.pop("role", "peer")
    if role not in get_args(Role):
        raise BadProgram(path, f"expected a role of {', '.join(get_args(Role))}, got {role!r}")
    if not bench or not bench.keys() <= WORKS.keys():
        known = ", ".join(WORKS)
        raise BadProgram(path, f"expected tables [tool.bench.WORK], of {known}; got {[*bench]}")
    return [
        Peer(
            name=name,
            work=WORKS[work],
            role=role,
            program=path.resolve(),
            requirements=requirements,
            size=_size(path, WORKS[work].size, settings),
            settings=settings,
        )
        for work, variants in bench.items()
        for name, settings in variants.items()
    ]


def _requirements(path: Path, metadata: Mapping[str, Any]) -> tuple[str, ...]:
    requirements = tuple(metadata.get("dependencies", ()))
    for requirement in requirements:
        if "==" not in requirement:
            raise BadProgram(path, f"expected a pinned version (name==1.2.3), got {requirement!r}")
    return requirements


def _size(path: Path, usual: Size, settings: Mapping[str, object]) -> Size:
    own = {name: settings[name] for name in ("executions", "steps") if name in settings}
    for name, value in own.items():
        if not isinstance(value, int) or value < 1:
            raise BadProgram(path, f"expected {name} to be a whole number from 1, got {value!r}")
    return attrs.evolve(usual, **own)  # type: ignore[arg-type]  # whole numbers, as was checked


def _metadata(path: Path) -> dict[str, Any]:
    found = _BLOCK.search(path.read_text(encoding="utf-8"))
    if found is None:
        raise BadProgram(path, "expected a block of script metadata (`# /// script`)")
    text = "\n".join(line[2:] for line in found[1].splitlines())
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadProgram(path, f"its metadata is not TOML: {error}") from error
