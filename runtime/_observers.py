"""Who looks on at a runtime: what makes spans of it, and alerts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from ._alerts import Alert
from ._errors import BadArgument
from .execution import Tracing

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer


@attrs.frozen(kw_only=True)
class Observers:
    """What was given to `open_runtime`."""

    tracing: Tracing | None = None
    alerts: tuple[Alert, ...] = ()


def observers(tracer: Tracer | None, alerts: Iterable[Alert]) -> Observers:
    """Raises `ExtraMissing` for a tracer without OpenTelemetry, `BadArgument` for unfit alerts."""
    tracing = None if tracer is None else _tracing_by(tracer)
    return Observers(tracing=tracing, alerts=_checked(alerts))


def _tracing_by(tracer: Tracer) -> Tracing:
    from .tracing import SpanTracing

    return SpanTracing(tracer)


def _checked(given: Iterable[object]) -> tuple[Alert, ...]:
    checked: list[Alert] = []
    for each in given:
        if not isinstance(each, Alert):
            raise BadArgument("open_runtime", "alerts", each, "alerts (`Alert`)")
        checked.append(each)
    names = [alert.name for alert in checked]
    if len({*names}) < len(names):
        raise BadArgument("open_runtime", "alerts", names, "alerts whose names differ")
    return tuple(checked)
