"""SVG as text: elements, escaped words, and the frame of a self-contained picture."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ._text import number

FONTS = "ui-sans-serif,system-ui,'Segoe UI','Helvetica Neue',Arial,'DejaVu Sans',sans-serif"


def element(name: str, content: str = "", /, **attributes: str | float) -> str:
    """One element; `_` in an attribute's name stands for `-`, a trailing one for nothing."""
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{words}>{content}</{name}>" if content else f"<{name}{words}/>"


def text(words: str) -> str:
    """Words as the content of an element."""
    return escape(_printable(words))


def picture(
    width: float, height: float, top: float, style: str, title: str, content: Iterable[str]
) -> str:
    """A whole SVG document with its own styles, ending in a newline."""
    view = f"0 {number(top)} {number(width)} {number(height)}"
    size = f'width="{number(width)}" height="{number(height)}" viewBox="{view}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{FONTS}">',
        element("title", text(title)),
        element("style", style),
        element("rect", x=0, y=top, width=width, height=height, class_="paper"),
        *content,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _value(value: str | float) -> str:
    return escape(_printable(value)) if isinstance(value, str) else number(value)


def _printable(words: str) -> str:
    """Without the characters that XML cannot hold."""
    if words.isprintable():
        return words
    return "".join(c if c.isprintable() or c in "\t\n" else "\ufffd" for c in words)
