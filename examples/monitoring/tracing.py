"""Spans of OpenTelemetry: one for each execution and each attempt, and those of node functions."""

import trio
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import processengine as pe

exporter = InMemorySpanExporter()  # in real life an exporter over OTLP, in a BatchSpanProcessor
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(SimpleSpanProcessor(exporter))
tracer = provider.get_tracer("shop")


async def charge(context: pe.NodeContext) -> str:
    with tracer.start_as_current_span("ask the bank"):  # within the span of the attempt
        if context.attempt == 1:
            raise ConnectionError("busy")
    return "paid"


def ship() -> None:
    tracer.start_span("print a label").end()  # in a thread, and within its attempt all the same


async def main() -> None:
    builder = pe.ProcessBuilder("order")
    builder.node(charge, retry=pe.Retry(initial=0.01)).then(builder.node(ship))
    async with pe.open_runtime(tracer=tracer) as runtime:
        with tracer.start_as_current_span("POST /orders"):
            handle = await runtime.spawn(builder.build())
        await handle.result()
    show(exporter.get_finished_spans())


def show(spans: tuple[ReadableSpan, ...], within: int | None = None, depth: int = 0) -> None:
    """Print spans as a tree, in the order in which they began."""
    for span in sorted(spans, key=lambda each: each.start_time or 0):
        parent = None if span.parent is None else span.parent.span_id
        if parent == within and span.context is not None:
            print("  " * depth + f"{span.name}: {span.status.status_code.name}")
            show(spans, span.context.span_id, depth + 1)


if __name__ == "__main__":
    trio.run(main)
