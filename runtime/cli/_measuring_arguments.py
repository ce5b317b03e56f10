"""What may be typed after `loadtest`, `profile` and `plan`."""

from __future__ import annotations

from ._numbers import amount, count, duration, rate, seconds, share
from ._shared_arguments import Add, as_json, given


def loadtest(add: Add) -> None:
    """The arguments of `loadtest`."""
    add("scenarios", metavar="SCENARIO", nargs="*",
        help="linear, branching, errors, pause (default: all four), or a file")  # fmt: skip
    add("--nodes", metavar="MODULE", action="append", default=[],
        help="where functions are: a module's name or a .py file (repeatable)")  # fmt: skip
    add("--body", metavar="NAME", default="noop",
        help="what their nodes do: noop, sleep (10 ms), or a function of --nodes")  # fmt: skip
    add("--executions", metavar="N", type=count, help="so many (default: as the scenario says)")
    add("--rate", metavar="N", type=rate, help="begin so many a second, not all at once")
    add("--rounds", metavar="N", type=count, default=10, help="measure so often (default: 10)")
    add("--pause", metavar="SECONDS", type=duration,
        help="pause each so long after its spawn, and resume it")  # fmt: skip
    given(add)
    add("--option", metavar="NAME=VALUE", action="append", default=[],
        help="an option of the runtime, such as worker_pool_size=4 (repeatable)")  # fmt: skip
    add("--store", metavar="FILE", help="make executions durable in this file, which is made")
    add("--durability", choices=["step", "lazy"], help="how, with --store (default: step)")
    add("--target", metavar="FIGURE=VALUE", action="append", default=[],
        help="to aim at, such as p95=0.2 (seconds), completed=0.99 (repeatable)")  # fmt: skip
    add("--report", metavar="DIR", help="write report.json, report.txt and report.html there")
    add("--compare", metavar="FILE", help="an earlier report.json: what has become worse?")
    add("--quiet", "-q", action="store_true", help="no progress, only the report")
    as_json(add)


def profile(add: Add) -> None:
    """The arguments of `profile`."""
    given(add)
    add("--option", metavar="NAME=VALUE", action="append", default=[],
        help="an option of the runtime (repeatable)")  # fmt: skip
    add("--runs", metavar="N", type=count, default=100, help="executions (default: 100)")
    add("--at-once", metavar="N", type=count, default=1,
        help="so many of them side by side (default: 1)")  # fmt: skip
    add("--store", metavar="FILE", help="make executions durable in this file, which is made")
    add("--interval", metavar="SECONDS", type=seconds, default=0.001,
        help="between two looks at the stacks (default: 0.001)")  # fmt: skip
    add("--flame", metavar="FILE", help="draw the stacks as a flame graph, as SVG")
    as_json(add)


def plan(add: Add) -> None:
    """The arguments of `plan`."""
    add("report", metavar="REPORT", help="what `loadtest --report` wrote: report.json, or its DIR")
    add("--rate", metavar="N", type=rate, required=True, help="executions to begin a second")
    add("--scenario", metavar="NAME", help="which of the report's (default: the only one)")
    add("--wait", metavar="SECONDS", type=duration, default=0.0,
        help="that an execution rests at timers and signals (default: 0)")  # fmt: skip
    add("--retention", metavar="DAYS", type=duration, default=30.0,
        help="that ended executions stay in the store (default: 30)")  # fmt: skip
    add("--utilisation", metavar="SHARE", type=share, default=0.7,
        help="of a resource that is to be used at most (default: 0.7)")  # fmt: skip
    add("--concurrent", metavar="N", type=count, default=100,
        help="max_concurrent_executions of each runtime (default: 100)")  # fmt: skip
    add("--passivate-after", metavar="SECONDS", type=seconds, default=60.0,
        help="the option of each runtime, which counts with a store (default: 60)")  # fmt: skip
    add("--memory", metavar="MB", type=amount, help="that each process may take")
    as_json(add)
