"""What the runs say: a table for people, JSON for programs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence

import attrs

from ._peer import Peer
from ._rounds import Run, Work

OURS = "processengine"
"""The variant that the others are compared with."""


@attrs.frozen(kw_only=True)
class Line:
    """The figures of one peer: medians of all rounds; `ratio` is to ours, None if that is missing.

    `low` and `high` are the least and the most µs a step of all rounds.
    """

    name: str
    microseconds: float
    low: float
    high: float
    bytes: float
    ratio: float | None
    versions: Mapping[str, str]


def lines(runs: Mapping[Peer, Sequence[Run]], work: Work) -> list[Line]:
    """A line for each peer, the fastest first."""
    steps = work.executions * work.steps
    medians = {
        peer.name: statistics.median(run.seconds for run in its) for peer, its in runs.items()
    }
    ours = medians.get(OURS)
    found = [
        Line(
            name=peer.name,
            microseconds=medians[peer.name] / steps * 1e6,
            low=min(run.seconds for run in its) / steps * 1e6,
            high=max(run.seconds for run in its) / steps * 1e6,
            bytes=statistics.median(run.bytes for run in its) / steps,
            ratio=None if ours is None else medians[peer.name] / ours,
            versions=its[0].versions,
        )
        for peer, its in runs.items()
    ]
    return sorted(found, key=lambda line: line.microseconds)


def table(found: Sequence[Line]) -> str:
    """A Markdown table."""
    head = ["| engine | µs a step (all rounds) | to ours | bytes a step | versions |"]
    head.append("|---|---|---|---|---|")
    return "\n".join([*head, *map(_row, found)])


def _row(line: Line) -> str:
    times = f"{line.microseconds:,.0f} ({line.low:,.0f} to {line.high:,.0f})"
    ratio = "" if line.ratio is None else f"**{line.ratio:.1f}**"
    versions = ", ".join(f"{name} {version}" for name, version in line.versions.items())
    return f"| {line.name} | {times} | {ratio} | {line.bytes:,.0f} | {versions} |"


def as_json(
    found: Sequence[Line],
    absent: Mapping[str, Mapping[str, str]],
    work: Work,
    rounds: int,
    machine: Mapping[str, str],
) -> str:
    """Everything; `absent` tells by kind (`skipped`, `failed`) and name why a peer has no line."""
    everything = {
        "machine": machine,
        "work": attrs.asdict(work),
        "rounds": rounds,
        "peers": [attrs.asdict(line) for line in found],
        **absent,
    }
    return json.dumps(everything, indent=2, ensure_ascii=False)
