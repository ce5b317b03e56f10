"""`processengine profile`: where the time of a process goes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import attrs

from ..drawing import draw_flame
from ..load import milliseconds
from ..profiling import PlaceTime, Profile
from ..profiling import profile as profiled
from ._arguments import named_pairs, named_values
from ._files import write
from ._loading import load
from ._logging import logged_to_standard_error
from ._misuse import Misuse
from ._output import Line, Output
from ._words import seconds


def profile(arguments: argparse.Namespace, output: Output) -> int:
    """Profile a process; status 1 if an execution did not complete."""
    if arguments.store is not None and Path(arguments.store).exists():
        raise Misuse(f"--store {arguments.store}: is there already; name a new file")
    inputs = named_values("--input", arguments.input)
    signals = named_pairs("--signal", arguments.signal)
    options = named_values("--option", arguments.option)
    definition = load(arguments.file, arguments.nodes)
    with logged_to_standard_error() as log:
        log.hides_failures = True
        made = profiled(
            definition,
            inputs,
            runs=arguments.runs,
            at_once=arguments.at_once,
            signals=tuple(signals),
            options=options,
            store=arguments.store,
            interval=arguments.interval,
        )
    if arguments.flame is not None:
        write(arguments.flame, flame(made))
    output.document(profile_data(made))
    output.lines(profile_lines(made))
    return 0 if made.completed == made.runs else 1


def flame(made: Profile) -> str:
    """The flame graph of a profile."""
    words = (
        f"{made.runs} runs in {seconds(made.seconds)}; the event loop computed for"
        f" {seconds(made.loop_cpu)}, seen {made.running} times"
    )
    return draw_flame(made.flame, title=made.definition, subtitle=words)


def profile_data(made: Profile) -> dict[str, object]:
    """A profile for a JSON document; times are seconds of all runs together."""
    return {
        "definition": made.definition,
        "runs": made.runs,
        "completed": made.completed,
        "seconds": made.seconds,
        "loop_cpu": made.loop_cpu,
        "thread_cpu": made.thread_cpu,
        "sampler_cpu": made.sampler_cpu,
        "waiting": made.waiting,
        "looks": made.looks,
        "running": made.running,
        "places": [attrs.asdict(place) for place in made.places],
        "in_threads": made.in_threads,
        "nodes": [attrs.asdict(node) for node in made.nodes],
    }


def profile_lines(made: Profile) -> Iterator[Line]:
    """A profile for people: times are of one run on average."""
    each = made.seconds / made.runs
    yield f"{made.definition}: {made.runs} runs in {seconds(made.seconds)}", "bold"
    if made.completed < made.runs:
        yield f"  {made.runs - made.completed} of them did not complete", "red"
    yield f"  {'a run':<30} {milliseconds(each):>10}", ""
    yield f"  {'waiting':<30} {milliseconds(made.waiting / made.runs):>10}", ""
    computing = milliseconds(made.loop_cpu / made.runs)
    yield f"  {'computing, in the event loop':<30} {computing:>10}", ""
    for place in made.places:
        yield _place_line(place, made.runs), ""
    beside = milliseconds(made.thread_cpu / made.runs)
    yield f"  {'computing, in other threads':<30} {beside:>10}", ""
    for name, value in made.in_threads.items():
        yield f"    {'in ' + name:<28} {milliseconds(value / made.runs):>10} there in all", ""
    yield from _node_lines(made)
    yield f"  the event loop was seen at work {made.running} times; ± is one standard error", "dim"


def _place_line(place: PlaceTime, runs: int) -> str:
    name = f"node {place.name}" if place.kind == "node" else place.name
    share = f"{place.share:6.1%} ± {place.error:.1%}"
    return f"    {name:<28} {milliseconds(place.seconds / runs):>10} {share}"


def _node_lines(made: Profile) -> Iterator[Line]:
    width = max(len(node.node) for node in made.nodes)
    yield f"  {'node':<{width}}  attempts    running    resting     queued", "dim"
    for node in made.nodes:
        times = (node.running, node.resting, node.queued)
        cells = "".join(f"{milliseconds(value / made.runs):>11}" for value in times)
        yield f"  {node.node:<{width}}  {node.attempts / made.runs:>8.3g}{cells}", ""
