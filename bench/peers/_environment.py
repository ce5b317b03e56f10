"""A virtual environment for each set of requirements, made once and kept."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".venv-peers"


class NotInstalled(Exception):
    """Requirements that could not be installed here; `why` is the installer's last word."""

    def __init__(self, requirements: Sequence[str], why: str) -> None:
        self.requirements, self.why = tuple(requirements), why
        super().__init__(self.requirements, why)

    def __str__(self) -> str:
        return f"{', '.join(self.requirements)} cannot be installed: {self.why}"


def python_for(
    requirements: Sequence[str], cache: Path, on_install: Callable[[Sequence[str]], None]
) -> Path:
    """The interpreter that has these installed: ours if there are none. Raises `NotInstalled`.

    The folder of environments hides itself from git; remove it to have them made anew. Checkouts
    can share one: an environment depends on its requirements and the interpreter alone.
    """
    if not requirements:
        return Path(sys.executable)
    place = cache.resolve() / _name(requirements)
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (place / "ready").exists():
        on_install(requirements)
        cache.mkdir(parents=True, exist_ok=True)
        (cache / ".gitignore").write_text("*\n", encoding="utf-8")
        venv.create(place, clear=True, with_pip=True)
        _install(python, requirements)
        (place / "ready").touch()
    return python


def _name(requirements: Sequence[str]) -> str:
    """A folder's name: another if the requirements change, or the interpreter does."""
    first = requirements[0].partition("==")[0]
    text = "\n".join([sys.version, sys.base_prefix, *requirements])
    return f"{first}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _install(python: Path, requirements: Sequence[str]) -> None:
    command = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    done = subprocess.run([*command, *requirements], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise NotInstalled(requirements, lines[-1] if lines else f"pip gave {done.returncode}")
