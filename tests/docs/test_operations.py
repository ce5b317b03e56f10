"""The dashboard and the alert rules in `docs/operations` speak of what is really exported."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
import yaml

import processengine as pe
from processengine.prometheus import exposition
from processengine.runtime.exposition import FAMILIES

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations"
RULES = OPERATIONS / "prometheus-alerts.yml"
DASHBOARD: Any = json.loads((OPERATIONS / "grafana-dashboard.json").read_text(encoding="utf-8"))

SERIES = {name for family in FAMILIES for name in family.series}
LABELS = {
    name: {*family.labels, "instance", *(["le"] if name.endswith("_bucket") else [])}
    for family in FAMILIES
    for name in family.series
}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    for rule in rules():
        yield rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def names_in(expression: str) -> set[str]:
    return set(re.findall(r"\bprocessengine_\w+", expression))


@pytest.mark.parametrize("expression", [*expressions()])
def test_every_metric_of_an_expression_is_exported(expression: str) -> None:
    assert names_in(expression)
    assert names_in(expression) <= SERIES


@pytest.mark.parametrize("expression", [*expressions()])
def test_every_label_that_is_selected_is_one_of_its_metric(expression: str) -> None:
    for name, selector in re.findall(r"\b(processengine_\w+)\{([^}]*)\}", expression):
        assert {*re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', selector)} <= LABELS[name]
    grouped = {
        label.strip()
        for labels in re.findall(r"\bby \(([^)]*)\)", expression)
        for label in labels.split(",")
    }
    known = {label for name in names_in(expression) for label in LABELS[name]}
    assert grouped <= known


def test_every_exported_metric_is_on_the_dashboard() -> None:
    shown = {name for panel in panels() for t in panel["targets"] for name in names_in(t["expr"])}
    missing = [family.name for family in FAMILIES if not shown & set(family.series)]
    assert missing == []


async def test_the_series_are_those_of_an_exposition() -> None:
    async with pe.open_runtime(store=pe.MemoryStore()) as runtime:
        text = exposition(runtime)
    typed = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert set(typed) == {family.name for family in FAMILIES}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_says_for_how_long_how_severe_and_what_it_means(rule: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert {*rule["annotations"]} == {"summary", "description"}


def test_alerts_have_names_of_their_own() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len({*names}) == len(names) > 0


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len({*numbers}) == len(numbers)
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        taken = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells
        cells |= taken


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_rules_and_expressions(tmp_path: Path) -> None:
    subprocess.run(
        ["promtool", "check", "rules", RULES], check=True, capture_output=True, timeout=300
    )
    plain = [
        {"record": f"panel:n{number}:x", "expr": _without_variables(target["expr"])}
        for number, target in enumerate(t for panel in panels() for t in panel["targets"])
    ]
    file = tmp_path / "panels.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": plain}]}))
    subprocess.run(
        ["promtool", "check", "rules", file], check=True, capture_output=True, timeout=300
    )


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_rules_are_raised_by_what_they_are_about_and_by_nothing_else(tmp_path: Path) -> None:
    for file in (RULES, Path(__file__).parent / "prometheus-alerts-test.yml"):
        shutil.copy(file, tmp_path)
    command = ["promtool", "test", "rules", str(tmp_path / "prometheus-alerts-test.yml")]
    found = subprocess.run(command, text=True, capture_output=True, check=False, timeout=300)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
async def test_promtool_finds_nothing_to_lint_in_an_exposition() -> None:
    async with pe.open_runtime(store=pe.MemoryStore()) as runtime:
        text = exposition(runtime)
    command = ["promtool", "check", "metrics"]
    found = await trio.run_process(
        command, stdin=text.encode(), capture_stdout=True, capture_stderr=True, check=False
    )
    assert (found.returncode, found.stderr) == (0, b"")


def test_the_guide_lists_every_metric_as_it_is_exported() -> None:
    guide = (OPERATIONS / "monitoring.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(processengine_\w+)` \| (\w+) \| (.*) ?\|$", guide, re.MULTILINE)
    found = [(name, kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in listed]
    assert found == [(family.name, family.kind, family.labels) for family in FAMILIES]


def _without_variables(expression: str) -> str:
    return expression.replace("$__rate_interval", "5m")
