"""Metrics agree with the ledger, with the events and with the gateway's own books, whatever went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import pytest

from campaigns.accounts.limiter import Permit, Wait
from campaigns.campaign import Campaign
from campaigns.flow.doubt.double_sends import report
from campaigns.gateway.noting import Made
from campaigns.ledger import Move
from campaigns.ledger.states import CANCELLED, OVER, PLANNED
from campaigns.names import BULK
from campaigns.optouts import add as opt_out
from campaigns.results import Odd, Reply
from campaigns.results.changes import Change
from campaigns.results.counters import raises_of
from campaigns.statuses import DEFAULT_FINAL, UNKNOWN_FINAL
from campaigns.store.commands import Redis
from tests.support.figures import figures, figures_of_gateway, wrong
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.metrics import Scraped, scrape, value
from tests.support.stage import Stage


def requests_by_method(scraped: Scraped) -> dict[str, float]:
    """Those that reached the gateway."""
    found = Counter[str]()
    for (name, labels), number in scraped.items():
        of = dict(labels)
        if name == "campaigns_gateway_requests_total" and of["outcome"] != "not_written":
            found[of["method"]] += int(number)
    return dict(found)


def check_requests(stage: Stage, scraped: Scraped) -> None:
    """As many as the gateway has counted, by method; outcomes by the faults that were ordered."""
    assert requests_by_method(scraped) == stage.sandbox.summary()["requests"]
    faulty = {("sendBulkViber", "doubt"): 1, ("sendQuickViberMessage", "doubt"): 1, ("sendBulkViber", "too_many"): 1}
    for (method, outcome), number in faulty.items():
        assert value(scraped, "gateway_requests_total", method=method, outcome=outcome) == number
    timed = value(scraped, "gateway_request_duration_seconds_count")
    assert timed == value(scraped, "gateway_requests_total")
    assert timed == value(scraped, "gateway_request_duration_seconds_bucket", le="+Inf")
    assert 0 < value(scraped, "gateway_request_duration_seconds_sum") < 60


def check_campaigns(stage: Stage, scraped: Scraped, campaigns: list[Campaign]) -> None:
    """All figures that can be had of campaigns, of events and of what the gateway sent; and nothing waits."""
    statuses, events = [campaign.status() for campaign in campaigns], list(stage.services.events.since())
    assert wrong(figures(scraped, statuses, events)) == []
    rows, requests = stage.sandbox.ledger(), stage.sandbox.summary()["requests"]
    assert wrong(figures_of_gateway(scraped, statuses, events, rows, requests, deaths=0)) == []
    for fate, number in {"invalid": 1, "duplicate": 1, "opted_out": 0}.items():
        assert value(scraped, "recipients_total", outcome=fate) == number
    for state in ("planned", "unknown"):
        assert value(scraped, "batches_oldest_seconds", state=state) == 0


def check_results(stage: Stage, scraped: Scraped, campaigns: list[Campaign]) -> None:
    """Deliveries by their last status, and money to the cent, as the gateway has them."""
    words = Counter[str]()
    for campaign in campaigns:
        words.update(campaign.status().statuses)
    assert words["READ"] == value(scraped, "deliveries_total", status="READ") > 0
    assert value(scraped, "delivery_latency_seconds_count", status="READ") == words["READ"]
    reported = value(scraped, "deliveries_total") - value(scraped, "deliveries_total", status="UNKNOWN_FINAL")
    assert value(scraped, "status_staleness_seconds_count") == reported
    charged = value(scraped, "cost_total", currency="EUR") - value(scraped, "cost_taken_back_total")
    assert charged == pytest.approx(float(stage.sandbox.summary()["spent"].split()[0]))
    accepted = value(scraped, "recipients_total", outcome="accepted")
    assert value(scraped, "cost_expected", account="default") == pytest.approx(0.05 * accepted)


def check_times(scraped: Scraped) -> None:
    accepted = value(scraped, "batch_moves_total", to="accepted")
    assert value(scraped, "enqueue_to_accepted_seconds_count") == accepted > 0
    assert value(scraped, "enqueue_to_accepted_seconds_bucket", le="+Inf") == accepted
    assert 0 < value(scraped, "enqueue_to_accepted_seconds_sum") < 100 * accepted


def test_sums_after_faults(make_stage: Callable[..., Stage]) -> None:
    """Every kind, with a duplicate recipient, an invalid phone, doubts, and a gateway that asks for a pause."""
    stage = make_stage(message_cost=Decimal("0.05"))
    stage.sandbox.make_list(9, phones(3, start=900))
    stage.sandbox.fault("too_many", "sendBulkViber", retry_after="1")
    stage.sandbox.fault("reset_after", "sendBulkViber")
    stage.sandbox.fault("error_500_after", "sendQuickViberMessage")
    campaigns = [
        stage.enqueue(bulk_job([*phones(4), phones(1)[0], "no phone"])),
        stage.enqueue(bulk_job(phones(2, start=50), text="another")),
        stage.enqueue(quick_job(*phones(3, start=100))),
        stage.enqueue(list_job(9)),
    ]
    stage.until(lambda: all(campaign.status().state in OVER for campaign in campaigns), timeout_s=60)
    scraped = scrape(stage.services)
    check_requests(stage, scraped)
    check_campaigns(stage, scraped, campaigns)
    check_results(stage, scraped, campaigns)
    check_times(scraped)
    assert value(scraped, "events_total") == value(scraped, "events_entries")


def test_figures_that_do_not_agree_are_found(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(3)))
    stage.finish(campaign)
    store = stage.services.store
    for field in ("recipients|bulk|sending|accepted", "batches|sending|accepted", "event|batch.accepted"):
        store.ask(Redis.hincrby, store.keys.metrics("" if "event" in field else "default"), field, 1)
    store.ask(Redis.hincrby, store.keys.metrics("default"), "request|sendBulkViber|ok", 1)
    scraped, status, events = scrape(stage.services), campaign.status(), list(stage.services.events.since())
    differences = wrong(figures(scraped, [status], events))
    assert "recipients accepted: metrics say 4, it is 3" in differences
    assert "batches to accepted: metrics say 2, it is 1" in differences
    assert "events batch.accepted: metrics say 2, it is 1" in differences
    rows = stage.sandbox.ledger()
    assert wrong(figures_of_gateway(scraped, [status], events, rows, {"sendBulkViber": 1}, deaths=0)) == [
        "messages: metrics say 4, it is 3",
        "sendBulkViber answered: metrics say 2, it is 0 to 1",
    ]
    assert wrong(figures_of_gateway(scraped, [status], events, [*rows, rows[0]], {"sendBulkViber": 3}, deaths=0)) == [
        "sendBulkViber written: metrics say 2, it is 3 to inf"
    ]


class TestOnce:
    """A client repeats a call whose answer was lost: what was counted is not counted again."""

    def test_a_request(self, stage: Stage) -> None:
        limiter, store = stage.services.limiter, stage.services.store
        permit = limiter.acquire("default")
        assert isinstance(permit, Permit)
        limiter.regain(permit)  # the same call again
        made = [Made("sendBulkViber", "not_written", 0.2), Made("sendBulkViber", "ok", 0.02)]
        release = limiter.release_call(permit, used=True, outcome="ok", notes=made)
        for _ in range(2):
            release.run(store)
        scraped = scrape(stage.services)
        assert value(scraped, "limiter_answers_total", answer="granted") == 1
        assert value(scraped, "gateway_requests_total") == 2
        for le, number in (("0.01", 0), ("0.025", 1), ("0.1", 1), ("0.25", 2), ("30.0", 2), ("+Inf", 2)):
            assert value(scraped, "gateway_request_duration_seconds_bucket", le=le) == number
        assert value(scraped, "gateway_request_duration_seconds_sum") == pytest.approx(0.22)

    def test_a_move(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(3)))
        batch = stage.services.batches.read(f"{campaign.id}-0")
        move = stage.services.batches.move_call(batch, Move(CANCELLED), from_states={PLANNED})
        for _ in range(2):
            move.run(stage.services.store)
        scraped = scrape(stage.services)
        assert value(scraped, "batch_moves_total", from_="planned", to="cancelled") == 1
        assert value(scraped, "recipients_total", outcome="cancelled") == 3
        assert value(scraped, "recipients_total", outcome="planned", kind="bulk", account="default") == 3
        assert value(scraped, "batches", state="planned") == 0

    def test_a_price(self, stage: Stage) -> None:
        """Later figures replace earlier ones, and a currency is one of few."""
        campaign = stage.enqueue(bulk_job(phones(1)))
        stage.until(lambda: campaign.status().sent == 1)
        batch, deliveries = stage.services.batches.read(f"{campaign.id}-0"), stage.services.deliveries
        for micro in (49_000, 49_000, 60_000, 55_000, 55_000):
            deliveries.price(batch, 0, {"EUR": micro, "e|\n": 1})
        scraped = scrape(stage.services)
        assert value(scraped, "cost_total", currency="EUR") == pytest.approx(0.06)
        assert value(scraped, "cost_taken_back_total", currency="EUR") == pytest.approx(0.005)
        assert value(scraped, "cost_total", currency="other") == pytest.approx(0.000001)

    def test_odd_rows(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(1)))
        batch = stage.services.batches.read(f"{campaign.id}-0")
        for rows in (2, 2, 3):
            stage.services.oddities.note(batch, Odd("statusBulkViber", 0, "unreadable row", rows))
        scraped = scrape(stage.services)
        assert value(scraped, "odd_rows_total", method="statusBulkViber", reason="unreadable row") == 3

    def test_a_double_send(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(3)))
        for _ in range(2):
            report(stage.services, stage.services.batches.read(f"{campaign.id}-0"), 0, {})
        scraped = scrape(stage.services)
        assert value(scraped, "double_sends_total") == campaign.status().double_sends == 3
        assert value(scraped, "account_paused", cause="double_send") == 1

    def test_replies(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(1)))
        reply = Reply("1", phones(1)[0], "stop", 5, f"{campaign.id}-0", "m")
        for _ in range(2):
            stage.services.replies.add(stage.services.batches.read(f"{campaign.id}-0"), [reply])
        scraped = scrape(stage.services)
        assert (
            value(scraped, "replies_total") == value(scraped, "optouts") == value(scraped, "optouts", scope="all") == 1
        )

    def test_opt_outs_by_scope(self, stage: Stage) -> None:
        opt_out(stage.services, phones(3))
        opt_out(stage.services, phones(2), topic="offers")
        opt_out(stage.services, phones(1), topic="news")
        scraped = scrape(stage.services)
        assert [value(scraped, "optouts", scope=scope) for scope in ("all", "account", "topic")] == [3, 0, 3]


def test_news_of_deliveries() -> None:
    """An unknown word counts as other; ours, for messages without a status, has no time."""
    followed_ms, seen_ms = 1_000_000, 1_100_000
    changes = [
        *(Change(phone, "READ", 1_090_000, 7, 0, "") for phone in phones(3)),
        Change("4", "DELIVERED", 990_000, 7, 0, ""),
        Change("5", "НОВОЕ|слово", 1_100_000, 7, 0, ""),
        Change("6", UNKNOWN_FINAL, 1_100_000, None, 0, "SENT"),
    ]
    raised = dict(raises_of(changes, DEFAULT_FINAL, followed_ms, seen_ms))
    assert {field: n for field, n in raised.items() if field.startswith("status")} == {
        "status|READ": 3,
        "status|DELIVERED": 1,
        "status|other": 1,
        "status|UNKNOWN_FINAL": 1,
    }
    assert {field: n for field, n in raised.items() if field.startswith("arrived")} == {
        "arrived_s|READ|300": 3,
        "arrived_s|READ|sum": 270_000,
        "arrived_s|DELIVERED|1": 1,
        "arrived_s|DELIVERED|sum": 0,
    }
    seen = {field: n for field, n in raised.items() if field.startswith("seen")}
    assert seen == {"seen_s|10": 3, "seen_s|300": 1, "seen_s|1": 1, "seen_s|sum": 140_000}


def test_what_the_limiter_answers(stage: Stage) -> None:
    """Where workers take what is due: why they got nothing counts too."""
    limiter = stage.services.limiter
    limiter.pause("default", 60, "no money", paid_only=True)
    stage.enqueue(bulk_job(phones(1)))
    stage.step()
    scraped = scrape(stage.services)
    assert value(scraped, "limiter_answers_total", request="paid", answer="paused") >= 1
    assert value(scraped, "limiter_answers_total", request="paid", answer="granted") == 0
    permit = limiter.acquire("default")
    assert isinstance(permit, Wait)


def test_who_opted_out_later(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(3)))
    opt_out(stage.services, phones(1))
    stage.finish(campaign)
    scraped = scrape(stage.services)
    assert value(scraped, "recipients_total", outcome="planned") == 3
    assert value(scraped, "recipients_total", outcome="opted_out") == 1
    assert value(scraped, "recipients_total", outcome="accepted") == 2
    assert value(scraped, "recipients_open") == 0


def test_a_plan_that_is_taken_back(stage: Stage) -> None:
    """The replicas lack it: it is no campaign any more, whatever was counted."""
    campaign = stage.enqueue(bulk_job(phones(3)))
    store = stage.services.store
    token = stage.services.campaigns.read(campaign.id).fields["plan_token"]
    names = [store.keys.campaign(campaign.id), store.keys.events(), store.keys.due(BULK, "default")]
    for _ in range(2):
        assert store.run("take_back_plan", names, [campaign.id, token, 60_000]) == 1
    scraped = scrape(stage.services)
    assert value(scraped, "batch_moves_total", from_="planned", to="") == 1
    for name in ("batches", "batches_oldest_seconds", "recipients_open"):
        assert value(scraped, name, state="planned") == 0


def test_what_is_held_until_it_expires(stage: Stage) -> None:
    stage.sandbox.fault("reset_before", "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(3)))
    stage.finish(campaign)
    assert value(scrape(stage.services), "batches", state="held") == 1
    assert value(scrape(stage.services), "batches_oldest_seconds", state="held") > 0
    store = stage.services.store
    store.ask(Redis.zadd, store.keys.waiting("default", "held"), {f"{campaign.id}-0": 1})
    stage.sweep()
    assert value(scrape(stage.services), "batches", state="held") == 1
    store.ask(Redis.delete, store.keys.batch(f"{campaign.id}-0"))
    stage.sweep()
    assert value(scrape(stage.services), "batches", state="held") == 0
    assert value(scrape(stage.services), "batches_oldest_seconds", state="held") == 0
