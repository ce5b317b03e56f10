import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest
import trio
import trio.testing
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

import processengine as pe
from processengine.prometheus import RuntimeCollector, exposition
from processengine.runtime.exposition import FAMILIES
from processengine.runtime.exposition._labels import Labels
from processengine.runtime.metrics import OTHER


@pytest.fixture
def autojump_clock() -> trio.testing.MockClock:
    return trio.testing.MockClock(autojump_threshold=0)


async def nothing() -> None:
    pass


async def slow() -> None:
    await trio.sleep(1.5)


async def broken() -> None:
    raise OSError("broken")


def one(
    name: str, function: Callable[[], Awaitable[None]] = nothing, group: str = "default"
) -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder(name)
    builder.group(
        group, breaker=pe.BreakerPolicy() if group == "bank" else None, shared=group == "bank"
    )
    builder.node("n", function, retry=pe.Retry(attempts=1), group=group)
    return builder.build()


def samples(text: str) -> Iterator[Sample]:
    for family in text_string_to_metric_families(text):
        yield from family.samples


def value(text: str, name: str, **labels: str) -> float:
    (found,) = [s.value for s in samples(text) if s.name == name and s.labels == labels]
    return found


async def test_what_has_ended_is_counted_by_definition_and_state() -> None:
    async with pe.open_runtime() as runtime:
        for _ in range(3):
            await runtime.spawn(one("good"))
        await runtime.spawn(one("bad", broken))
        await runtime.wait_all_ended()
        text = exposition(runtime)
    total = "processengine_executions_total"
    assert value(text, total, definition="good v1", state="completed") == 3
    assert value(text, total, definition="good v1", state="failed") == 0
    assert value(text, total, definition="bad v1", state="failed") == 1
    assert value(text, "processengine_steps_total", definition="good v1") == 3
    assert value(text, "processengine_attempt_failures_total") == 1
    assert value(text, "processengine_attempt_retries_total") == 0


async def test_durations_are_a_histogram_in_seconds(autojump_clock: trio.testing.MockClock) -> None:
    async with pe.open_runtime() as runtime:
        await runtime.spawn(one("slow", slow))
        await runtime.spawn(one("slow"))
        await runtime.wait_all_ended()
        text = exposition(runtime)
    name = "processengine_execution_duration_seconds"
    for bound, count in (("1.0", 1), ("2.0", 2), ("+Inf", 2)):
        assert value(text, f"{name}_bucket", definition="slow v1", le=bound) == count
    assert value(text, f"{name}_sum", definition="slow v1") == pytest.approx(1.5)
    assert value(text, f"{name}_count", definition="slow v1") == 2


async def test_names_types_and_units_are_those_of_prometheus() -> None:
    async with pe.open_runtime(store=pe.MemoryStore()) as runtime:
        text = exposition(runtime)
    families = list(text_string_to_metric_families(text))
    assert len(families) == len(FAMILIES)
    for family in FAMILIES:
        assert family.name.startswith("processengine_")
        assert family.name.endswith("_total") == (family.kind == "counter")
        assert family.help.endswith(".")
        if family.kind == "histogram":
            assert family.name.endswith("_seconds")
            assert list(family.buckets) == sorted(family.buckets)


async def test_breakers_are_shown_by_state_and_attempts_by_group() -> None:
    async with pe.open_runtime() as runtime:
        await runtime.spawn(one("calls", group="bank"))
        await runtime.wait_all_ended()
        runtime.group("bank").isolate()
        text = exposition(runtime)
    states = {
        state: value(text, "processengine_breakers", group="bank", state=state)
        for state in ("closed", "open", "half_open", "isolated", "disabled")
    }
    assert states == {"closed": 0, "open": 0, "half_open": 0, "isolated": 1, "disabled": 0}
    assert value(text, "processengine_attempts", group="bank", state="running") == 0


async def test_every_live_state_has_a_value(autojump_clock: trio.testing.MockClock) -> None:
    async with pe.open_runtime() as runtime:
        await runtime.spawn(one("slow", slow))
        text = exposition(runtime)
    live = {
        sample.labels["state"]: sample.value
        for sample in samples(text)
        if sample.name == "processengine_live_executions"
    }
    assert live == {"queued": 0, "running": 1, "waiting": 0, "pausing": 0, "paused": 0}


async def test_a_store_is_shown_where_there_is_one() -> None:
    async with pe.open_runtime() as runtime:
        assert not any("store" in sample.name for sample in samples(exposition(runtime)))
    async with pe.open_runtime(store=pe.MemoryStore()) as runtime:
        await runtime.spawn(one("kept"))
        await runtime.wait_all_ended()
        text = exposition(runtime)
    assert value(text, "processengine_store_records_total") == 2
    assert value(text, "processengine_store_commit_duration_seconds_count") >= 1
    assert value(text, "processengine_store_lag_seconds") == 0


async def test_there_is_a_bound_on_labels_and_none_of_executions() -> None:
    registry = CollectorRegistry()
    async with pe.open_runtime() as runtime:
        registry.register(RuntimeCollector(runtime, definitions=2, groups=2))
        for number in range(5):
            for place in range(3):
                await runtime.spawn(one(f"p{number}"), id=f"order-{number}-{place}")
        await runtime.wait_all_ended()
        found = [sample for family in registry.collect() for sample in family.samples]
    counts = {
        sample.labels["definition"]: sample.value
        for sample in found
        if sample.name == "processengine_steps_total"
    }
    assert counts == {"p0 v1": 3, "p1 v1": 3, OTHER: 9}
    groups = {sample.labels["group"] for sample in found if "group" in sample.labels}
    assert groups == {"p0 v1/default", "p1 v1/default", OTHER}
    assert not any("order-" in label for sample in found for label in sample.labels.values())


def test_a_name_keeps_its_label() -> None:
    labels = Labels(2)
    assert [labels.of(name) for name in "abcab"] == ["a", "b", OTHER, "a", "b"]


async def test_registering_asks_nothing_of_a_runtime_that_is_not_open() -> None:
    runtime = pe.open_runtime()
    registry = CollectorRegistry(auto_describe=True)
    registry.register(RuntimeCollector(runtime))
    with pytest.raises(pe.RuntimeNotOpen):
        list(registry.collect())


async def test_a_scrape_may_come_from_another_thread_and_after_the_end() -> None:
    texts: list[str] = []

    def scrape(runtime: pe.Runtime) -> None:
        texts.append(exposition(runtime))

    async with pe.open_runtime() as runtime:
        await runtime.spawn(one("good"))
        await runtime.wait_all_ended()
        await trio.to_thread.run_sync(scrape, runtime)
    late = threading.Thread(target=scrape, args=[runtime])
    late.start()
    await trio.to_thread.run_sync(late.join)
    for text in texts:
        total = "processengine_executions_total"
        assert value(text, total, definition="good v1", state="completed") == 1
    assert len(texts) == 2


def test_the_package_is_imported_by_who_asks_for_it_only() -> None:
    others = "{'prometheus_client', 'opentelemetry'}"
    code = f"import sys, processengine; assert not {others} & {{*sys.modules}}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
