"""Where the files of a campaign are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def store_in(folder: Path) -> Path:
    """The store of the program."""
    return folder / "store.db"


def effects_in(folder: Path) -> Path:
    """The log of effects."""
    return folder / "effects.jsonl"


def summary_in(folder: Path) -> Path:
    """How every execution ended; it is there once all have."""
    return folder / "summary.json"


def errors_in(folder: Path) -> Path:
    """What the program wrote to its standard error, in all lives."""
    return folder / "errors.txt"
