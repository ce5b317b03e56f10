"""Lengths of time in documents: seconds as a number, or text such as `1h30m` or `200ms`."""

from __future__ import annotations

import math
import re

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_WHOLE = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)

A_DURATION = "a number of seconds or text such as '1h30m' or '200ms'"


def duration(value: object) -> int | float | None:
    """Seconds, as an integer where they are whole; None for what is no length of time."""
    if isinstance(value, str):
        return _of_text(value) if _WHOLE.fullmatch(value) and len(value) <= 100 else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if 0 <= value < math.inf else None


def _of_text(text: str) -> int | float:
    parts = [float(amount) * _UNITS[unit] for amount, unit in _PART.findall(text)]
    total = math.fsum(parts)
    return int(total) if total.is_integer() else round(total, 9)
