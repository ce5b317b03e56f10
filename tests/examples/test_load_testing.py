"""What docs/operations/load-testing.md shows of Python. It takes real time, at 50 a second."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

import processengine as pe
from processengine.loadtest import Scenario, Target, load_test, report_text

logger = logging.getLogger("shop")


async def charge(total: float) -> float:
    return total


@pytest.mark.slow
def test_a_load_test_of_the_guide_meets_its_targets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.INFO)
    process = pe.ProcessBuilder("orders")
    process.node(charge)
    orders = process.build()
    report = load_test(
        Scenario(
            name="orders",
            definition=orders,
            executions=100,
            inputs={"total": 120},
            rate=50,
            targets=(Target("p95", 2.0), Target("completed", 0.999)),
        ),
        store="load.db",
        options={"durability": "lazy"},
    )
    logger.info(report_text(report))
    assert report.met
    assert "orders" in caplog.text
