"""What was typed cannot be done."""

from __future__ import annotations

import attrs

from ...actors import ProcessEngineError


@attrs.define(eq=False, repr=False, str=False)
class Misuse(ProcessEngineError):
    """An argument or a file is at fault; `problem` is one line that names it."""

    problem: str

    def __str__(self) -> str:
        return self.problem
