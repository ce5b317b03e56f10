"""Folders on a real disk: what is written to memory only says nothing of durability."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Generator
from pathlib import Path

BESIDE = Path(__file__).parents[2]
IN_MEMORY = frozenset({"tmpfs", "ramfs"})


@contextlib.contextmanager
def scratch() -> Generator[Path]:
    """A folder that is removed afterwards: where temporary files go, or beside the checkout.

    The latter if temporary files are kept in memory here.
    """
    usual = Path(tempfile.gettempdir())
    where = BESIDE if file_system(usual) in IN_MEMORY else usual
    with tempfile.TemporaryDirectory(prefix="processengine-bench-", dir=where) as name:
        yield Path(name)


def file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """The type of the file system that a path is on; empty where that is not to be known."""
    try:
        lines = mounts.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    path = path.resolve()
    types = {Path(place): kind for _, place, kind, *_ in map(str.split, lines)}
    return next((types[at] for at in (path, *path.parents) if at in types), "")
