"""`processengine pause`, `resume`, `cancel`, `signal`, `retry`, `fork`: through a store."""

from __future__ import annotations

import argparse
from typing import Any

from ...actors import Cancel, Pause, ProcessEngineError, Resume, Retry, Signal
from ..store import Fork, Letter, Poster, Receipt, Rerun
from ._arguments import named_values, plain_value
from ._output import Output
from ._store_files import head_of, opened


class Refused(ProcessEngineError):
    """The runtime has refused a message."""


def pause(arguments: argparse.Namespace, output: Output) -> int:
    """Pause an execution; answered when nothing of it runs."""
    return _send(arguments, output, Pause("interrupt" if arguments.interrupt else "drain"))


def resume(arguments: argparse.Namespace, output: Output) -> int:
    """Have a paused execution go on."""
    return _send(arguments, output, Resume())


def cancel(arguments: argparse.Namespace, output: Output) -> int:
    """End an execution."""
    return _send(arguments, output, Cancel(arguments.reason))


def signal(arguments: argparse.Namespace, output: Output) -> int:
    """Hand a payload to the node that waits for it."""
    payload = None if arguments.payload is None else plain_value(arguments.payload)
    return _send(arguments, output, Signal(arguments.name, payload))


def retry(arguments: argparse.Namespace, output: Output) -> int:
    """Have a failed execution go on from the node that failed, or one node try again now."""
    letter = Rerun() if arguments.node is None else Retry(arguments.node)
    return _send(arguments, output, letter)


def fork(arguments: argparse.Namespace, output: Output) -> int:
    """Begin another execution from a point in the history of one."""
    changes = named_values("--set", arguments.set)
    return _send(arguments, output, Fork(arguments.id_of_fork, arguments.at, changes))


def _send(arguments: argparse.Namespace, output: Output, letter: Letter) -> int:
    with opened(arguments.store) as store, Poster(store) as poster:
        head_of(store, arguments.id)
        receipt = poster.send(arguments.id, letter, arguments.wait)
    return _tell(receipt, output, poster.is_heard, arguments)


def _tell(receipt: Receipt, output: Output, is_heard: bool, arguments: argparse.Namespace) -> int:
    answer = receipt.answer
    if answer is not None and answer.error is not None:
        raise Refused(answer.error)
    value: Any = None if answer is None else answer.ok
    if answer is not None:
        output.line("done" if value is None else str(value))
    elif receipt.fate == "kept" and not is_heard:
        output.line("no runtime is live on this store: the message is kept for the next one")
    else:
        words = "taken" if receipt.fate == "taken" else "kept"
        output.line(f"no answer within {arguments.wait:g} s; the message is {words}")
    output.document({"id": arguments.id, "fate": receipt.fate, "answer": value})
    return 0
