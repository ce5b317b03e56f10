"""The log of effects: what the killed program really did, line by line, outside its store."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Literal

import msgspec

from processengine import NodeContext

What = Literal["start", "end", "fail", "spawned", "signalled", "ended"]


class Effect(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line: `life` numbers the runs of the program, `detail` is a state or an error."""

    life: int
    what: What
    execution: str
    node: str = ""
    step: int = 0
    attempt: int = 0
    incarnation: int = 0
    key: str = ""
    detail: str = ""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Effect)


class EffectLog:
    """Appends to the log, a line in one write, so that a kill leaves whole lines only."""

    def __init__(self, path: Path, life: int) -> None:
        self._life = life
        earlier = read_effects(path)
        self._failures = Counter(each.key for each in earlier if each.what == "fail")
        self._done = {(each.what, each.execution) for each in earlier}
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def attempt(self, what: What, context: NodeContext, detail: str = "") -> None:
        """Log that an attempt starts, returns or raises."""
        self._write(
            Effect(
                life=self._life,
                what=what,
                execution=context.execution,
                node=context.node,
                step=context.step,
                attempt=context.attempt,
                incarnation=context.incarnation,
                key=context.idempotency_key,
                detail=detail,
            )
        )
        if what == "fail":
            self._failures[context.idempotency_key] += 1

    def note(self, what: What, execution: str, detail: str = "") -> None:
        """Log what the program did to an execution, or learnt of it."""
        self._done.add((what, execution))
        self._write(Effect(life=self._life, what=what, execution=execution, detail=detail))

    def has(self, what: What, execution: str) -> bool:
        """Whether that was logged, in this life or an earlier one."""
        return (what, execution) in self._done

    def failures(self, key: str) -> int:
        """How often a step has failed, in all lives."""
        return self._failures[key]

    def _write(self, effect: Effect) -> None:
        os.write(self._file, _ENCODER.encode(effect) + b"\n")


def read_effects(path: Path) -> list[Effect]:
    """All lines, in order; none if there is no log yet."""
    if not path.exists():
        return []
    return [_DECODER.decode(line) for line in path.read_bytes().splitlines()]
