"""Workers that divide the tokens among themselves: each leaves to the others what it cannot do, and nobody waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.flow.scheduling.work import work
from campaigns.health.heartbeats import consuming
from campaigns.ledger import FETCH, POLL_VERB, SEND, Claim, Entry
from campaigns.ledger.campaigns import CampaignRoute
from campaigns.ledger.states import FINISHED
from campaigns.ledger.turns import Answer, NoToken
from campaigns.names import BULK, POLL, QUICK, REPLIES
from campaigns.settings import Secret
from campaigns.store.commands import Redis
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.settings import TOKEN
from tests.support.stage import Stage
from tests.support.waiting import wait_until

OTHERS = frozenset({"default", "shop"})
Make = Callable[..., Stage]


def stage_of(make_stage: Make, account: str, others: frozenset[str] = OTHERS, **more: Any) -> Stage:
    """A worker that has the token of one account."""
    return make_stage(accounts={account: Secret(TOKEN)}, other_accounts=others, **more)


@pytest.fixture
def default(make_stage: Make) -> Stage:
    return stage_of(make_stage, "default")


@pytest.fixture
def shop(make_stage: Make) -> Stage:
    return stage_of(make_stage, "shop")


def take(stage: Stage, queue: str, most: int = 8) -> Answer:
    """One call of a new turn that would wait for nothing."""
    return stage.services.turns.begin(queue, "w", 0).take_call(most, 0).run(stage.services.store)


def accounts_of(answer: Answer) -> list[str]:
    return [one.batch.account for one in answer.taken if isinstance(one, Claim)]


def is_over(*campaigns: Campaign) -> bool:
    return all(campaign.status().state == FINISHED for campaign in campaigns)


def test_each_does_its_own(default: Stage, shop: Stage) -> None:
    """Sending, polls and replies, whoever comes first; no account pauses."""
    campaigns = [
        default.enqueue({**job, "account": account})
        for first, account in enumerate(("shop", "default"))
        for job in (bulk_job(phones(3, start=10 * first)), quick_job(*phones(1, start=50 + first)))
    ]
    end_s = time.monotonic() + 20
    while not is_over(*campaigns):
        assert time.monotonic() < end_s
        default.step()
        shop.step()
    for campaign in campaigns:
        shop.check(campaign)
    assert not any(event.type.startswith("account.") for event in shop.services.events.since())


@pytest.mark.parametrize("queue", [BULK, QUICK])
def test_what_is_left_stays_due(default: Stage, shop: Stage, queue: str) -> None:
    """A worker that asks all the time does not keep it from the others, and still does its own behind it."""
    make = (
        (lambda first: bulk_job(phones(1, start=first)))
        if queue == BULK
        else (lambda first: quick_job(*phones(1, start=first)))
    )
    default.enqueue({**make(10), "account": "shop"})
    for number in range(3):
        default.enqueue({**make(20 + number), "account": "default"})
        assert accounts_of(take(default, queue)) == ["default"]
    assert accounts_of(take(shop, queue)) == ["shop"]
    assert take(shop, queue).taken == []


def test_many_that_are_left(make_stage: Make) -> None:
    """More than the accounts from which one call takes stand in front."""
    others = frozenset(f"shop{number}" for number in range(30))
    stage = stage_of(make_stage, "default", others)
    for account in others:
        stage.enqueue(bulk_job(phones(1), account=account))
    stage.enqueue(bulk_job(phones(1), account="default"))
    assert accounts_of(take(stage, BULK)) == ["default"]


class TestBells:
    """Who cannot act calls the others, within bounds."""

    def test_the_others_are_called(self, default: Stage) -> None:
        consuming(default.services.store, [BULK], worker="other", slots=2)
        default.enqueue(bulk_job(phones(1), account="shop"))
        default.bells.clear()
        assert work(default.services, BULK) == 0
        assert default.bells == [BULK]

    def test_the_others_are_called_while_there_is_work_of_its_own(self, default: Stage) -> None:
        consuming(default.services.store, [BULK], worker="other", slots=2)
        default.sandbox.fault("slow", "sendBulkViber", times=1000, delay_s=0.3)
        default.enqueue(bulk_job(phones(1), account="shop"))
        default.enqueue(bulk_job(phones(1), account="default"))
        default.bells.clear()
        assert work(default.services, BULK) == 1
        assert BULK in default.bells

    def test_ten_times_a_second(self, default: Stage) -> None:
        """As often as this worker answers them itself, because the others have died."""
        consuming(default.services.store, [BULK], worker="other", slots=50)
        default.enqueue(bulk_job(phones(1), account="shop"))
        default.services.store.redis.delete(default.services.store.keys.left(BULK))
        began_s = time.monotonic()
        rung = sum(take(default, BULK).ring for _ in range(100))
        seconds = time.monotonic() - began_s
        assert 10 <= rung <= 10 * (int(seconds) + 1) + 10

    def test_none_where_all_are_busy(self, default: Stage) -> None:
        """A worker that is free later takes what is left."""
        consuming(default.services.store, [BULK], worker="w", slots=0)
        default.enqueue(bulk_job(phones(1), account="shop"))
        assert not take(default, BULK).ring


def waiting(stage: Stage, queue: str, seconds: float) -> None:
    """As if the account `shop` had been due for so long."""
    set_back(stage, stage.services.store.keys.accounts(queue), seconds)


def set_back(stage: Stage, key: str, seconds: float, member: str = "shop") -> None:
    """Let a member of a sorted set stand there by the time before so many seconds."""
    stage.services.store.ask(Redis.zadd, key, {member: stage.services.now_ms() - seconds * 1000})


class TestABusyOwner:
    """A worker of the queue that has the token lives, however long it has not taken anything."""

    @pytest.fixture
    def seen(self, default: Stage) -> Stage:
        """The worker that lacks the token, after one that has it has reported."""
        consuming(default.services.store, [BULK, POLL], worker="other", tokens=["shop"])
        return default

    def test_its_account_does_not_pause(self, seen: Stage, shop: Stage) -> None:
        seen.enqueue(bulk_job(phones(1), account="shop"))
        waiting(seen, BULK, 61)
        assert take(seen, BULK).taken == []
        assert seen.services.limiter.pause_of("shop") is None
        assert accounts_of(take(shop, BULK)) == ["shop"]

    def test_nor_for_polls(self, seen: Stage, shop: Stage) -> None:
        campaign = shop.enqueue(bulk_job(phones(1), account="shop"))
        assert shop.send(f"{campaign.id}-0")
        wait_until(lambda: shop.services.due.depth(POLL, shop.services.now_ms())[0] > 0)
        waiting(seen, POLL, 61)
        assert take(seen, POLL).taken == []

    def test_until_it_has_been_silent_for_a_minute(self, seen: Stage) -> None:
        seen.enqueue(bulk_job(phones(1), account="shop"))
        waiting(seen, BULK, 600)
        set_back(seen, seen.services.store.keys.with_token(), 59, "shop|bulk")
        assert take(seen, BULK).taken == []
        set_back(seen, seen.services.store.keys.with_token(), 61, "shop|bulk")
        assert take(seen, BULK).taken == [NoToken("shop")]

    def test_nothing_is_stored_where_tokens_are_not_divided(self, default: Stage) -> None:
        store = default.services.store
        consuming(store, [BULK])
        assert not store.ask(Redis.exists, store.keys.with_token())


class TestNobodyHasIt:
    """An account whose token no worker has does not wait in silence."""

    def test_after_a_minute_it_pauses(self, default: Stage) -> None:
        default.enqueue(bulk_job(phones(1), account="shop"))
        waiting(default, BULK, 50)
        assert take(default, BULK).taken == []
        waiting(default, BULK, 61)
        assert work(default.services, BULK) == 1
        until_ms, reason = default.services.limiter.pause_of("shop") or (0, "")
        assert until_ms > default.services.now_ms()
        assert "CAMPAIGNS_TOKEN_SHOP" in reason

    def test_polls_too(self, default: Stage, shop: Stage) -> None:
        campaign = shop.enqueue(bulk_job(phones(1), account="shop"))
        assert shop.send(f"{campaign.id}-0")
        wait_until(lambda: shop.services.due.depth(POLL, shop.services.now_ms())[0] > 0)
        assert take(default, POLL).taken == []
        waiting(default, POLL, 61)
        assert take(default, POLL).taken == [NoToken("shop")]

    @pytest.mark.parametrize(("queue", "own"), [(BULK, "quick"), (POLL, "bulk"), (REPLIES, "poll")])
    def test_where_workers_of_other_queues_have_it(self, default: Stage, queue: str, own: str) -> None:
        """The worker that has the token serves another queue, for as long as it takes."""
        consuming(default.services.store, [own], worker="other", tokens=["shop"])
        store, long_ago_ms = default.services.store, default.services.now_ms() - 600_000
        entry = {BULK: Entry(SEND, "x-0"), POLL: Entry(POLL_VERB, "x-0"), REPLIES: Entry(FETCH, "x-0")}[queue]
        default.services.due.put(entry, CampaignRoute(BULK, "shop", None), long_ago_ms)
        assert store.ask(Redis.zscore, store.keys.accounts(queue), "shop") == long_ago_ms
        assert take(default, queue).taken == [NoToken("shop")]

    def test_one_that_is_not_named_pauses_at_once(self, make_stage: Make) -> None:
        stage = stage_of(make_stage, "default", frozenset())
        make_stage(accounts={}).enqueue(bulk_job(phones(1), account="shop"))
        assert take(stage, BULK).taken == [NoToken("shop")]
