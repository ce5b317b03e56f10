"""Numbers as they are typed; each raises `ArgumentTypeError` for what is none."""

from __future__ import annotations

import argparse
import contextlib
import math


def seconds(text: str) -> float:
    """A number of seconds above 0."""
    with contextlib.suppress(ValueError):
        if 0 < (value := float(text)) < math.inf:
            return value
    raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, got {text!r}")


def duration(text: str) -> float:
    """A number of seconds from 0."""
    with contextlib.suppress(ValueError):
        if 0 <= (value := float(text)) < math.inf:
            return value
    raise argparse.ArgumentTypeError(f"expected a number of seconds from 0, got {text!r}")


def whole(text: str) -> int:
    """A whole number from 0."""
    return _integer(text, 0)


def count(text: str) -> int:
    """A whole number from 1."""
    return _integer(text, 1)


def version_number(text: str) -> int:
    """The version of a definition, as a number or as it is shown: `3`, `v3`."""
    return _integer(text.removeprefix("v"), 1)


def _integer(text: str, least: int) -> int:
    with contextlib.suppress(ValueError):
        if (value := int(text)) >= least:
            return value
    raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {text!r}")


def rate(text: str) -> float:
    """A number a second, above 0."""
    with contextlib.suppress(ValueError):
        if 0 < (value := float(text)) < math.inf:
            return value
    raise argparse.ArgumentTypeError(f"expected a number a second above 0, got {text!r}")


def amount(text: str) -> float:
    """A number above 0."""
    with contextlib.suppress(ValueError):
        if 0 < (value := float(text)) < math.inf:
            return value
    raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")


def share(text: str) -> float:
    """A share above 0 and below 1."""
    with contextlib.suppress(ValueError):
        if 0 < (value := float(text)) < 1:
            return value
    raise argparse.ArgumentTypeError(f"expected a number above 0 and below 1, got {text!r}")
