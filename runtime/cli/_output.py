"""Where a command's words go: standard output for what was asked, standard error for problems."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Generator, Iterable, Mapping
from typing import Any, TextIO

from ...actors import ProcessEngineError
from ..definition import DefinitionError, InputError
from ._plain import encoded, fault_data

_COUNT = re.compile(r"(: 1 fault|: 1 bad option|:)$")

Line = tuple[str, str]
"""The text of a line, and its style in rich's words."""


class Output:
    """Lines for people; with `json` one document instead, and nothing but that."""

    def __init__(self, json: bool) -> None:
        self.json = json
        self._stream: TextIO = sys.stdout

    @contextlib.contextmanager
    def reserved(self) -> Generator[None]:
        """With `json`, send whatever else is printed meanwhile to standard error.

        By file descriptor where there is one, so that it also holds for worker processes.
        """
        if not self.json:
            yield
            return
        with contextlib.ExitStack() as stack:
            self._stream = stack.enter_context(_aside(sys.stdout))
            stack.enter_context(contextlib.redirect_stdout(sys.stderr))
            yield

    def line(self, text: str, style: str = "") -> None:
        """A line for people, in colour on a terminal; nothing with `json`."""
        if self.json:
            return
        if style and self._stream.isatty():
            self._print_in_colour(text, style)
        else:
            self.text(text + "\n")

    def lines(self, lines: Iterable[Line]) -> None:
        """Several lines."""
        for text, style in lines:
            self.line(text, style)

    def _print_in_colour(self, text: str, style: str) -> None:
        from rich.console import Console
        from rich.text import Text

        Console(file=self._stream).print(Text(text, style), soft_wrap=True)

    def text(self, text: str) -> None:
        """What was asked for, as it is."""
        self._stream.write(text)
        self._stream.flush()

    def document(self, data: Mapping[str, Any]) -> None:
        """The JSON document; nothing without `json`."""
        if self.json:
            self.text(encoded(data))

    def refuse(self, error: ProcessEngineError) -> None:
        """Say why nothing was done."""
        words = _in_one_line(str(error))
        print(f"processengine: {words}", file=sys.stderr)
        faults = error.faults if isinstance(error, (DefinitionError, InputError)) else ()
        self.document({"error": words, "faults": [fault_data(fault) for fault in faults]})


def _in_one_line(words: str) -> str:
    """A heading and a single fault below it as one line; anything else as it is."""
    heading, _, fault = words.partition("\n")
    if not fault or "\n" in fault:
        return words
    return f"{_COUNT.sub('', heading)}: {fault.strip()}"


@contextlib.contextmanager
def _aside(stream: TextIO) -> Generator[TextIO]:
    """The stream's own file under another descriptor, while its own one leads to standard error."""
    try:
        descriptor = stream.fileno()
        stream.flush()
    except (OSError, ValueError):  # not a file: redirecting Python's own stream is all there is
        yield stream
        return
    kept = os.dup(descriptor)
    os.dup2(sys.stderr.fileno(), descriptor)
    try:
        with open(kept, "w", encoding="utf-8", closefd=False) as aside:
            yield aside
    finally:
        stream.flush()
        os.dup2(kept, descriptor)
        os.close(kept)
