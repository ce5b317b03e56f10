"""The programs of the monitoring guide, and its excerpts."""

import logging
from urllib.request import urlopen

import prometheus_client
import pytest
import trio
from opentelemetry import trace
from trio.testing import MockClock

import processengine as pe
import processengine.prometheus

from .conftest import LoadExample

logger = logging.getLogger("shop")


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


def show(runtime: pe.Runtime) -> None:
    metrics = runtime.metrics()
    logger.info("%d ended, p95 %.0f ms", metrics.execution_count, metrics.p95_duration_ms)


async def test_a_snapshot_is_taken_at_any_time(caplog: pytest.LogCaptureFixture) -> None:
    async with pe.open_runtime() as runtime:
        with caplog.at_level(logging.INFO):
            show(runtime)
    assert "0 ended, p95 0 ms" in caplog.text


def serve(runtime: pe.Runtime, port: int) -> tuple[str, int]:
    registry = prometheus_client.CollectorRegistry()
    registry.register(processengine.prometheus.RuntimeCollector(runtime))
    server, thread = prometheus_client.start_http_server(port, registry=registry)
    try:
        with urlopen(f"http://127.0.0.1:{server.server_port}/metrics") as page:
            return page.read().decode(), page.status
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def test_a_server_has_what_is_to_be_scraped() -> None:
    async with pe.open_runtime() as runtime:
        text, status = await trio.to_thread.run_sync(serve, runtime, 0)
    assert status == 200
    assert "processengine_uptime_seconds" in text


async def test_a_tracer_is_an_option() -> None:
    async with pe.open_runtime(tracer=trace.get_tracer("shop")) as runtime:
        await runtime.wait_all_ended()


async def test_an_alert_calls_whom_it_names() -> None:
    async def page(change: pe.AlertChange) -> None: ...

    alert = pe.Alert(
        name="orders fail",
        condition="error_rate",
        above=0.05,
        clears_at=0.01,
        for_seconds=300,
        call=page,
    )
    async with pe.open_runtime(alerts=[alert], alert_interval=5.0):
        ...
