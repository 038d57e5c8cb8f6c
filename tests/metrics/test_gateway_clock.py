"""By how much the gateway's clock is ahead, as requests that are made anyway show it."""

from __future__ import annotations

import time

import pytest

from campaigns.accounts.limiter import Permit
from campaigns.gateway.meaning import Answer
from campaigns.gateway.noting import Made, clock_ms, noting
from campaigns.metrics.seen import CLOCK_SEEN_MS
from campaigns.sandbox.clock import wall_ms
from campaigns.sandbox.server import Sandbox
from campaigns.store.commands import Redis
from campaigns.store.embedded import EmbeddedServer
from tests.support.jobs import bulk_job, phones
from tests.support.metrics import scrape, value
from tests.support.settings import fast_settings
from tests.support.stage import Stage

_DATE = "Mon, 30 Nov 2026 09:00:00 GMT"
#: The unix time of that, in the middle of its second.
_DATE_MS = 1_796_029_200_500


def shown(stage: Stage) -> list[float]:
    """The samples of the metric; none if it is not known."""
    return [
        number
        for (name, _), number in scrape(stage.services).items()
        if name == "campaigns_gateway_clock_ahead_seconds"
    ]


@pytest.mark.parametrize("ahead_s", [90, -90])
def test_a_clock_that_is_off(server: EmbeddedServer, prefix: str, ahead_s: int) -> None:
    """A paid request shows it, and so do polls."""
    with Sandbox(now_ms=lambda: wall_ms() + ahead_s * 1000) as sandbox:
        stage = Stage(fast_settings(server.url, sandbox.url, prefix), sandbox)
        campaign = stage.enqueue(bulk_job(phones(2)))
        assert shown(stage) == []
        assert stage.send(f"{campaign.id}-0")
        assert shown(stage) == [pytest.approx(ahead_s, abs=2)]
        store = stage.services.store
        store.ask(Redis.hdel, store.keys.account("default"), "gateway_ahead_ms")
        stage.until(lambda: shown(stage) != [])
        assert shown(stage) == [pytest.approx(ahead_s, abs=2)]


def test_a_difference_of_long_ago_is_not_shown(stage: Stage) -> None:
    """Either clock may have been set since."""
    campaign = stage.enqueue(bulk_job(phones(1)))
    stage.send(f"{campaign.id}-0")
    assert value(scrape(stage.services), "gateway_clock_ahead_seconds", account="default") == pytest.approx(0, abs=2)
    store = stage.services.store
    long_ago_ms = stage.services.now_ms() - CLOCK_SEEN_MS - 1000
    store.ask(Redis.hset, store.keys.account("default"), "gateway_seen_ms", long_ago_ms)
    assert shown(stage) == []


def test_a_permit_that_ended_by_itself_says_nothing(stage: Stage) -> None:
    limiter, store = stage.services.limiter, stage.services.store
    release = limiter.release_call(
        Permit("default", "ended"), used=True, notes=[Made("getViberMessages", "ok", 0.1, time.monotonic())]
    )
    release.run(store)
    assert store.ask(Redis.hget, store.keys.account("default"), "gateway_ahead_ms") is None


class TestNotes:
    """What is noted of an answer's `Date`."""

    def noted(self, date: str | None, took_s: float = 0.0, status: int = 200) -> int | None:
        notes: list[Made] = []

        def send() -> Answer:
            time.sleep(took_s)
            return Answer("getViberMessages", status, None, b"{}", date)

        noting(notes, "getViberMessages", send, lambda _: None)
        return clock_ms(notes)

    def test_the_clock_runs_on(self) -> None:
        """Between the answer and the moment at which the store is told."""
        assert self.noted(_DATE) == pytest.approx(_DATE_MS, abs=500)
        made = Made("getViberMessages", "ok", 0.1, _DATE_MS / 1000 - (time.monotonic() - 7))
        assert clock_ms([made]) == pytest.approx(_DATE_MS + 7_000, abs=500)

    @pytest.mark.parametrize("date", [None, "", "yesterday", "Mon, 30 Feb 2026 09:00:00 GMT", "1" * 5000])
    def test_an_answer_without_a_readable_time(self, date: str | None) -> None:
        assert self.noted(date) is None

    def test_a_slow_answer(self) -> None:
        """It may bear the time at which the gateway began to work on it."""
        slow = Made("getViberMessages", "ok", 2.5, _DATE_MS / 1000 - time.monotonic())
        quick = slow._replace(seconds=1.5)
        assert clock_ms([slow]) is None
        assert clock_ms([quick, slow]) == pytest.approx(_DATE_MS, abs=500)
        assert clock_ms([]) is None
