"""The programs of the monitoring guide."""

import pytest
from trio.testing import MockClock

from .conftest import LoadExample


async def test_a_scrape_shows_what_has_ended(
    load_example: LoadExample, capsys: pytest.CaptureFixture[str]
) -> None:
    await load_example("monitoring/prometheus.py").main()
    assert capsys.readouterr().out.splitlines() == [
        'processengine_executions_total{definition="parcels v1",state="completed"} 2.0',
        'processengine_executions_total{definition="parcels v1",state="failed"} 0.0',
        'processengine_executions_total{definition="parcels v1",state="cancelled"} 0.0',
        'processengine_executions_total{definition="parcels v1",state="timed_out"} 0.0',
        'processengine_steps_total{definition="parcels v1"} 2.0',
    ]


async def test_spans_are_within_each_other(
    load_example: LoadExample, capsys: pytest.CaptureFixture[str]
) -> None:
    await load_example("monitoring/tracing.py").main()
    assert capsys.readouterr().out.splitlines() == [
        "POST /orders: UNSET",
        "  execution order: UNSET",
        "    attempt charge: ERROR",
        "      ask the bank: ERROR",
        "    attempt charge: UNSET",
        "      ask the bank: UNSET",
        "    attempt ship: UNSET",
        "      print a label: UNSET",
    ]


async def test_an_alert_is_told_of_twice(
    load_example: LoadExample, capsys: pytest.CaptureFixture[str], autojump_clock: MockClock
) -> None:
    await load_example("monitoring/alerts.py").main()
    raised, cleared = capsys.readouterr().out.splitlines()
    assert raised == "orders fail: raised, error_rate 1.00"
    assert cleared.startswith("orders fail: cleared, error_rate 0.")
