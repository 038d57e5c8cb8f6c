"""Daily budgets: what an account may spend in a day is never exceeded, and never lost where nothing was sent."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread

import pytest

from campaigns.accounts.pauses import BUDGET
from campaigns.cli.doctor.gateway import account_budgets, account_pauses
from campaigns.flow.operator.recover import declare_restored
from campaigns.flow.operator.resolve import resume_account
from campaigns.store.commands import Redis
from campaigns.times.days import date_of
from tests.support.budgets import DAY_MS, PRICE, Make, events_of, move, sent, settle_down, spend, to_noon, used
from tests.support.doubt import send_younger
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.metrics import scrape, value


def test_it_pauses_until_the_next_day(make: Make) -> None:
    """Two of three requests fit; the third follows by itself the next day."""
    stage = make(10)
    campaign = spend(stage, 12)
    assert (sent(stage), used(stage)) == (8, 8)
    (event,) = events_of(stage)
    assert event.type == "account.paused"
    assert (event.data["requests"], event.data["budget"], event.data["used"]) == ("paid", "0.49", "0.392")
    status = campaign.status()
    assert status.account_paused_until is not None
    assert status.account_pause_reason.startswith("the daily budget of 0.49 has no room")
    zone = stage.services.settings.gateway_timezone
    assert status.account_paused_until.astimezone(zone).strftime("%H:%M") == "00:00"
    move(stage, DAY_MS // 2 - 60_000)
    settle_down(stage)
    assert sent(stage) == 8
    move(stage, 120_000)
    stage.finish(campaign)
    assert (sent(stage), used(stage)) == (12, 4)
    assert stage.services.limiter.pause_of("default") is None
    assert len(events_of(stage)) == 1


def test_others_go_on(make: Make) -> None:
    """Another account, what was sent already, and a message that still fits."""
    stage = make(4, account_daily_budgets={"shop": PRICE * 100})
    to_noon(stage)
    first = stage.enqueue(bulk_job(phones(3)))
    stage.finish(first)
    waiting = stage.enqueue(bulk_job(phones(4, start=10), text="waits"))
    settle_down(stage)
    stage.finish(stage.enqueue(bulk_job(phones(20, start=50), text="of the shop", account="shop")))
    stage.finish(stage.enqueue(quick_job(phones(1)[0], message="fits")))
    assert (used(stage), used(stage, "shop")) == (4, 20)
    assert waiting.status().recipients["planned"] == 4


def test_a_higher_setting_ends_it(make: Make) -> None:
    poor, rich = make(4), make(40)
    campaign = spend(poor, 8)
    assert sent(poor) == 4
    move(poor, 31_000)
    rich.finish(campaign)
    assert [event.type for event in events_of(rich)] == ["account.paused", "account.resumed"]


@pytest.mark.parametrize("fault", ["refuse", "refuse_account", "no_money", "too_many"])
def test_what_certainly_was_not_sent_is_given_back(make: Make, fault: str) -> None:
    stage = make(8, account_pause_s=60.0, penalty_s=60.0)
    to_noon(stage)
    stage.sandbox.fault(fault, "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(4)))
    stage.until(lambda: bool({"batch.planned", "batch.rejected"} & set(stage.event_types(campaign))))
    assert (used(stage), sent(stage)) == (0, 0)


def test_a_mailing_that_is_refused_later_is_given_back(make: Make) -> None:
    stage = make(20)
    to_noon(stage)
    job = bulk_job(phones(2))
    refused = bulk_job(phones(1, start=10))["messages"][0]
    refused["content"] = {"type": "image", "image_url": "https://example-site.com/wrong-size.jpg"}
    job["messages"].append(refused)
    campaign = stage.enqueue(job)
    stage.finish(campaign)
    assert campaign.status().recipients["rejected"] == 1
    assert used(stage) == 2


@pytest.mark.clear_listing
def test_what_is_in_doubt_stays_reserved(make: Make) -> None:
    """Until evidence decides; what a person orders to be sent again is reserved once more."""
    stage = make(8)
    to_noon(stage)
    stage.sandbox.fault("reset_before", "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(4)))
    stage.until(lambda: campaign.status().recipients["held"] == 4)
    assert (used(stage), sent(stage)) == (4, 0)
    campaign.resolve("resend", by="me", why="it is not in the cabinet")
    stage.finish(campaign)
    assert (used(stage), sent(stage)) == (8, 4)


def test_what_a_lost_store_may_have_sent_is_reserved(make: Make) -> None:
    """Also beyond the budget: the store may have lost the claims, and with them what they reserved."""
    stage = make(6)
    to_noon(stage)
    campaign = stage.enqueue(bulk_job(phones(8)))
    move(stage, 1000)
    declare_restored(stage.services, "me")
    stage.until(lambda: campaign.status().recipients["planned"] == 0)
    assert (used(stage), sent(stage)) == (8, 0)


@pytest.mark.clear_listing
def test_proven_absence_gives_it_back(make: Make) -> None:
    stage = make(20, on_unknown="resend")  # by the gateway's clock, which evidence goes by
    stage.finish(stage.enqueue(bulk_job(phones(1, start=50), text="seen in the listing")))
    stage.sandbox.fault("reset_before", "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(4)))
    stage.until(lambda: campaign.status().recipients["unknown"] == 4)
    send_younger(stage)
    stage.finish(campaign)
    figures = stage.services.store.redis.hgetall(stage.services.store.keys.money("default"))
    reserved = sum(int(micro) for name, micro in figures.items() if name.startswith(b"used:"))
    assert reserved == (1 + 2 + 4) * PRICE * 1_000_000
    assert sent(stage) == 1 + 2 + 4


def test_a_list_is_reserved_before_it_is_confirmed(make: Make) -> None:
    """Four people are on it, which only the gateway knows."""
    stage = make(6)
    to_noon(stage)
    stage.finish(stage.enqueue(list_job(1)))
    assert (used(stage), sent(stage)) == (4, 4)
    second = stage.enqueue(list_job(1, message="again"))
    settle_down(stage)
    assert (used(stage), sent(stage)) == (4, 4)
    move(stage, 31_000)
    settle_down(stage)
    assert stage.sandbox.summary()["requests"]["sendViberMessageList"] == 2
    move(stage, DAY_MS)
    stage.finish(second)
    assert (used(stage), sent(stage)) == (4, 8)


def test_the_clocks_change(make: Make) -> None:
    """Set back over midnight, yesterday's figures count again; far from every calendar, nothing is sent."""
    stage = make(4)
    to_noon(stage)
    move(stage, 13 * 3_600_000)
    stage.finish(stage.enqueue(bulk_job(phones(4))))
    move(stage, -2 * 3_600_000)
    stage.finish(stage.enqueue(bulk_job(phones(4), text="the day before")))
    move(stage, 2 * 3_600_000)
    again = stage.enqueue(bulk_job(phones(1), text="once more"))
    settle_down(stage)
    assert (sent(stage), again.status().recipients["planned"]) == (8, 1)
    stage.services.turns._budgets = lambda: make(100).services.budgets._pack(0)
    move(stage, 31_000)
    settle_down(stage)
    assert sent(stage) == 8


def test_more_than_expected_counts_at_once_and_less_in_the_end(make: Make) -> None:
    cheap, dear = make(100, message_cost=PRICE / 2), make(100, message_cost=PRICE * 2)
    to_noon(cheap)
    first = cheap.enqueue(bulk_job(phones(4)))
    cheap.until(lambda: bool(first.status().costs))
    assert used(cheap) == 4
    cheap.finish(first)
    assert used(cheap) == 4
    second = dear.enqueue(bulk_job(phones(4), text="dear"))
    dear.until(lambda: bool(second.status().costs))
    while second.status().state != "finished":
        assert used(dear) == 4 + 8
        dear.step()
    assert used(dear) == 4 + 4


def test_two_workers_at_once(make: Make) -> None:
    """Ten requests of one message each, budget for five, and two workers that take turns in threads."""
    stages = [make(5, recipients_per_request=1) for _ in range(2)]
    to_noon(stages[0])
    campaign = stages[0].enqueue(bulk_job(phones(10)))
    workers = [Thread(target=settle_down, args=[stage]) for stage in stages]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (sent(stages[0]), used(stages[0])) == (5, 5)
    assert campaign.status().recipients["planned"] == 5


def test_a_person_sees_it(make: Make) -> None:
    """In metrics and by the doctor; resuming the account brings no money, and it pauses again."""
    stage = make(4)
    spend(stage, 8)
    scraped = scrape(stage.services)
    assert value(scraped, "account_paused", account="default", cause=BUDGET) == 1
    assert value(scraped, "account_daily_budget", account="default") == pytest.approx(0.196)
    assert value(scraped, "account_daily_budget_used", account="default") == pytest.approx(0.196)
    finding = next(one for one in account_pauses(stage.services) if one.what == "account default")
    assert "the daily budget of 0.196 has no room" in finding.found
    assert "campaigns budget raise default AMOUNT" in (finding.remedy or "")
    budgets = next(one for one in account_budgets(stage.services) if one.what == "budget of default")
    waits = "the next request costs 0.196 and has room in a budget of 0.392"
    assert budgets.found == f"0.196 of 0.196 is spent or reserved today; {waits}"
    resume_account(stage.services, "default", "me", "try")
    settle_down(stage)
    assert sent(stage) == 4
    assert [event.type for event in events_of(stage)] == ["account.paused", "account.resumed", "account.paused"]


def test_figures_are_dropped_after_weeks(make: Make) -> None:
    stage = make(4)
    to_noon(stage)
    store, key = stage.services.store, stage.services.store.keys.money("default")
    first = date_of(stage.services.now_ms(), stage.services.settings.gateway_timezone)
    before = [str(first - timedelta(days=n)) for n in range(59, 0, -1)]
    store.redis.hset(
        key, mapping={"days": "".join(f"{day}," for day in before), **{f"used:{day}": 1 for day in before}}
    )
    stage.finish(stage.enqueue(quick_job(phones(1)[0])))
    found = [name.decode() for name in store.redis.hkeys(key) if name.startswith(b"used:")]
    assert (len(found), max(found)) == (35, f"used:{first}")
    assert store.redis.hget(key, "days").count(b",") == 35
    assert 0 < store.redis.pttl(key) <= 40 * DAY_MS


def test_without_a_budget_nothing_is_counted(make: Make) -> None:
    stage = make(None)
    campaign = stage.enqueue(bulk_job(phones(4)))
    stage.until(lambda: campaign.status().sent == 4)
    assert stage.services.budgets.packed() == ""
    assert not {"reserved", "reserved_on"} & stage.services.batches.read(f"{campaign.id}-0").fields.keys()
    assert not stage.services.store.ask(Redis.hgetall, stage.services.store.keys.account("default")).keys() & {b"seq"}
