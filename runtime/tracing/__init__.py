"""What a runtime does as spans of OpenTelemetry: one for each execution, one for each attempt.

It is there only where a tracer was given: without one no line of this is run or imported. Needs the
extra `otel`.
"""

from ._spans import SpanTracing

__all__ = ["SpanTracing"]
