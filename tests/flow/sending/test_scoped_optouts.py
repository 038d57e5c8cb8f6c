"""Opt-outs by account and topic act wherever those of everything do."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from campaigns import Client
from campaigns.campaign import Campaign
from campaigns.enqueue_many import enqueue_many
from campaigns.errors import JobError, KeyConflictError
from campaigns.flow.sending.later_optouts import exclude_later
from campaigns.flow.sending.send import send_taken
from campaigns.ledger import EVERYTHING, Claim, Scope, ToCheck, scopes_for
from campaigns.preview import preview
from campaigns.send_test import send_test
from campaigns.settings import Secret
from campaigns.store.commands import Redis
from tests.support import claims
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.settings import TOKEN
from tests.support.stage import Stage

ACCOUNTS = {"default": Secret(TOKEN), "shop": Secret(TOKEN)}
OFFERS = Scope("default", "offers")
#: Replies STOP.
STOPPING = "375297779908"


@pytest.fixture
def accounts(make_stage: Callable[..., Stage]) -> Callable[..., Stage]:
    """A stage with two accounts."""
    return lambda **more: make_stage(accounts=ACCOUNTS, **more)


def opted_out(campaign: Campaign) -> list[str]:
    return sorted(one.phone for one in campaign.excluded() if one.reason == "opted_out")


def test_no_offers_but_news(stage: Stage) -> None:
    stage.services.optouts.add(phones(1), scope=OFFERS)
    offers, news, neither = (stage.enqueue(bulk_job(phones(3), text=t, topic=t)) for t in ("offers", "news", "Offers2"))
    assert [opted_out(campaign) for campaign in (offers, news, neither)] == [phones(1), [], []]
    assert offers.status().topic == "offers"
    stage.finish(offers, news, neither)


def test_of_one_account(accounts: Callable[..., Stage]) -> None:
    stage = accounts()
    stage.services.optouts.add(phones(1), scope=Scope("shop"))
    here, there = stage.enqueue(quick_job(*phones(2))), stage.enqueue(quick_job(*phones(2), account="shop", topic="x"))
    assert (opted_out(here), opted_out(there)) == ([], phones(1))


def as_stream(job: dict[str, Any]) -> dict[str, Any]:
    """The same job with recipients that are planned and stored in steps."""
    target = job["messages"][0] if "messages" in job else job
    target["delivery_list"] = iter(target["delivery_list"])
    return job


def ways(stage: Stage, when: str, people: list[str], account: str, topic: str | None) -> Iterator[Campaign]:
    """A campaign for the same people in each of the ways in which one is stored."""
    of = {"account": account, "topic": topic}
    yield stage.enqueue(bulk_job(people, when, **of))
    yield stage.enqueue(as_stream(bulk_job(people, f"{when}, a stream", **of)))
    yield stage.enqueue(quick_job(*people, message=f"{when}, quick", **of))
    (many,) = enqueue_many(stage.services, [quick_job(*people, message=f"{when}, many", **of)])
    assert many.campaign is not None
    yield many.campaign
    # More than one script looks up.
    yield stage.enqueue(bulk_job([*people, *phones(120, start=5000)], f"{when}, long", **of))


@pytest.mark.parametrize("seed", range(3))
def test_every_way_excludes_the_same(accounts: Callable[..., Stage], seed: int) -> None:
    """Planned whole, in steps, or before the opt-outs came: the excluded are those whom a scope of the campaign names."""
    stage, chance, people = accounts(), random.Random(seed), phones(12)
    optouts = stage.services.optouts
    scopes = [EVERYTHING, *(Scope(a, t) for a in ("default", "shop") for t in ("", "offers", "news"))]
    account, topic = chance.choice(["default", "shop"]), chance.choice([None, "offers", "news"])
    truth: dict[Scope, set[str]] = {scope: set() for scope in scopes}
    before = list(ways(stage, "before", people, account, topic))
    for _ in range(chance.choice([3, 10])):
        scope, some = chance.choice(scopes), chance.sample(people, 2)
        optouts.add(some, scope=scope)
        truth[scope].update(some)
        if chance.random() < 0.3:
            optouts.remove(some[:1], scope=scope)
            truth[scope].discard(some[0])
    after = list(ways(stage, "after", people, account, topic))
    stage.finish(*before, *after, timeout_s=60)
    expected = sorted(set[str]().union(*(truth[scope] for scope in scopes_for(account, topic))))
    assert [opted_out(campaign) for campaign in (*before, *after)] == [expected] * 10
    sent = {(row["phone"], row["text"]) for row in stage.sandbox.ledger()}
    assert not {phone for phone, _ in sent} & set(expected)


@pytest.mark.parametrize("scope", [OFFERS, Scope("default")], ids=lambda scope: scope.kind)
def test_after_planning(stage: Stage, scope: Scope) -> None:
    """An opt-out of a narrow scope alone makes what is planned be checked again."""
    bulk, quick = (
        stage.enqueue(bulk_job(phones(3), topic="offers")),
        stage.enqueue(quick_job(*phones(3), topic="offers")),
    )
    stage.services.optouts.add(phones(1), scope=scope)
    stage.finish(bulk, quick)
    assert opted_out(bulk) == opted_out(quick) == phones(1)


def test_opt_outs_of_other_campaigns_change_nothing(accounts: Callable[..., Stage]) -> None:
    """They are looked up, and the request stays as it was."""
    stage = accounts()
    campaign = stage.enqueue(bulk_job(phones(3), topic="news"))
    stage.services.optouts.add(phones(3), scope=OFFERS)
    stage.services.optouts.add(phones(3), scope=Scope("shop", "news"))
    stage.finish(campaign)
    assert (opted_out(campaign), campaign.status().sent) == ([], 3)
    assert "batch.reduced" not in stage.event_types(campaign)


def test_nothing_is_checked_while_the_lists_stay(stage: Stage) -> None:
    stage.services.optouts.add(phones(1), scope=OFFERS)
    campaign = stage.enqueue(bulk_job(phones(3), topic="offers"))
    assert isinstance(claims.claim(stage.services, f"{campaign.id}-0"), Claim)


@pytest.mark.parametrize(
    ("setting", "job", "scope"),
    [
        ("all", {"topic": "offers"}, EVERYTHING),
        ("account", {"topic": "offers"}, Scope("default")),
        ("topic", {"topic": "offers"}, OFFERS),
        ("topic", {}, Scope("default")),
        ("topic", {"topic": "offers", "account": "shop"}, Scope("shop", "offers")),
    ],
)
def test_by_a_reply(accounts: Callable[..., Stage], setting: str, job: dict[str, Any], scope: Scope) -> None:
    stage = accounts(optout_scope=setting)
    waiting = stage.enqueue(bulk_job([STOPPING, *phones(1)], text="second", start="draft", **job))
    campaign = stage.enqueue(bulk_job([STOPPING], text="first", **job))
    stage.until(lambda: campaign.status().replies == 1)
    (optout,) = stage.services.optouts.every_of(STOPPING)
    (reply,) = campaign.replies()
    assert (optout.scope, optout.by) == (scope, "recipient")
    assert optout.why == f"reply {reply.id} to campaign {campaign.id}"
    event = next(event for event in stage.events(campaign) if event.type == "optout.added")
    facts = {"scope": scope.kind, "account": scope.account, "topic": scope.topic}
    assert event.data == {"phone": STOPPING, "reply": reply.id, **{n: v for n, v in facts.items() if v}}
    assert [(one.phone, one.optout.scope) for one in campaign.opted_out()] == [(STOPPING, scope)]
    results = campaign.results()
    assert (results.opted_out, results.optout_scopes) == (1, (scope.kind,))
    waiting.approve(by="somebody else")
    stage.finish(campaign, waiting)
    assert opted_out(waiting) == [STOPPING]


def test_the_topic_belongs_to_the_job(stage: Stage) -> None:
    """The same key with another topic is another job, since others are excluded from it."""
    first = stage.enqueue(bulk_job(phones(1), topic="offers", key="k"))
    assert stage.enqueue(bulk_job(phones(1), topic="OFFERS", key="k")) == first
    with pytest.raises(KeyConflictError):
        stage.enqueue(bulk_job(phones(1), topic="news", key="k"))


def test_the_wider_one_stays(stage: Stage) -> None:
    """Opting in to a topic again does not undo an opt-out of everything."""
    optouts = Client.over(stage.services).optouts
    optouts.add(phones(1))
    optouts.add(phones(1), topic="offers")
    optouts.remove(phones(1), topic="offers")
    campaign = stage.enqueue(bulk_job(phones(2), topic="offers"))
    assert opted_out(campaign) == phones(1)


def test_wherever_a_job_is_planned(stage: Stage) -> None:
    """The dry run, a test of a job, and a transactional message, which opt-outs hold back as they always do."""
    stage.services.optouts.add(phones(1), scope=OFFERS)
    assert preview(stage.services, bulk_job(phones(3), topic="offers")).opted_out == 1
    assert preview(stage.services, bulk_job(phones(3))).opted_out == 0
    with pytest.raises(JobError, match="opted out"):
        send_test(stage.services, bulk_job(phones(1, start=9), topic="offers"), to=phones(1))
    assert opted_out(stage.enqueue(quick_job(*phones(1), topic="offers", transactional=True))) == phones(1)
    listed = stage.enqueue(list_job(2, topic="offers"))
    stage.finish(listed)
    assert listed.status().sent == 25


class TestEarlierVersions:
    """Processes that know no scopes plan and check by the same version, without asking for opt-outs of accounts and
    topics. They write `optouts_v` alone, and compare it alone."""

    def as_they_write(self, stage: Stage, key: str) -> None:
        """As if such a process had planned the campaign or checked the batch of this key just now."""
        store = stage.services.store
        store.ask(Redis.hset, key, "optouts_v", stage.services.optouts.checker().version)
        store.ask(Redis.hdel, key, "optouts_scoped_v")

    def test_what_they_planned_is_checked_once(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(3), topic="offers"))
        stage.services.optouts.add(phones(1), scope=OFFERS)
        self.as_they_write(stage, stage.services.store.keys.campaign(campaign.id))
        taken = stage.claim(f"{campaign.id}-0")
        assert isinstance(taken, ToCheck)
        claims.finish(stage.services.store, send_taken(stage.services, taken, 0.0))
        assert opted_out(campaign) == phones(1)
        assert isinstance(stage.claim(f"{campaign.id}-0"), Claim)

    def test_what_they_checked_is_checked_again(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(3), topic="offers"))
        stage.services.optouts.add(phones(1), scope=OFFERS)
        self.as_they_write(stage, stage.services.store.keys.batch(f"{campaign.id}-0"))
        stage.finish(campaign)
        assert opted_out(campaign) == phones(1)

    def test_a_check_that_began_before_theirs_changes_nothing(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(3), topic="offers"))
        stage.services.optouts.add(phones(1), scope=OFFERS)
        taken = stage.claim(f"{campaign.id}-0")
        assert isinstance(taken, ToCheck)
        self.as_they_write(stage, stage.services.store.keys.batch(f"{campaign.id}-0"))
        exclude_later(stage.services, taken.batch_id, taken.outdated)
        assert opted_out(campaign) == []

    def test_two_that_check_it_exclude_once(self, stage: Stage) -> None:
        """Although the version that they compare has not moved since planning."""
        campaign = stage.enqueue(bulk_job(phones(3), topic="offers"))
        stage.services.optouts.add(phones(1), scope=OFFERS)
        self.as_they_write(stage, stage.services.store.keys.campaign(campaign.id))
        batch_id = f"{campaign.id}-0"
        for taken in [stage.claim(batch_id) for _ in range(2)]:
            assert isinstance(taken, ToCheck)
            exclude_later(stage.services, batch_id, taken.outdated)
        assert opted_out(campaign) == phones(1)
        assert campaign.status().recipients["opted_out"] == 1

    def test_they_do_not_check_again_what_was_checked_here(self, stage: Stage) -> None:
        """So no batch goes back and forth between their workers and ours."""
        campaign = stage.enqueue(bulk_job(phones(3), topic="offers"))
        stage.services.optouts.add(phones(1), scope=OFFERS)
        taken = stage.claim(f"{campaign.id}-0")
        assert isinstance(taken, ToCheck)
        exclude_later(stage.services, taken.batch_id, taken.outdated)
        seen = stage.services.batches.read(f"{campaign.id}-0").fields["optouts_v"]
        assert seen == stage.services.optouts.checker().version
