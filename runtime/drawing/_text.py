"""How wide words are, by estimate: a drawing is made without knowing the reader's fonts."""

from __future__ import annotations

import unicodedata

_NARROW, _WIDE = frozenset("fijlrtI.,:;'|!()[]{}/\\ "), frozenset("mwMW@%")


def width_of(text: str, size: float) -> float:
    """The width of `text` in a sans-serif font of that size, rather too much than too little."""
    return size * sum(map(_ems, text))


def shortened(text: str, most: int) -> str:
    """At most so many characters: an ellipsis after the beginning, as names differ at the end."""
    if len(text) <= most:
        return text
    begin = (most - 1) // 3
    return f"{text[:begin]}…{text[begin + 1 - most :]}"


def number(value: float) -> str:
    """A coordinate in as few characters as a picture needs."""
    return f"{value:.1f}".removesuffix(".0")


def _ems(character: str) -> float:
    if character in _NARROW:
        return 0.38
    if character in _WIDE:
        return 0.95
    if character.isascii():
        return 0.68 if character.isupper() else 0.62
    return 1.0 if unicodedata.east_asian_width(character) in "WF" else 0.68
