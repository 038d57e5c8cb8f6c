"""How many processes have something to do: never more than the limits of the accounts allow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from campaigns.metrics.wanted import processes_wanted, requests_at_once
from campaigns.settings import Rate, Settings
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.metrics import scrape, value
from tests.support.stage import Stage


@pytest.mark.parametrize(
    ("queue", "settings", "requests"),
    [
        ("bulk", {"concurrency": 16, "rate_limit": Rate(0, 1.0)}, 16),
        ("bulk", {"concurrency": 16, "rate_limit": Rate(20, 1.0), "deadline_s": 30}, 16),
        ("bulk", {"concurrency": 100, "rate_limit": Rate(2, 1.0), "deadline_s": 30}, 60),
        ("bulk", {"concurrency": 16, "rate_limit": Rate(5, 60.0), "deadline_s": 30}, 3),
        ("poll", {"concurrency": 16, "rate_limit": Rate(0, 1.0), "read_share": 0.5}, 8),
        ("quick", {"concurrency": 1, "rate_limit": Rate(1, 600.0)}, 1),
    ],
)
def test_requests_at_once(queue: str, settings: dict[str, Any], requests: int) -> None:
    assert requests_at_once(queue, Settings(**settings)) == requests


@pytest.mark.parametrize(
    ("queue", "waiting", "processes"),
    [
        ("bulk", {}, 0),
        ("bulk", {"shop": 1}, 4),  # a campaign may be many requests
        ("bulk", {"shop": 3000, "other": 1}, 8),
        ("poll", {"shop": 1}, 1),
        ("poll", {"shop": 10, "other": 0}, 2),
        ("replies", {"shop": 3000}, 2),
        ("control", {"": 50}, 1),
        ("control", {}, 0),
    ],
)
def test_processes(queue: str, waiting: dict[str, int], processes: int) -> None:
    settings = Settings(concurrency=32, overlap=8, rate_limit=Rate(100, 1.0))
    assert processes_wanted(queue, waiting, settings) == processes


def test_what_is_due_counts_and_what_pauses_does_not(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(overlap=2, concurrency=8)

    def wanted() -> dict[str, float]:
        scraped = scrape(stage.services)
        return {queue: value(scraped, "workers_wanted", queue=queue) for queue in ("quick", "bulk", "poll")}

    assert wanted() == {"quick": 0, "bulk": 0, "poll": 0}
    stage.enqueue(quick_job(*phones(3)))
    stage.enqueue(bulk_job(phones(2)))
    assert wanted() == {"quick": 4, "bulk": 4, "poll": 0}
    stage.services.limiter.pause("default", 600, "no money")
    stage.step()
    assert wanted() == {"quick": 0, "bulk": 0, "poll": 0}
    stage.services.limiter.resume("default")
    assert wanted() == {"quick": 4, "bulk": 4, "poll": 0}
    stage.step()
    assert (wanted()["quick"], wanted()["bulk"]) == (0, 0)
