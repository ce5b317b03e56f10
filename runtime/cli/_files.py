"""Files that a command writes."""

from __future__ import annotations

from pathlib import Path

from ._misuse import Misuse


def write(file: str, text: str) -> None:
    """Write a whole file; raises `Misuse` where that cannot be done."""
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Misuse(f"{file}: cannot be written: {error.strerror or error}") from None
