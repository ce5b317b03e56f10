"""From what was typed to an exit status; no traceback of ours on the way."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from ...actors import ProcessEngineError
from ..definition import ExtraMissing
from ._arguments import parser
from ._check import check
from ._graph import graph
from ._loadtest import loadtest
from ._output import Output
from ._plan import plan
from ._profile import profile
from ._run import run
from ._simulate import simulate
from ._store_archive import archive, restore
from ._store_control import cancel, fork, pause, resume, retry, signal
from ._store_definitions import definitions, publish, unpublish
from ._store_looks import history, list_executions, show, show_store
from ._tree import tree

Command = Callable[[argparse.Namespace, Output], int]

_COMMANDS: Mapping[str, Command] = {
    "run": run,
    "check": check,
    "graph": graph,
    "simulate": simulate,
    "tree": tree,
    "loadtest": loadtest,
    "profile": profile,
    "plan": plan,
    "list": list_executions,
    "show": show,
    "history": history,
    "store": show_store,
    "pause": pause,
    "resume": resume,
    "cancel": cancel,
    "signal": signal,
    "retry": retry,
    "fork": fork,
    "archive": archive,
    "restore": restore,
    "definitions": definitions,
    "publish": publish,
    "unpublish": unpublish,
}
_NOT_RUN, _INTERRUPTED, _BROKEN_PIPE = 2, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line (default: that of this process) and return its exit status.

    Raises `SystemExit` for `--help` and `--version`.
    """
    typed = sys.argv[1:] if arguments is None else list(arguments)
    output = Output(json="--json" in typed)  # known even if the rest is not understood
    try:
        with output.reserved():
            return _carried_out(typed, output)
    except KeyboardInterrupt:
        print("processengine: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has enough; let nothing be flushed into the pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE


def _carried_out(typed: Sequence[str], output: Output) -> int:
    try:
        parsed = parser().parse_args(typed)
        _require_extra()
        return _COMMANDS[parsed.command](parsed, output)
    except ProcessEngineError as error:
        output.refuse(error)
        return _NOT_RUN


def _require_extra() -> None:
    if importlib.util.find_spec("rich") is None:
        raise ExtraMissing("cli", "rich", "the command line")
