"""The exporter: what Prometheus's own parser says of it, one reference page, and a store that is not there."""

from __future__ import annotations

import json
import re
import sys
import urllib.request
from dataclasses import replace

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from campaigns.errors import StoreError
from campaigns.metrics.described import LABELS, METRICS, UP, Sample
from campaigns.metrics.exposition import registry_of
from campaigns.metrics.page import page
from campaigns.metrics.reading import Reader, read
from campaigns.wiring import INTERACTIVE, open_store
from tests.conftest import Processes
from tests.support.documents import code, rows, section
from tests.support.documents import read as document
from tests.support.jobs import bulk_job, phones
from tests.support.metrics import parsed, scrape, value
from tests.support.stage import Stage


def test_what_is_exposed_is_what_is_described(stage: Stage) -> None:
    """Types and names as described, every label with few values: no phone, no campaign."""
    campaign = stage.enqueue(bulk_job(phones(3)))
    stage.finish(campaign)
    reader = Reader(lambda: read(stage.services.store, stage.services.settings))
    text = generate_latest(registry_of(reader.samples)).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert len(families) == len(METRICS)
    for metric in METRICS:
        family = families[metric.full_name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.type, metric.about)
        for sample in family.samples:
            labels = {name: found for name, found in sample.labels.items() if name != "le"}
            assert set(labels) == set(metric.labels)
            assert not any(re.search(r"\d{5}|[0-9a-f]{12}", found) for found in labels.values())
    assert {label for metric in METRICS for label in metric.labels} == set(LABELS)
    assert campaign.id not in text


def test_the_page_is_that_of_the_code() -> None:
    """Made anew by `campaigns metrics --page > deploy/guide/reference/metrics.md`."""
    text = document("deploy/guide/reference/metrics.md")
    assert text == page()
    named = [code(cells[0])[0] for cells in rows(text.partition("\n## ")[0])]
    assert named == [metric.full_name for metric in METRICS]
    assert [code(cells[0])[0] for cells in rows(section(text, "Labels"))] == sorted(LABELS)


def test_a_store_that_is_not_there(stage: Stage, free_port: int) -> None:
    settings = replace(stage.services.settings, redis_url=f"redis://127.0.0.1:{free_port}/0")
    store = open_store(settings, INTERACTIVE._replace(give_up_s=0.1))
    reader = Reader(lambda: read(store, settings))
    assert parsed(generate_latest(registry_of(reader.samples)).decode()) == {("campaigns_up", frozenset()): 0}
    assert value(scrape(stage.services), "up") == 1


def test_a_scrape_soon_after_another_gets_the_same() -> None:
    now_s, reads = [0.0], []

    def read_once() -> list[Sample]:
        reads.append(now_s[0])
        if len(reads) == 2:
            raise StoreError("gone")
        return []

    reader = Reader(read_once, fresh_s=5.0, monotonic=lambda: now_s[0])
    for now_s[0] in (0.0, 4.9, 5.0, 9.9, 10.0):
        reader.samples()
    assert reads == [0.0, 5.0, 10.0]
    assert reader.samples()[0] == Sample(UP, (), 1)


def test_as_a_process(processes: Processes) -> None:
    command = [sys.executable, "-m", "campaigns.cli", "metrics", "--port", "0", "--json"]
    exporter = processes.start("metrics", command)
    exporter.wait_for("}")
    url = json.loads(exporter.output())["url"]
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=20) as answer:
        scraped = parsed(answer.read().decode())
    assert value(scraped, "up") == value(scraped, "build_info") == 1
    assert value(scraped, "scrape_duration_seconds") > 0
    assert exporter.stop() == 0


def test_what_comes_while_the_store_is_away(processes: Processes, free_port: int) -> None:
    """What the reference page says of it."""
    command = [sys.executable, "-m", "campaigns.cli", "metrics", "--port", "0", "--json"]
    nobody = processes.env | {"CAMPAIGNS_REDIS_URL": f"redis://127.0.0.1:{free_port}/0"}
    exporter = processes.start("metrics", command, nobody)
    exporter.wait_for("}")
    url = json.loads(exporter.output())["url"]
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=20) as answer:
        scraped = parsed(answer.read().decode())
    assert {name: number for (name, _), number in scraped.items()} == {"campaigns_up": 0, "campaigns_build_info": 1}
