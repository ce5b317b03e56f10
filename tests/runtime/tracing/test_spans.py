"""The spans that a traced runtime makes, as an exporter gets them."""

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

import processengine as pe


@pytest.fixture
def autojump_clock() -> trio.testing.MockClock:
    return trio.testing.MockClock(autojump_threshold=0)


class Spans:
    """A tracer, and the spans it has ended."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = provider.get_tracer("tests")

    def all(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        (span,) = self.all(name)
        return span


@pytest.fixture
def spans() -> Spans:
    return Spans()


def is_within(child: ReadableSpan, parent: ReadableSpan) -> bool:
    assert parent.context is not None
    return (
        child.parent is not None
        and child.parent.span_id == parent.context.span_id
        and child.parent.trace_id == parent.context.trace_id
    )


async def nothing() -> None:
    pass


async def broken() -> None:
    raise OSError("broken")


async def slow() -> None:
    await trio.sleep(1.0)


def process(name: str, *functions: Callable[[], object], **options: float) -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder(name)
    last = None
    for function in functions:
        node = builder.node(function.__name__, function, timeout=options.get("timeout"))
        if last is not None:
            last.then(node)
        last = node
    return builder.build()


async def run(runtime: pe.Runtime, definition: pe.ProcessDefinition) -> pe.Outcome:
    return await (await runtime.spawn(definition)).result()


async def test_attempts_are_spans_within_that_of_their_execution(spans: Spans) -> None:
    async with pe.open_runtime(tracer=spans.tracer) as runtime:
        handle = await runtime.spawn(process("orders", nothing, nothing_else), id="order-1")
        await handle.result()
    execution = spans.one("execution orders")
    assert execution.parent is None
    assert execution.attributes is not None
    assert dict(execution.attributes) == {
        "processengine.execution.id": "order-1",
        "processengine.execution.incarnation": 1,
        "processengine.definition.id": "orders",
        "processengine.definition.version": 1,
        "processengine.execution.state": "completed",
        "processengine.execution.steps": 2,
    }
    for name, step in (("nothing", 1), ("nothing_else", 2)):
        attempt = spans.one(f"attempt {name}")
        assert is_within(attempt, execution)
        assert attempt.attributes is not None
        assert dict(attempt.attributes) == {
            "processengine.execution.id": "order-1",
            "processengine.node": name,
            "processengine.step": step,
            "processengine.attempt": 1,
            "processengine.port": "out",
        }
        assert attempt.status.status_code is StatusCode.UNSET


async def nothing_else() -> None:
    pass


async def test_every_try_is_a_span_and_failures_are_errors(
    spans: Spans, autojump_clock: trio.testing.MockClock
) -> None:
    builder = pe.ProcessBuilder("orders")
    builder.node(broken, retry=pe.Retry(attempts=2, initial=0.1))
    async with pe.open_runtime(tracer=spans.tracer) as runtime:
        await run(runtime, builder.build())
    attempts = spans.all("attempt broken")
    assert [dict(a.attributes or {})["processengine.attempt"] for a in attempts] == [1, 2]
    for span in (*attempts, spans.one("execution orders")):
        assert span.status.status_code is StatusCode.ERROR
        (event,) = span.events
        assert event.name == "exception"
        assert dict(event.attributes or {})["exception.message"] == "broken"


async def test_an_attempt_that_times_out_is_an_error_and_a_cancelled_one_is_not(
    spans: Spans, autojump_clock: trio.testing.MockClock
) -> None:
    builder = pe.ProcessBuilder("late")
    builder.node("late", slow, timeout=0.5, retry=pe.Retry(attempts=1))
    async with pe.open_runtime(tracer=spans.tracer) as runtime:
        await run(runtime, builder.build())
        cancelled = await runtime.spawn(process("cut", slow))
        await trio.sleep(0.1)
        await cancelled.cancel("enough")
    assert spans.one("attempt late").status.status_code is StatusCode.ERROR
    assert spans.one("attempt slow").status.status_code is StatusCode.UNSET
    cut = spans.one("execution cut")
    assert cut.status.status_code is StatusCode.UNSET
    assert dict(cut.attributes or {})["processengine.execution.reason"] == "enough"


async def test_spans_of_a_node_function_are_within_its_attempt(spans: Spans) -> None:
    async def on_trio() -> None:
        with spans.tracer.start_as_current_span("inner on_trio"):
            await trio.lowlevel.checkpoint()

    async def in_a_task() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(started)

    async def started() -> None:
        spans.tracer.start_span("inner in_a_task").end()

    def in_a_thread() -> None:
        spans.tracer.start_span("inner in_a_thread").end()

    async with pe.open_runtime(tracer=spans.tracer) as runtime:
        await run(runtime, process("orders", on_trio, in_a_task, in_a_thread))
    for name in ("on_trio", "in_a_task", "in_a_thread"):
        assert is_within(spans.one(f"inner {name}"), spans.one(f"attempt {name}"))


async def test_an_execution_is_within_the_span_of_its_spawner(spans: Spans) -> None:
    async with pe.open_runtime(tracer=spans.tracer) as runtime:
        with spans.tracer.start_as_current_span("request"):
            await run(runtime, process("orders", nothing))
        await run(runtime, process("alone", nothing))
    assert is_within(spans.one("execution orders"), spans.one("request"))
    assert spans.one("execution alone").parent is None


async def test_a_child_is_within_the_span_of_its_parent(spans: Spans) -> None:
    builder = pe.ProcessBuilder("parent")
    builder.process("child", process("child", nothing))
    async with pe.open_runtime(tracer=spans.tracer) as runtime:
        await run(runtime, builder.build())
    assert is_within(spans.one("execution child"), spans.one("execution parent"))


async def test_one_that_comes_back_has_a_span_that_is_linked_to_the_last(
    spans: Spans, autojump_clock: trio.testing.MockClock
) -> None:
    builder = pe.ProcessBuilder("orders")
    builder.wait("go", signal="go")
    store = pe.MemoryStore()
    async with pe.open_runtime(store=store, passivate_after=1.0, tracer=spans.tracer) as runtime:
        handle = await runtime.spawn(builder.build())
        await trio.sleep(10.0)
        assert not handle.status().in_memory
        await handle.signal("go")
        await handle.result()
    first, second = spans.all("execution orders")
    assert first.context is not None
    assert [event.name for event in first.events] == ["left memory"]
    assert [link.context.span_id for link in second.links] == [first.context.span_id]
    assert dict(second.attributes or {})["processengine.execution.state"] == "completed"


async def test_workers_are_used_again_and_find_the_context_clean(spans: Spans) -> None:
    workers: set[trio.lowlevel.Task] = set()

    async def look() -> None:
        workers.add(trio.lowlevel.current_task())
        assert trace.get_current_span().get_span_context().is_valid

    definition = process("orders", look)
    async with pe.open_runtime(tracer=spans.tracer) as runtime:
        for _ in range(20):
            await run(runtime, definition)
    assert len(workers) == 1  # one that leaves context variables behind is given up
    assert trace.get_current_span() is trace.INVALID_SPAN


async def test_executions_side_by_side_do_not_mix_their_spans(
    spans: Spans, autojump_clock: trio.testing.MockClock
) -> None:
    async def inner() -> None:
        await trio.sleep(1.0)
        with spans.tracer.start_as_current_span("inner"):
            await trio.sleep(1.0)

    async with pe.open_runtime(tracer=spans.tracer) as runtime:
        for _ in range(20):
            await runtime.spawn(process("orders", inner, inner_again(spans)))
        await runtime.wait_all_ended()
    traces = {span.context.trace_id for span in spans.all("execution orders") if span.context}
    assert len(traces) == 20
    for name in ("attempt inner", "inner", "again"):
        assert {s.context.trace_id for s in spans.all(name) if s.context} == traces


def inner_again(spans: Spans) -> Callable[[], Awaitable[None]]:
    async def again() -> None:
        spans.tracer.start_span("again").end()

    return again


async def test_without_a_tracer_bare_nodes_keep_their_short_path() -> None:
    plain, traced = pe.open_runtime(), pe.open_runtime(tracer=Spans().tracer)
    definition = process("orders", nothing)
    async with plain, traced:
        lines = [_lines(runtime, definition) for runtime in (plain, traced)]
    assert [each[0] is None for each in lines] == [False, True]


def _lines(runtime: pe.Runtime, definition: pe.ProcessDefinition) -> tuple[object, ...]:
    core = runtime._core  # pyright: ignore[reportPrivateUsage]
    assert core is not None
    return core.program(definition).lines
