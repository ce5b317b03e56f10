"""A collector for the registries of prometheus_client."""

from __future__ import annotations

from collections.abc import Iterator

from .._engine import Runtime
from ..definition import ExtraMissing
from ..metrics import Histogram
from ._families import FAMILIES, Family, View
from ._labels import Labels

try:
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )
    from prometheus_client.metrics_core import Metric
    from prometheus_client.registry import Collector
except ImportError as error:
    raise ExtraMissing("prometheus", "prometheus-client", "exposition for Prometheus") from error

DEFINITIONS, GROUPS = 50, 100


class RuntimeCollector(Collector):
    """Shows a runtime to a registry: `registry.register(RuntimeCollector(runtime))`.

    Every scrape takes one snapshot; scrapes may come from any thread, and after the runtime was
    closed they show it as it was. The first `definitions` and `groups` get labels of their own, all
    others are `other`; nothing is labelled with the id of an execution. Register it once the
    runtime is open: before that a scrape raises `RuntimeNotOpen`.
    """

    def __init__(
        self, runtime: Runtime, *, definitions: int = DEFINITIONS, groups: int = GROUPS
    ) -> None:
        self._runtime = runtime
        self._definitions = Labels(definitions)
        self._groups = Labels(groups)

    def collect(self) -> Iterator[Metric]:
        """Take a snapshot and show it."""
        view = View(
            metrics=self._runtime.metrics(), definitions=self._definitions, groups=self._groups
        )
        for family in FAMILIES:
            yield _filled(family, view)

    def describe(self) -> Iterator[Metric]:
        """What there will be, without values."""
        return map(_empty, FAMILIES)


def exposition(runtime: Runtime) -> str:
    """The figures of a runtime as text that Prometheus reads (content type `text/plain`)."""
    registry = CollectorRegistry()
    registry.register(RuntimeCollector(runtime))
    return generate_latest(registry).decode()


AnyFamily = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily

_KINDS: dict[str, type[AnyFamily]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
}


def _empty(family: Family) -> AnyFamily:
    return _KINDS[family.kind](family.name, family.help, labels=family.labels)


def _filled(family: Family, view: View) -> Metric:
    metric = _empty(family)
    for labels, value in family.read(view).items():
        if isinstance(metric, HistogramMetricFamily):
            assert isinstance(value, Histogram)
            metric.add_metric(labels, _buckets(family, value), value.total)
        else:
            assert not isinstance(value, Histogram)
            metric.add_metric(labels, value)
    return metric


def _buckets(family: Family, histogram: Histogram) -> list[tuple[str, float]]:
    counts = histogram.at_most(*family.buckets)
    named = zip(map(str, family.buckets), counts, strict=True)
    return [*named, ("+Inf", histogram.count)]
