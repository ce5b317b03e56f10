"""How an execution ended: as data, as lines, as an exit status."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Iterator, Mapping

from .. import Outcome
from ..execution import EndState, ErrorContext, State
from ._output import Line
from ._plain import error_data, shown
from ._words import seconds

MOST_VARIABLES = 60
STYLES: Mapping[State, str] = {
    "completed": "bold green",
    "failed": "bold red",
    "timed_out": "bold red",
    "cancelled": "bold yellow",
}
_STATUSES: Mapping[EndState, int] = {
    "completed": 0,
    "failed": 1,
    "timed_out": 3,
    "cancelled": 130,
}


def exit_status(state: EndState) -> int:
    """The exit status for an end."""
    return _STATUSES[state]


def outcome_data(outcome: Outcome) -> dict[str, object]:
    """An outcome for a JSON document."""
    return {
        "id": outcome.id,
        "definition": outcome.definition,
        "state": outcome.state,
        "reason": outcome.reason,
        "error": error_data(outcome.error),
        "duration": outcome.duration,
        "memory": outcome.memory,
    }


def outcome_lines(outcome: Outcome) -> Iterator[Line]:
    """An outcome for people."""
    words = f"{outcome.state.replace('_', ' ')} in {seconds(outcome.duration)}"
    yield f"{outcome.id} ({outcome.definition}) {words}", STYLES[outcome.state]
    if outcome.reason and outcome.error is None:
        yield f"  {outcome.reason}", ""
    if outcome.error is not None:
        yield from error_lines(outcome.error)
    yield from memory_lines(outcome.memory)


def memory_lines(memory: Mapping[str, object]) -> Iterator[Line]:
    """The variables of an execution, at most so many."""
    width = min(40, max(map(len, memory), default=0))
    for name, value in itertools.islice(memory.items(), MOST_VARIABLES):
        yield f"  {name:{width}}  {shown(value)}", ""
    if len(memory) > MOST_VARIABLES:
        yield f"  … and {len(memory) - MOST_VARIABLES} more variables (--json shows all)", "dim"


def error_lines(error: ErrorContext) -> Iterator[Line]:
    """A failure: where it happened, and its traceback with source lines where they can be read."""
    item = "" if error.item is None else f", item {error.item}"
    yield f"  node {error.node!r}, attempt {error.attempt}{item}", ""
    if error.frames:
        yield "  Traceback (most recent call last):", "dim"
    for file, line, function in error.frames:
        yield f'    File "{file}", line {line}, in {function}', "dim"
        if source := linecache.getline(file, line).strip():
            yield f"      {source}", "dim"
    message = f"{error.exception}: {error.message}" if error.message else error.exception
    yield from ((f"  {part}", "red") for part in message.splitlines())
