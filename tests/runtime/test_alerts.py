"""Alerts: the decision by itself, and the service in virtual time."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

import processengine as pe
from processengine.runtime._alerts import (
    CALM,
    RAISED,
    Past,
    Pending,
    Phase,
    Raised,
    next_phase,
    value_of,
)


@pytest.fixture
def autojump_clock() -> trio.testing.MockClock:
    return trio.testing.MockClock(autojump_threshold=0)


async def broken() -> None:
    raise OSError("broken")


async def nothing() -> None:
    pass


async def slow() -> None:
    await trio.sleep(20.0)


ONCE = pe.Retry(attempts=1)


def one(function: Any, **options: Any) -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder("one")
    builder.node("n", function, retry=ONCE, **options)
    return builder.build()


### The decision

VALUES = st.one_of(st.none(), st.floats(0.0, 10.0))
STEPS = st.lists(st.tuples(st.floats(0.1, 5.0), VALUES), max_size=40)
ALERTS = st.builds(
    lambda above, share, wait: pe.Alert(
        name="a", condition="queue_length", above=above, clears_at=above * share, for_seconds=wait
    ),
    st.floats(0.0, 8.0),
    st.floats(0.0, 1.0),
    st.floats(0.0, 10.0),
)


def lived(alert: pe.Alert, steps: list[tuple[float, float | None]]) -> list[tuple[float, Phase]]:
    now, phases = 0.0, list[tuple[float, Phase]]()
    current: Phase = CALM
    for seconds, value in steps:
        now += seconds
        current = next_phase(alert, current, value, now)
        phases.append((now, current))
    return phases


@given(ALERTS, STEPS)
def test_it_is_raised_only_after_being_above_for_its_time(
    alert: pe.Alert, steps: list[tuple[float, float | None]]
) -> None:
    phases = lived(alert, steps)
    above_since: float | None = None
    was_raised = False
    for (now, phase), (_, value) in zip(phases, steps, strict=True):
        is_above = value is not None and value > alert.above
        above_since = (now if above_since is None else above_since) if is_above else None
        is_raised = isinstance(phase, Raised)
        if is_raised and not was_raised:
            assert above_since is not None
            assert now - above_since >= alert.for_seconds
        if not was_raised and above_since is not None:
            assert is_raised == (now - above_since >= alert.for_seconds)
        if was_raised:
            assert is_raised == (value is None or value > alert.calm_at)
            above_since = None if not is_raised else above_since
        was_raised = is_raised


@given(ALERTS, st.floats(0.0, 1.0), st.integers(1, 20))
def test_between_its_thresholds_it_stays_as_it_is(
    alert: pe.Alert, share: float, count: int
) -> None:
    value = alert.calm_at + (alert.above - alert.calm_at) * share
    steps: list[tuple[float, float | None]] = [(1.0, value)] * count
    assert all(phase == CALM for _, phase in lived(alert, steps))
    if value > alert.calm_at:
        assert next_phase(alert, RAISED, value, 1.0) == RAISED


def test_what_is_not_known_ends_a_wait_but_no_alert() -> None:
    alert = pe.Alert(name="a", condition="queue_length", above=1, for_seconds=10)
    assert next_phase(alert, Pending(0.0), None, 5.0) == CALM
    assert next_phase(alert, RAISED, None, 5.0) == RAISED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("condition", "mood"),
        ("above", -1),
        ("above", "much"),
        ("clears_at", 2.0),
        ("for_seconds", -1.0),
        ("window", 0),
        ("minimum", 0),
        ("name", 3),
    ],
)
def test_a_field_that_does_not_fit_is_refused_by_name(field: str, value: object) -> None:
    fields: dict[str, Any] = {"name": "a", "condition": "error_rate", "above": 0.5, field: value}
    with pytest.raises(pe.UnfitField, match=rf"Alert\.{field}: expected .*, got"):
        pe.Alert(**fields)


def test_alerts_of_one_name_are_refused() -> None:
    alert = pe.Alert(name="a", condition="error_rate", above=0.5)
    with pytest.raises(pe.BadArgument, match="names differ"):
        pe.open_runtime(alerts=[alert, attrs.evolve(alert, above=0.1)])


### What is measured


async def snapshot_at(uptime: float) -> pe.PerformanceMetrics:
    async with pe.open_runtime() as runtime:
        return attrs.evolve(runtime.metrics(), uptime=uptime)


async def test_the_past_reaches_back_over_the_window_and_is_bounded() -> None:
    past, metrics = Past(60.0), await snapshot_at(0.0)
    for second in range(1000):
        before = past.add(attrs.evolve(metrics, uptime=float(second)))
        if second > 60:
            assert before is not None
            assert 60.0 <= second - before.uptime <= 62.0
    assert len(past) <= 62


async def test_rates_are_of_the_window_and_not_since_the_beginning() -> None:
    before = attrs.evolve(await snapshot_at(0.0), executions={"completed": 1000, "failed": 0})
    now = attrs.evolve(before, uptime=60.0, executions={"completed": 1005, "failed": 5})
    alert = pe.Alert(name="a", condition="error_rate", above=0.1)
    assert value_of(alert, before, now) == 0.5
    assert value_of(alert, now, now) is None
    assert value_of(attrs.evolve(alert, minimum=11), before, now) is None


async def test_growth_is_a_second() -> None:
    before = await snapshot_at(10.0)
    now = attrs.evolve(before, uptime=20.0, queued_executions=30, queued_attempts=20)
    alert = pe.Alert(name="a", condition="queue_growth", above=1)
    assert value_of(alert, before, now) == 5.0
    assert value_of(alert, None, now) is None


### The service


class Told:
    """What an alert was told of: when, and what."""

    def __init__(self) -> None:
        self.changes: list[tuple[float, str]] = []

    def __call__(self, change: pe.AlertChange) -> None:
        self.changes.append((round(trio.current_time()), change.state))


async def test_failures_raise_it_and_their_absence_clears_it(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told()
    alert = pe.Alert(
        name="failing", condition="error_rate", above=0.5, window=10, for_seconds=10, call=told
    )
    caplog.set_level(logging.INFO, "processengine.alerts")
    async with pe.open_runtime(alerts=[alert], alert_interval=1.0) as runtime:
        start = trio.current_time()
        for second in range(60):
            await runtime.spawn(one(broken if second < 20 else nothing))
            await trio.sleep(1.0)
    (raised_at, raised), (cleared_at, cleared) = told.changes
    assert (raised, cleared) == ("raised", "cleared")
    assert 10 <= raised_at - start <= 12
    assert 25 <= cleared_at - start <= 30
    logged = [r for r in caplog.records if r.name == "processengine.alerts"]
    assert [record.levelname for record in logged] == ["WARNING", "INFO"]
    assert "'failing': error_rate is 1, above 0.5" in logged[0].message


async def test_slow_executions_queues_and_open_breakers_raise_theirs(
    autojump_clock: trio.testing.MockClock,
) -> None:
    changes: list[tuple[str, str]] = []

    async def tell(change: pe.AlertChange) -> None:
        await trio.sleep(0.1)
        changes.append((change.alert.name, change.state))

    alerts = [
        pe.Alert(name="slow", condition="p95_duration", above=10, call=tell),
        pe.Alert(name="queue", condition="queue_length", above=5, call=tell),
        pe.Alert(name="growth", condition="queue_growth", above=1, call=tell),
        pe.Alert(name="breaker", condition="breakers_open", above=0, call=tell),
    ]
    builder = pe.ProcessBuilder("calls")
    builder.group("bank", breaker=pe.BreakerPolicy(consecutive_failures=1), shared=True)
    builder.node(broken, group="bank", retry=ONCE)
    async with pe.open_runtime(alerts=alerts, max_concurrent_executions=1) as runtime:
        await runtime.spawn(builder.build())
        for _ in range(10):
            await runtime.spawn(one(slow))
        await trio.sleep(30.0)
        assert set(changes) >= {(alert.name, "raised") for alert in alerts}
        runtime.group("bank").reset()
        await trio.sleep(300.0)
        assert ("slow", "cleared") not in changes  # nobody knows, as nothing has ended since
        await runtime.spawn(one(nothing))
        await trio.sleep(10.0)
        assert set(changes) == {
            (alert.name, state) for alert in alerts for state in ("raised", "cleared")
        }


async def test_a_store_that_does_not_work_raises_its_lag(
    autojump_clock: trio.testing.MockClock,
) -> None:
    told = Told()
    lag = pe.Alert(name="lag", condition="store_lag", above=10, clears_at=1, call=told)
    async with pe.open_runtime(store=pe.MemoryStore(), alerts=[lag]) as runtime:
        core = runtime._core  # pyright: ignore[reportPrivateUsage]
        assert core is not None
        assert core.store is not None
        writer: Any = core.store.journal.writer
        delay, writer._delay = writer._delay, lambda: 30.0
        await runtime.spawn(one(nothing))
        writer._delay = delay
        await trio.sleep(30.0)
    assert [state for _, state in told.changes] == ["raised", "cleared"]


async def test_a_call_that_raises_harms_nothing(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told()

    def faulty(change: pe.AlertChange) -> None:
        raise RuntimeError("the pager is broken")

    async def faulty_too(change: pe.AlertChange) -> None:
        await trio.sleep(0.1)
        raise RuntimeError("the pager is broken")

    calls: tuple[Callable[[pe.AlertChange], Awaitable[None] | None], ...]
    calls = faulty, faulty_too, told
    alerts = [
        pe.Alert(name=str(place), condition="queue_length", above=0, call=calls[place])
        for place in range(3)
    ]
    async with pe.open_runtime(alerts=alerts, max_concurrent_executions=1) as runtime:
        for _ in range(3):
            await runtime.spawn(one(slow))
        await runtime.wait_all_ended()
        await trio.sleep(10.0)
        (services,) = [each for each in runtime.tree().children if each.name == "services"]
        (service,) = [each for each in services.children if each.name == "alerts"]
        assert service.restarts == 0
    assert [state for _, state in told.changes] == ["raised", "cleared"]
    failed = [record for record in caplog.records if "failed" in record.message]
    assert len([r for r in failed if r.name == "processengine.alerts"]) == 4


async def test_a_call_that_never_ends_does_not_hold_up_the_runtime(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def hang(change: pe.AlertChange) -> None:
        await trio.sleep_forever()

    alert = pe.Alert(name="a", condition="queue_length", above=0, call=hang)
    async with pe.open_runtime(alerts=[alert], max_concurrent_executions=1) as runtime:
        for _ in range(3):
            await runtime.spawn(one(slow))
        await runtime.wait_all_ended()


async def test_without_alerts_there_is_no_service() -> None:
    async with pe.open_runtime() as runtime:
        (services,) = [each for each in runtime.tree().children if each.name == "services"]
    assert "alerts" not in {each.name for each in services.children}
