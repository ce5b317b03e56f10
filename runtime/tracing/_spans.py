"""Spans of executions, and of the attempts within them."""

from __future__ import annotations

from collections import OrderedDict

from ..definition import ExtraMissing, RoutedNode
from ..execution import (
    Act,
    Attempting,
    AttemptOutcome,
    Completed,
    ErrorContext,
    Execution,
    Finished,
    Stopping,
    Token,
)

try:
    from opentelemetry.context import Context, attach, detach, get_current
    from opentelemetry.trace import (
        Link,
        Span,
        SpanContext,
        StatusCode,
        Tracer,
        get_current_span,
        set_span_in_context,
    )
except ImportError as error:
    raise ExtraMissing("otel", "opentelemetry-api", "open_runtime(tracer=...)") from error

REMEMBERED = 10_000
FAILURES = ("failed", "timed_out")


class SpanTracing:
    """Makes the spans of one runtime with a tracer of the host's; a `Tracing`.

    The span of an execution begins with its spawn, and is a child of the span that is current
    there; that of a child execution is one of its parent's span. It lasts as long as the execution
    is in memory: one that comes back begins another span, with a link to the last one, if that is
    among the latest that have left.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._contexts: dict[str, Context] = {}
        self._left: OrderedDict[str, SpanContext] = OrderedDict()

    def __repr__(self) -> str:
        return f"<SpanTracing spans={len(self._contexts)}>"

    # Executions

    def begins(self, execution: Execution, *, is_new: bool) -> None:
        """An execution is in memory: new, or back."""
        surroundings, links = self._origin(execution, is_new)
        definition = execution.program.definition
        span = self._tracer.start_span(
            f"execution {definition.id}",
            context=surroundings,
            links=links,
            attributes={
                "processengine.execution.id": execution.id,
                "processengine.execution.incarnation": execution.incarnation,
                "processengine.definition.id": definition.id,
                "processengine.definition.version": definition.version,
            },
        )
        self._contexts[execution.id] = set_span_in_context(span, surroundings)

    def _origin(self, execution: Execution, is_new: bool) -> tuple[Context, list[Link]]:
        """Within what the span begins, and to what it is linked."""
        before = self._left.pop(execution.id, None)
        links = [] if before is None else [Link(before)]
        if execution.parent is None:
            return (get_current() if is_new else Context()), links
        parent = execution.parent[0]
        if parent in self._contexts:
            return self._contexts[parent], links
        if parent in self._left:
            links.append(Link(self._left[parent]))
        return Context(), links

    def ended(self, execution: Execution) -> None:
        """An execution has ended."""
        context = self._contexts.pop(execution.id, None)
        if context is None:
            return
        span, control = get_current_span(context), execution.state.control
        assert isinstance(control, Finished)
        span.set_attribute("processengine.execution.state", control.state)
        span.set_attribute("processengine.execution.steps", execution.state.steps)
        if control.reason is not None:
            span.set_attribute("processengine.execution.reason", control.reason)
        if control.error is not None:
            _add_error(span, control.error)
        if control.state in FAILURES:
            span.set_status(StatusCode.ERROR, control.reason or control.state)
        span.end()

    def left(self, execution: Execution) -> None:
        """An execution has left memory, without an end."""
        context = self._contexts.pop(execution.id, None)
        if context is None:
            return
        span = get_current_span(context)
        span.add_event("left memory")
        span.end()
        self._left[execution.id] = span.get_span_context()
        if len(self._left) > REMEMBERED:
            self._left.popitem(last=False)

    # Attempts

    def traced(self, node: RoutedNode, act: Act) -> Act:
        """An act within a span of its own, which is current for what the act calls and starts."""
        name, tracer = f"attempt {node.name}", self._tracer

        async def act_in_span(execution: Attempting, token: Token) -> AttemptOutcome:
            surroundings = self._contexts.get(execution.id, Context())
            attributes = _attributes(execution, token)
            span = tracer.start_span(name, context=surroundings, attributes=attributes)
            # Taken back before the worker goes on: jobs must not leave context variables behind.
            current = attach(set_span_in_context(span, surroundings))
            try:
                outcome = await act(execution, token)
                if type(outcome) is Completed:
                    span.set_attribute("processengine.port", outcome.port)
                return outcome
            except Exception as error:
                span.record_exception(error)
                span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")
                raise
            except BaseException:
                _tell_stopped(span, token)
                raise
            finally:
                detach(current)
                span.end()

        return act_in_span


def _attributes(execution: Attempting, token: Token) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        "processengine.execution.id": execution.id,
        "processengine.node": token.node.name,
        "processengine.step": token.step,
        "processengine.attempt": token.attempt,
    }
    if token.item is not None:
        attributes["processengine.item"] = token.item.index
    return attributes


def _tell_stopped(span: Span, token: Token) -> None:
    """The attempt was cancelled: a failure only if it took too long."""
    phase = token.phase
    if isinstance(phase, Stopping) and phase.then == "timeout":
        span.set_status(StatusCode.ERROR, f"no result within {token.node.timeout} s")
    span.add_event("stopped")


def _add_error(span: Span, error: ErrorContext) -> None:
    """The failure behind the end, by the conventions for exceptions."""
    span.add_event(
        "exception",
        {
            "exception.type": error.exception,
            "exception.message": error.message,
            "exception.stacktrace": error.traceback,
            "processengine.node": error.node,
            "processengine.attempt": error.attempt,
        },
    )
