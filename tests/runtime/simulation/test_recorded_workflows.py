"""Workflows that ran on real clusters, run again by the engine in virtual time."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from processengine.runtime.definition import ProcessDefinition, load_definition
from processengine.runtime.simulation import SimulationReport, simulate

ROOT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("SHARED_DATA", ROOT.parent / "shared"))
FOLDER = SHARED / "data" / "wfinstances"
WORKERS = (1, 2, 8, 64)

# As the data's own README has them: tasks, critical path and sum of durations in seconds.
RECORDED = {
    "1000genome-chameleon-2ch-100k-001": (52, 204.686, 2771.295),
    "helloworld-forkjoin-10-chameleon": (10, 307.360, 1028.704),
    "montage-chameleon-2mass-01d-001": (103, 21.122, 362.633),
    "rnaseq-dirt02-001": (197, 759.454, 2580.360),
}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the shared data folder")


@pytest.fixture(params=RECORDED)
def name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def workflow(name: str) -> ProcessDefinition:
    return load_definition(FOLDER / f"{name}.json")


def too_early(definition: ProcessDefinition, report: SimulationReport) -> Iterator[str]:
    """The connections whose target began before their source had ended."""
    runs = {run.node: run for run in report.runs}
    for connection in definition.connections:
        if runs[connection.target].started < runs[connection.source].ended:
            yield str(connection)


def test_without_a_bound_it_takes_as_long_as_its_critical_path(
    name: str, workflow: ProcessDefinition
) -> None:
    tasks, critical_path, sum_of_durations = RECORDED[name]
    report = simulate(workflow)
    assert report.state == "completed"
    assert report.tasks == report.attempts == tasks
    assert report.makespan == pytest.approx(critical_path, abs=0.0005)
    assert report.critical_path == pytest.approx(critical_path, abs=0.0005)
    assert report.busy == pytest.approx(sum_of_durations, abs=0.0005)


@pytest.mark.parametrize("workers", [None, *WORKERS])
def test_every_task_starts_after_all_its_parents_have_ended(
    workflow: ProcessDefinition, workers: int | None
) -> None:
    assert list(too_early(workflow, simulate(workflow, workers))) == []


@pytest.mark.parametrize("workers", WORKERS)
def test_with_so_many_workers_there_are_never_more_at_once(
    name: str, workflow: ProcessDefinition, workers: int
) -> None:
    _, critical_path, sum_of_durations = RECORDED[name]
    report = simulate(workflow, workers)
    assert report.peak_concurrency <= workers
    assert report.critical_path == pytest.approx(critical_path, abs=0.0005)
    # Graham's bound for any schedule that leaves no worker idle while a task could run.
    least = max(critical_path, sum_of_durations / workers)
    most = sum_of_durations / workers + critical_path * (1 - 1 / workers)
    assert least - 0.001 <= report.makespan <= most + 0.001


def test_one_worker_takes_the_sum_of_all_durations(name: str, workflow: ProcessDefinition) -> None:
    assert simulate(workflow, 1).makespan == pytest.approx(RECORDED[name][2], abs=0.0005)
