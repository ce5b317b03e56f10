"""What may be typed, and what `name=value` stands for."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from ._measuring_arguments import loadtest, plan, profile
from ._misuse import Misuse
from ._numbers import count, duration, seconds, version_number, whole
from ._shared_arguments import Add, as_json, given, nodes, process_file

_OUTCOMES = """exit status: 0 completed, 1 failed, 2 not run (bad file or arguments), 3 timed out,
130 cancelled by Ctrl-C (143 by SIGTERM)"""
_TARGETS = """exit status: 0 all targets met and nothing worse, 1 a target missed or a figure worse,
2 not run (bad file or arguments), 130 cancelled by Ctrl-C (143 by SIGTERM)"""


class Parser(argparse.ArgumentParser):
    """Raises `Misuse` for what it does not understand."""

    def error(self, message: str) -> NoReturn:
        raise Misuse(f"{message} (see {self.prog} --help)")


class _Version(argparse.Action):
    """Looks the version up when it is asked for only."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        print(f"{parser.prog} {version('processengine')}")
        parser.exit()


def parser() -> Parser:
    """The parser of the whole command line; the command's name is in `command`."""
    top = Parser(
        prog="processengine",
        description="Run, check, draw, simulate and measure processes written in files.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (words, add) in _COMMANDS.items():
        command = commands.add_parser(
            name, help=words, description=words, allow_abbrev=False, epilog=_EPILOGS.get(name)
        )
        process_file(command.add_argument)
        nodes(command.add_argument)
        add(command.add_argument)
    for name, (words, add) in _LOAD_COMMANDS.items():
        command = commands.add_parser(
            name, help=words, description=words, allow_abbrev=False, epilog=_EPILOGS.get(name)
        )
        add(command.add_argument)
    for name, (words, add) in _STORE_COMMANDS.items():
        command = commands.add_parser(name, help=words, description=words, allow_abbrev=False)
        command.add_argument("--store", metavar="FILE", required=True, help="the store's file")
        add(command.add_argument)
        as_json(command.add_argument)
    return top


def _run(add: Add) -> None:
    given(add)
    add("--option", metavar="NAME=VALUE", action="append", default=[],
        help="an option of the runtime, such as worker_pool_size=4 (repeatable)")  # fmt: skip
    add("--id", metavar="ID", help="the name of the execution")
    add("--timeout", metavar="SECONDS", type=seconds, help="end it after so long")
    add("--quiet", "-q", action="store_true", help="show the outcome only")
    as_json(add)


def _check(add: Add) -> None:
    as_json(add)


def _graph(add: Add) -> None:
    add("--format", choices=["mermaid", "svg"],
        help="default: mermaid, or svg if -o names such a file")  # fmt: skip
    add("--output", "-o", metavar="FILE", help="default: standard output")
    as_json(add)


def _simulate(add: Add) -> None:
    given(add)
    add("--workers", metavar="N", type=count, help="functions at once (default: no bound)")
    add("--duration", metavar="NODE=SECONDS", action="append", default=[],
        help="let a node take so long in place of calling its function (repeatable)")  # fmt: skip
    add("--seed", metavar="N", type=whole, default=0, help="of everything drawn at random")
    add("--gantt", metavar="FILE", help="draw who worked when, as SVG")
    as_json(add)


def _tree(add: Add) -> None:
    given(add)
    add("--after", metavar="SECONDS", type=duration, default=0.0,
        help="of virtual time (default: 0, right after it has begun)")  # fmt: skip
    add("--svg", metavar="FILE", help="draw the tree, as SVG")
    as_json(add)


_COMMANDS: dict[str, tuple[str, Callable[[Add], None]]] = {
    "run": ("Run one execution, show its progress and its outcome.", _run),
    "check": ("Show everything that is wrong or doubtful about a file.", _check),
    "graph": ("Draw a process; functions need not be there.", _graph),
    "simulate": ("Run one execution in virtual time: how long, how busy, where is the longest way.",
                 _simulate),
    "tree": ("Show who supervises whom at a moment of virtual time, as a process runs.", _tree),
    "profile": ("Run a process many times and show where the time goes.", profile),
}  # fmt: skip
_LOAD_COMMANDS: dict[str, tuple[str, Callable[[Add], None]]] = {
    "loadtest": ("Run many executions at once, and compare what they took with targets.", loadtest),
    "plan": ("Work out from a load test what a rate of executions needs.", plan),
}


def _list(add: Add) -> None:
    add("--state", metavar="STATE", action="append", default=[], choices=_STATES,
        help="only those in this state (repeatable)")  # fmt: skip
    add("--definition", metavar="ID", help="only those of this definition")
    add("--prefix", metavar="TEXT", default="", help="only those whose id begins so")
    add("--limit", metavar="N", type=count, default=50, help="at most so many (default: 50)")


def _one(add: Add) -> None:
    add("id", metavar="ID", help="the name of the execution")


def _letter(add: Add) -> None:
    _one(add)
    add("--wait", metavar="SECONDS", type=duration, default=10.0,
        help="for the answer (default: 10)")  # fmt: skip


def _pause(add: Add) -> None:
    _letter(add)
    add("--interrupt", action="store_true", help="stop what runs, to be made again on resume")


def _cancel(add: Add) -> None:
    _letter(add)
    add("--reason", metavar="TEXT", default="cancelled", help="is kept with the execution")


def _signal(add: Add) -> None:
    _letter(add)
    add("name", metavar="NAME", help="of the signal")
    add("payload", metavar="VALUE", nargs="?", help="JSON, or text")


def _retry(add: Add) -> None:
    _letter(add)
    add("--node", metavar="NAME", help="try this node again now, of an execution that runs")


def _fork(add: Add) -> None:
    _letter(add)
    add("--at", metavar="STEP", type=count, help="make this step again (default: the failed one)")
    add("--set", metavar="NAME=VALUE", action="append", default=[],
        help="a variable to change first (repeatable)")  # fmt: skip
    add("--id", metavar="NEW", dest="id_of_fork", help="the name of the fork")


def _archive(add: Add) -> None:
    add("--to", metavar="FILE", required=True, help="a new file, .jsonl.gz")
    add("--older-than", metavar="DAYS", type=duration, default=0.0,
        help="only those that ended so long ago")  # fmt: skip
    add("--delete", action="store_true", help="delete them from the store once they are there")


def _restore(add: Add) -> None:
    add("--from", metavar="FILE", dest="source", required=True, help="what `archive` has written")


def _publish(add: Add) -> None:
    process_file(add)
    nodes(add)


def _unpublish(add: Add) -> None:
    add("id", metavar="ID", help="of the definition")
    add("version", metavar="VERSION", type=version_number, help="its number: 3, or v3")
    add("--force", action="store_true",
        help="also if executions run it that have not ended")  # fmt: skip


def _nothing(add: Add) -> None:
    pass


_STATES = (
    "queued", "running", "waiting", "pausing", "paused",
    "completed", "failed", "cancelled", "timed_out",
)  # fmt: skip
_STORE_COMMANDS: dict[str, tuple[str, Callable[[Add], None]]] = {
    "list": ("List the executions in a store.", _list),
    "show": ("Show one execution in a store.", _one),
    "history": ("Show what an execution in a store has taken, turn by turn.", _one),
    "store": ("Show how much a store holds.", _nothing),
    "pause": ("Pause an execution, whatever program runs it.", _pause),
    "resume": ("Have a paused execution go on.", _letter),
    "cancel": ("End an execution.", _cancel),
    "signal": ("Send a signal to an execution.", _signal),
    "retry": ("Have a failed execution go on from the node that failed.", _retry),
    "fork": ("Begin another execution from a point in the history of one.", _fork),
    "archive": ("Write ended executions to a compressed file.", _archive),
    "restore": ("Put archived executions back.", _restore),
    "definitions": ("List the definitions that a store keeps.", _nothing),
    "publish": ("Keep a definition in a store, for every program that opens it.", _publish),
    "unpublish": ("Delete a version of a definition from a store.", _unpublish),
}
_EPILOGS = {"run": _OUTCOMES, "simulate": _OUTCOMES, "loadtest": _TARGETS}


def named_values(flag: str, texts: Sequence[str], form: str = "NAME=VALUE") -> dict[str, Any]:
    """The values behind `name=value`, one for each name; raises `Misuse` naming the offender.

    `form` is what such a text looks like in the help.
    """
    values: dict[str, Any] = {}
    for name, value in named_pairs(flag, texts, form):
        if name in values:
            raise Misuse(f"{flag} {name}: given twice")
        values[name] = value
    return values


def named_pairs(flag: str, texts: Sequence[str], form: str = "NAME=VALUE") -> list[tuple[str, Any]]:
    """As `named_values`, but a name may come again."""
    return [_named_value(flag, text, form) for text in texts]


def _named_value(flag: str, text: str, form: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise Misuse(f"{flag} {text}: expected {form}")
    if value.startswith("@"):
        return name, _file_value(f"{flag} {text}", Path(value[1:]))
    return name, _value(value)


def _file_value(argument: str, file: Path) -> Any:
    try:
        text = file.read_text(encoding="utf-8")
        return _json_value(text) if file.suffix.lower() == ".json" else text
    except OSError as error:
        raise Misuse(f"{argument}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise Misuse(f"{argument}: is not text in UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise Misuse(f"{argument}: is not JSON: {error}") from None


def plain_value(text: str) -> Any:
    """The value of a text: JSON if it is that, else the text itself."""
    return _value(text)


def _value(text: str) -> Any:
    try:
        return _json_value(text)
    except (ValueError, RecursionError):
        return text


def _json_value(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
