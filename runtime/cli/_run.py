"""`processengine run`: one execution, from its arguments to its exit status."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import attrs
import trio

from .. import ActorHandle, Event, Options, Outcome, Watch, open_runtime
from ..definition import ProcessDefinition, check_inputs
from ._arguments import named_pairs, named_values
from ._interrupts import Interrupts
from ._loading import load
from ._logging import StandardError, logged_to_standard_error
from ._outcome import exit_status, outcome_data, outcome_lines
from ._output import Output
from ._progress import Progress
from ._views import View, view_for

WATCHED = 1_000_000
TICK_SECONDS = 0.1


@attrs.frozen
class Job:
    """What to run, with what."""

    definition: ProcessDefinition
    inputs: dict[str, Any]
    signals: Sequence[tuple[str, Any]]
    options: Options
    id: str | None


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Run one execution; the exit status tells how it ended."""
    job = _job(arguments)
    view, interrupts = view_for(output, arguments.quiet), Interrupts()
    with interrupts.installed(), logged_to_standard_error() as log:
        outcome = trio.run(_execute, job, view, interrupts, log)
    output.document(outcome_data(outcome))
    output.lines(outcome_lines(outcome))
    return interrupts.exit_status if outcome.state == "cancelled" else exit_status(outcome.state)


def _job(arguments: argparse.Namespace) -> Job:
    inputs = named_values("--input", arguments.input)
    signals = named_pairs("--signal", arguments.signal)
    options = Options.from_mapping(named_values("--option", arguments.option), "--option")
    definition = load(arguments.file, arguments.nodes)
    if arguments.timeout is not None:
        definition = attrs.evolve(definition, timeout=arguments.timeout)
    check_inputs(definition, inputs)
    return Job(definition, inputs, signals, options, arguments.id)


async def _execute(job: Job, view: View, interrupts: Interrupts, log: StandardError) -> Outcome:
    async with open_runtime(job.options) as runtime:
        handle = await runtime.spawn(job.definition, job.inputs, id=job.id)
        log.shown_elsewhere = handle.id
        events = handle.watch(WATCHED)
        for name, payload in job.signals:
            handle.signal(name, payload)
        interrupts.answer_with(lambda: _cancel(handle, interrupts.name))
        progress = Progress(job.definition, handle.status())
        with view.open(progress):
            await _follow(events, progress, view)
        return await handle.result()


def _cancel(handle: ActorHandle, signal: str) -> None:
    print("cancelling; once more forces the exit", file=sys.stderr)
    handle.cancel(f"interrupted by {signal}")


async def _follow(events: Watch[Event], progress: Progress, view: View) -> None:
    """Show events as they come, and the passing of time, until the execution has ended."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_tick, view)
        async for event in events:
            progress.take(event)
            view.took(event)
        view.tick(trio.current_time())
        nursery.cancel_scope.cancel()


async def _tick(view: View) -> None:
    while True:
        view.tick(trio.current_time())
        await trio.sleep(TICK_SECONDS)
