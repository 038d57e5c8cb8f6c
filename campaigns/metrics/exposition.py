"""What Prometheus reads: samples as families of metrics, served over HTTP."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from campaigns.metrics.described import COUNTER, GAUGE, METRICS, Metric, Sample, Spread

_Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class StoreCollector(Collector):
    """Families of whatever `samples` gives at a scrape."""

    def __init__(self, samples: Callable[[], list[Sample]]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[_Family]:
        of: dict[Metric, list[Sample]] = defaultdict(list)
        for sample in self._samples():
            of[sample.metric].append(sample)
        return (_family(metric, of[metric]) for metric in METRICS)

    def describe(self) -> list[_Family]:
        """Nothing is asked of the store for registering."""
        return [_family(metric, []) for metric in METRICS]


def registry_of(samples: Callable[[], list[Sample]]) -> CollectorRegistry:
    """A registry of its own, with nothing of the process."""
    registry = CollectorRegistry()
    registry.register(StoreCollector(samples))
    return registry


def serve(registry: CollectorRegistry, host: str, port: int) -> WSGIServer:
    """Serve in a thread until `shutdown`. Raises OSError if it cannot listen there."""
    server, _ = start_http_server(port, host, registry)
    return server


def _family(metric: Metric, samples: list[Sample]) -> _Family:
    name, about, labels = metric.full_name, metric.about, metric.labels
    if metric.type == COUNTER:
        return _filled(CounterMetricFamily(name, about, labels=labels), samples)
    if metric.type == GAUGE:
        return _filled(GaugeMetricFamily(name, about, labels=labels), samples)
    histogram = HistogramMetricFamily(name, about, labels=labels)
    for sample in samples:
        if isinstance(sample.value, Spread):
            bounds = [str(float(bound)) for bound in metric.bounds_s]
            buckets = [*zip(bounds, sample.value.up_to, strict=True), ("+Inf", sample.value.number)]
            histogram.add_metric(sample.labels, buckets, sample.value.sum_s)
    return histogram


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily, samples: list[Sample]
) -> CounterMetricFamily | GaugeMetricFamily:
    for sample in samples:
        if not isinstance(sample.value, Spread):
            family.add_metric(sample.labels, sample.value)
    return family
