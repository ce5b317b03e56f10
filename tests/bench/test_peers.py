"""The runner of other engines, on programs that only pretend to work. No figure is judged here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """# /// script
# dependencies = {needs}
# [tool.bench]
# role = "{role}"
# [tool.bench.{work}."{name}"]
# seconds = {seconds}
# wrong = {wrong}
# executions = {executions}
# steps = 4
# side_by_side = {side_by_side}
# ///
import json, pathlib, sys
given = json.loads(sys.argv[1])
assert given["work"] == "{work}"
assert pathlib.Path.cwd() == pathlib.Path(given["folder"]).resolve()
pathlib.Path("store").write_bytes(b"x" * 1200)
total = given["executions"] * sum(range(given["steps"])) + given["wrong"]
print(json.dumps({{"seconds": given["seconds"], "total": total, "versions": {{"it": "1"}}}}))
"""


def write_program(
    folder: Path,
    file: str,
    name: str,
    *,
    work: str = "memory",
    role: str = "peer",
    seconds: float = 1.0,
    wrong: int = 0,
    executions: int = 3,
    needs: str = "[]",
    side_by_side: bool = False,
) -> None:
    text = PROGRAM.format(
        name=name,
        work=work,
        role=role,
        seconds=seconds,
        wrong=wrong,
        executions=executions,
        needs=needs,
        side_by_side=str(side_by_side).lower(),
    )
    (folder / f"{file}.py").write_text(text)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench.peers", "--rounds", "2", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )


def report(folder: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    path = folder / "report.json"
    done = run("--programs", str(folder), "--json", str(path), *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text()), done.stdout


def test_each_engine_has_a_line_with_its_time_and_size_for_a_step(tmp_path: Path) -> None:
    write_program(tmp_path, "on_other", "Other", work="durable", seconds=0.0012)
    write_program(tmp_path, "on_ours", "processengine", work="durable", role="ours", seconds=0.0006)
    found, printed = report(tmp_path)
    ours, other = found["works"]["durable"]["peers"]
    assert [ours["name"], other["name"]] == ["processengine", "Other"]
    assert ours["microseconds"]["median"] == pytest.approx(50.0)
    assert ours["bytes"] == 50
    assert other["ratio"]["median"] == pytest.approx(2.0)
    assert other["versions"] == {"it": "1"}
    assert "| Other | **100** (100 to 100) | **2** (2 to 2) | 50 | 3 x 4 | it 1 |" in printed
    assert "| *processengine* |" in printed


def test_engines_that_did_less_are_compared_by_the_step(tmp_path: Path) -> None:
    write_program(tmp_path, "on_slow", "Slow", seconds=0.04, executions=1)
    write_program(tmp_path, "on_ours", "processengine", role="ours", seconds=0.01, executions=100)
    found, _ = report(tmp_path)
    ours, slow = found["works"]["memory"]["peers"]
    assert ours["size"] == {"executions": 100, "steps": 4}
    assert slow["ratio"]["median"] == pytest.approx(400.0)


@pytest.mark.parametrize(
    ("times", "verdict"), [(19.0, "missed"), (21.0, "met"), (41.0, "stretch met")]
)
def test_the_verdict_is_on_the_fastest_peer_whatever_yardsticks_take(
    tmp_path: Path, times: float, verdict: str
) -> None:
    write_program(tmp_path, "on_ours", "processengine", role="ours", seconds=0.1)
    write_program(tmp_path, "on_variant", "our variant", role="ours", seconds=0.2)
    write_program(tmp_path, "by_hand", "by hand", role="yardstick", seconds=0.05)
    write_program(tmp_path, "on_fast", "Fast", seconds=0.1 * times)
    write_program(tmp_path, "on_slow", "Slow", seconds=10.0)
    found, printed = report(tmp_path)
    assert found["works"]["memory"]["verdict"] == verdict
    assert f"Fast, takes {times:g} times as long as ours (bar 20, stretch 40)" in printed


def test_one_after_another_is_compared_with_the_fastest_peer_that_runs_so(tmp_path: Path) -> None:
    ours = "processengine, side by side"
    write_program(tmp_path, "on_ours", ours, role="ours", seconds=0.1, side_by_side=True)
    alone = "processengine, one after another"
    write_program(tmp_path, "on_ours_alone", alone, role="ours", seconds=0.5)
    write_program(tmp_path, "on_one", "One", seconds=2.0, side_by_side=True)
    write_program(tmp_path, "on_two", "Two", seconds=4.0)
    write_program(tmp_path, "on_three", "Three", seconds=5.0)
    found, printed = report(tmp_path)
    assert "One, takes 20 times as long as ours (bar 20, stretch 40): **met**. " in printed
    assert "One execution after another, the fastest peer, Two, takes 8 times as long." in printed
    ratios = {line["name"]: line["alone"] for line in found["works"]["memory"]["peers"]}
    assert ratios["One"] is None
    assert ratios["Three"]["median"] == pytest.approx(10.0)


OTHER_SIZES = """
from bench.peers._peer import peers
for peer in peers():
    if peer.size.executions != peer.work.size.executions:
        print(peer.name, peer.size.executions, sep=": ")
"""


def test_engines_do_the_same_number_of_executions_but_for_one_whose_name_tells() -> None:
    command = [sys.executable, "-c", OTHER_SIZES]
    printed = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=800
    ).stdout
    assert printed.splitlines() == [
        "Prefect, 3 executions, one after another: 3",
        "Prefect, 3 executions, side by side: 3",
    ]


def test_works_are_compared_apart(tmp_path: Path) -> None:
    write_program(tmp_path, "on_ours", "processengine", role="ours", work="tell", seconds=0.012)
    write_program(tmp_path, "on_other", "Other", work="ask")
    found, printed = report(tmp_path)
    assert [*found["works"]] == ["tell", "ask"]
    assert found["works"]["ask"]["peers"][0]["ratio"] is None, "ours does not do that work"
    assert found["works"]["tell"]["verdict"] == ""
    assert "µs a message" in printed


def test_only_named_programs_and_works_run(tmp_path: Path) -> None:
    write_program(tmp_path, "on_one", "One")
    write_program(tmp_path, "on_two", "Two")
    write_program(tmp_path, "on_three", "Three", work="ask")
    found, _ = report(tmp_path, "on_two", "on_three", "--work", "memory")
    assert [line["name"] for line in found["works"]["memory"]["peers"]] == ["Two"]
    assert found["works"].keys() == {"memory"}


def test_quick_runs_are_tiny_and_cannot_be_kept(tmp_path: Path) -> None:
    write_program(tmp_path, "on_one", "One", executions=1_000_000)
    found, _ = report(tmp_path, "--quick")
    assert found["rounds"] == 1
    assert found["works"]["memory"]["peers"][0]["size"]["executions"] == 2
    done = run("--programs", str(tmp_path), "--quick", "--write", str(tmp_path))
    assert done.returncode == 2
    assert "--write keeps figures" in done.stderr


def test_what_was_found_is_written_between_the_marks_and_drawn(tmp_path: Path) -> None:
    write_program(tmp_path, "on_ours", "processengine", role="ours", seconds=0.001)
    write_program(tmp_path, "on_other", "Other <1>", seconds=0.5)
    results = tmp_path / "RESULTS.md"
    results.write_text("before\n<!-- peers: begin -->\nold\n<!-- peers: end -->\nafter\n")
    report(tmp_path, "--write", str(tmp_path))
    text = results.read_text()
    assert text.startswith("before\n<!-- peers: begin -->\n`python -m bench.peers`, 2 rounds\n")
    assert text.endswith(
        "![microseconds, on a logarithmic scale](peers.svg)\n<!-- peers: end -->\nafter\n"
    )
    assert "old" not in text
    assert "| Other <1> |" in text
    drawn = (tmp_path / "peers.svg").read_text()
    assert "Other &lt;1&gt;" in drawn
    assert "= 500 x ours" in drawn
    assert json.loads((tmp_path / "peers.json").read_text())["works"]["memory"]["verdict"]


def test_results_without_marks_are_refused(tmp_path: Path) -> None:
    write_program(tmp_path, "on_one", "One")
    (tmp_path / "RESULTS.md").write_text("nothing\n")
    done = run("--programs", str(tmp_path), "--write", str(tmp_path))
    assert done.returncode != 0
    assert "expected a line '<!-- peers: begin -->'" in done.stderr
    assert (tmp_path / "RESULTS.md").read_text() == "nothing\n"


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    done = run("temporal")
    assert done.returncode == 2
    assert "'temporal'" in done.stderr
    assert "on_burr, on_dbos, on_host_actors, on_langgraph" in done.stderr


def test_an_engine_that_did_other_work_fails_alone(tmp_path: Path) -> None:
    write_program(tmp_path, "on_good", "Good")
    write_program(tmp_path, "on_lazy", "Lazy", wrong=-1)
    done = run("--programs", str(tmp_path))
    assert done.returncode == 1
    assert "failed memory: Lazy: its values add up to 17, expected 18" in done.stdout
    assert "| Good |" in done.stdout
    assert "| Lazy |" not in done.stdout


def test_an_engine_that_crashes_fails_with_its_last_words(tmp_path: Path) -> None:
    write_program(tmp_path, "on_broken", "Broken")
    with (tmp_path / "on_broken.py").open("a") as program:
        program.write("sys.exit('no such table')\n")
    done = run("--programs", str(tmp_path))
    assert done.returncode == 1
    assert "failed memory: Broken: ended with 1: no such table" in done.stdout


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("print()\n", "expected a block of script metadata"),
        ("# /// script\n# dependencies = [\n# ///\n", "its metadata is not TOML"),
        ("# /// script\n# dependencies = []\n# ///\n", "expected tables [tool.bench.WORK]"),
        ("# /// script\n# [tool.bench.sleep]\n# ///\n", "got ['sleep']"),
        ('# /// script\n# [tool.bench]\n# role = "judge"\n# ///\n', "expected a role of ours"),
        (
            '# /// script\n# [tool.bench.ask]\n# "It" = { steps = 0 }\n# ///\n',
            "expected steps to be a whole number from 1, got 0",
        ),
        ('# /// script\n# dependencies = ["it>=1"]\n# ///\n', "expected a pinned version"),
    ],
)
def test_a_program_with_unusable_metadata_is_named(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "on_it.py").write_text(text)
    done = run("--programs", str(tmp_path))
    assert done.returncode == 2
    assert str(tmp_path / "on_it.py") in done.stderr
    assert why in done.stderr


@pytest.mark.slow
def test_an_engine_that_cannot_be_installed_is_skipped_with_a_reason(tmp_path: Path) -> None:
    write_program(tmp_path, "on_absent", "Absent", needs='["processengine-absent==1.0"]')
    write_program(tmp_path, "on_good", "Good")
    cache = tmp_path / "cache"
    done = run("--programs", str(tmp_path), "--cache", str(cache), PIP_NO_INDEX="1")
    assert done.returncode == 0, done.stderr
    assert "skipped memory: Absent: processengine-absent==1.0 cannot be installed" in done.stdout
    assert "| Good |" in done.stdout
    assert (cache / ".gitignore").read_text() == "*\n"
