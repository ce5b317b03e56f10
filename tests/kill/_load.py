"""The load: one definition for each thing that an execution can be busy with at a kill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from processengine import (
    BreakerPolicy,
    Bulkhead,
    Group,
    ProcessBuilder,
    ProcessDefinition,
    Retry,
)
from processengine.runtime.definition import Durability

from ._work import RETRIES, Work

RETRY = Retry(attempts=RETRIES + 1, initial=0.01, maximum=0.05)
FOREVER = 1000.0
BREAKER = BreakerPolicy(consecutive_failures=2, open_seconds=0.03)


@attrs.frozen
class Entry:
    """An execution of the load; `drive` names what the program does to it."""

    id: str
    definition: ProcessDefinition
    inputs: dict[str, Any]
    drive: str


def is_lazy(execution: str) -> bool:
    """Whether the steps of an execution may be lost at a kill, and be made again."""
    return execution.startswith("lazy")


def _chain(work: Work, id: str = "chain", durability: Durability | None = None) -> ProcessBuilder:
    made = ProcessBuilder(id, inputs=["total"], durability=durability)
    first = made.node("first", work.add, output="total")
    second = made.node("second", work.add_in_thread, output="total")
    third = made.node("third", work.flaky, output="total", retry=RETRY)
    pause = made.delay("pause", 0.02)
    first.then(second).then(third).then(pause).then(made.node("last", work.add, output="total"))
    return made


def _fork(work: Work) -> ProcessBuilder:
    made = ProcessBuilder("fork", inputs=["total"])
    first = made.node("first", work.add, output="total")
    join = made.node("join", work.sum_up)
    for name in ("left", "middle", "right"):
        first.then(made.node(name, work.branch)).then(join)
    return made


def _race(work: Work) -> ProcessBuilder:
    made = ProcessBuilder("race", inputs=["total"])
    first = made.node("first", work.add, output="total")
    winner = made.node("winner", work.add, output="total", join=1, rest="cancel")
    first.then(made.delay("short", 0.05)).then(winner)
    first.then(made.wait("never")).then(winner)
    first.then(made.delay("long", FOREVER)).then(winner)
    return made


def _loop(work: Work) -> ProcessBuilder:
    made = ProcessBuilder("loop", inputs=["turns"])
    count = made.node("count", work.count, output="turns")
    more = made.switch("more", {"again": lambda turns: turns < 6}, default="enough")
    count.then(more)
    more.on("again").then(count)
    more.on("enough").then(made.node("after", work.count, output="turns"))
    made.start(count)
    return made


def _failing(work: Work) -> ProcessBuilder:
    made = ProcessBuilder("failing", inputs=["total"])
    flaky = made.node("flaky", work.flaky, output="total", retry=RETRY)
    broken = made.node("broken", work.broken, retry=Retry(attempts=2, initial=0.03))
    flaky.then(broken)
    broken.on("error").then(made.node("repair", work.add, output="total"))
    return made


def _doomed(work: Work) -> ProcessBuilder:
    made = ProcessBuilder("doomed", inputs=["total"])
    first = made.node("first", work.add, output="total")
    first.then(made.node("broken", work.broken, retry=Retry(attempts=2, initial=0.03)))
    return made


def _guarded(work: Work) -> ProcessBuilder:
    """Its group's breaker opens again and again, and parks what comes then."""
    bank = Group("bank", breaker=BREAKER, bulkhead=Bulkhead(2), shared=True)
    made = ProcessBuilder("guarded", inputs=["total"])
    flaky = made.node("flaky", work.flaky, output="total", retry=RETRY, group=bank)
    flaky.then(made.node("again", work.flaky, output="total", retry=RETRY, group=bank))
    return made


def _each(work: Work) -> ProcessBuilder:
    made = ProcessBuilder("each", inputs=["items"])
    squares = made.each("squares", work.item, over="items", concurrency=3, retry=RETRY)
    squares.then(made.node("collect", work.collect))
    return made


def _delays(work: Work) -> ProcessBuilder:
    made = ProcessBuilder("delays", inputs=["total"])
    first = made.node("first", work.add, output="total")
    second = made.node("second", work.add, output="total")
    third = made.node("third", work.add, output="total")
    first.then(made.delay("short", 0.03)).then(second).then(made.delay("long", 0.3)).then(third)
    return made


def _passivated(work: Work) -> ProcessBuilder:
    made = ProcessBuilder("passivated", inputs=["total"])
    first = made.node("first", work.add, output="total")
    first.then(made.delay("sleep", 0.7)).then(made.node("second", work.add, output="total"))
    return made


def _signalled(work: Work, id: str = "signalled") -> ProcessBuilder:
    made = ProcessBuilder(id, inputs=["total", "note"])
    first = made.node("first", work.add, output="total")
    first.then(made.wait("go")).then(made.node("receive", work.receive))
    return made


def _late(work: Work) -> ProcessBuilder:
    made = ProcessBuilder("late", inputs=["total"])
    wait = made.wait("never", within=0.1)
    made.node("first", work.add, output="total").then(wait)
    wait.on("timeout").then(made.node("after", work.add, output="total"))
    return made


def _timed(work: Work) -> ProcessBuilder:
    made = ProcessBuilder("timed", inputs=["total"], timeout=0.4)
    made.wait("never").then(made.node("after", work.add, output="total"))
    return made


def _patient(work: Work) -> ProcessBuilder:
    made = ProcessBuilder("patient", inputs=["total"])
    made.node("ready", work.add).then(made.wait("never"))
    return made


def _calling(id: str, child: ProcessDefinition, work: Work) -> ProcessBuilder:
    made = ProcessBuilder(id, inputs=["total"])
    first = made.node("first", work.add, output="total")
    call = made.process("call", child, inputs={"total": lambda total: total})
    first.then(call).then(made.node("after", work.add, output="total"))
    return made


def _abandoning(work: Work) -> ProcessBuilder:
    made = ProcessBuilder("abandoning", inputs=["total"])
    ready = made.node("ready", work.add)
    call = made.process("call", _patient(work).build(), inputs={"total": lambda total: total})
    ready.then(call)
    return made


def load(work: Work, copies: int) -> list[Entry]:
    """So many executions of each definition, in a fixed order."""
    kinds = list(_kinds(work))
    return [
        Entry(f"{definition.id}-{copy}", definition, _inputs(definition, copy), drive)
        for copy in range(copies)
        for definition, drive in kinds
    ]


def _kinds(work: Work) -> Iterator[tuple[ProcessDefinition, str]]:
    child = _calling("child", _chain(work, "grandchild").build(), work).build()
    yield _chain(work).build(), "watch"
    yield _fork(work).build(), "watch"
    yield _race(work).build(), "watch"
    yield _loop(work).build(), "watch"
    yield _failing(work).build(), "watch"
    yield _doomed(work).build(), "watch"
    yield _guarded(work).build(), "watch"
    yield _each(work).build(), "watch"
    yield _signalled(work, "posted").build(), "from outside"
    yield _delays(work).build(), "watch"
    yield _passivated(work).build(), "watch"
    yield _signalled(work).build(), "signal"
    yield _signalled(work, "overslept").build(), "signal late"
    yield _late(work).build(), "watch"
    yield _timed(work).build(), "watch"
    yield _calling("parent", child, work).build(), "watch"
    yield _calling("halted", child, work).build(), "pause"
    yield _chain(work, "drained").build(), "pause"
    yield _chain(work, "interrupted").build(), "interrupt"
    yield _patient(work).build(), "cancel"
    yield _abandoning(work).build(), "cancel"
    yield _chain(work, "lazy", "lazy").build(), "watch"
    yield _chain(work, "lazy-halted", "lazy").build(), "pause"


def _inputs(definition: ProcessDefinition, copy: int) -> dict[str, Any]:
    values: dict[str, Any] = {
        "total": copy,
        "turns": copy % 3,
        "items": list(range(copy, copy + 6)),
        "note": "",
    }
    return {each.name: values[each.name] for each in definition.inputs}
