"""Metrics as Prometheus reads them."""

from __future__ import annotations

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from campaigns.metrics.exposition import registry_of
from campaigns.metrics.reading import Reader, read
from campaigns.services import Services

#: A sample's name and labels → its value.
Scraped = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> Scraped:
    """What an exporter says. Prometheus's own parser refuses what breaks its rules."""
    found: Scraped = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, f"{key} stands there twice"
            found[key] = sample.value
    return found


def scrape(services: Services) -> Scraped:
    """All samples of this moment."""
    reader = Reader(lambda: read(services.store, services.settings), fresh_s=0)
    return parsed(generate_latest(registry_of(reader.samples)).decode())


def value(scraped: Scraped, name: str, **labels: str) -> float:
    """The sum of the samples of a metric that have these labels, `from_` for `from`."""
    wanted = {(label.rstrip("_"), text) for label, text in labels.items()}
    return sum(number for (found, of), number in scraped.items() if found == f"campaigns_{name}" and wanted <= of)
