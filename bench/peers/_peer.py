"""What is known of an engine before it runs: all of it stands in its program's own file.

A program begins with the metadata block of single-file scripts (PEP 723):

    # /// script
    # dependencies = ["engine==1.2.3"]
    # [tool.bench.variants]
    # "engine" = {}
    # "engine, side by side" = { side_by_side = true }
    # ///

It is called with one argument, JSON: `executions`, `steps` and `folder` (empty, for its files),
and what its variant says. Step number k of an execution gives k. It prints one line of JSON:
`seconds` (without opening, closing and a first execution), `total` (of all values, as read from the
ended executions) and `versions`. Without dependencies it runs in our own environment.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

PROGRAMS = Path(__file__).parent / "programs"
_BLOCK = re.compile(r"^# /// script\n((?:#(?: .*)?\n)+?)# ///$", re.MULTILINE)


class BadProgram(ValueError):
    """A program whose metadata cannot be used."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(path, why)

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


@attrs.frozen
class Peer:
    """One way to do the work: a program, what must be installed for it, and its settings."""

    name: str
    program: Path
    requirements: tuple[str, ...]
    settings: Mapping[str, object] = attrs.field(hash=False)


def peers(folder: Path = PROGRAMS) -> list[Peer]:
    """Every variant of every program of a folder, by the programs' names.

    Raises `BadProgram` for a file without metadata, or with a requirement that is not pinned.
    """
    return [peer for path in sorted(folder.glob("*.py")) for peer in _variants(path)]


def _variants(path: Path) -> list[Peer]:
    metadata = _metadata(path)
    requirements = tuple(metadata.get("dependencies", ()))
    for requirement in requirements:
        if "==" not in requirement:
            raise BadProgram(path, f"expected a pinned version (name==1.2.3), got {requirement!r}")
    try:
        variants = metadata["tool"]["bench"]["variants"]
    except KeyError:
        raise BadProgram(path, "expected a table [tool.bench.variants] in its metadata") from None
    return [Peer(name, path, requirements, settings) for name, settings in variants.items()]


def _metadata(path: Path) -> dict[str, Any]:
    found = _BLOCK.search(path.read_text(encoding="utf-8"))
    if found is None:
        raise BadProgram(path, "expected a block of script metadata (`# /// script`)")
    text = "\n".join(line[2:] for line in found[1].splitlines())
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadProgram(path, f"its metadata is not TOML: {error}") from error
