"""Scenes in which campaigns, people, consumers and clocks call every script that writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.acts import Act, Deed, packed
from campaigns.enqueue_many import enqueue_many
from campaigns.errors import NotReplicatedError, StoreError
from campaigns.events.entries import done_before
from campaigns.events.groups import Groups
from campaigns.events.members import Member
from campaigns.flow.doubt.double_sends import report
from campaigns.flow.operator.recover import declare_restored, withdraw_doubt
from campaigns.flow.tracking.callbacks import callback_url, take_callback
from campaigns.jobs.caps import Cap
from campaigns.ledger import POLL_VERB, Claim, Entry, MailingRecord, Move, NewBatch, Plan, Plans, Portion, Scope
from campaigns.ledger.audit import Audit
from campaigns.person import erase, find_person
from campaigns.results import Reply
from campaigns.results.fallback import Undelivered, announce
from campaigns.results.oddities import Odd
from campaigns.wiring import build_services
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.plans import open_plan, ready_campaign
from tests.support.stage import Stage
from tests.support.twice import Seen, TwiceStore


class Scene:
    """A stage on whose store every call is made twice."""

    def __init__(self, stage: Stage) -> None:
        self.seen: dict[str, Seen] = {}
        old = stage.services.store
        self.store = TwiceStore(old.redis, old.keys, self.seen)
        stage.services = build_services(stage.services.settings, store=self.store, ring=stage._ring)
        self.stage, self.services = stage, stage.services

    def call(self, script: str, keys: list[str], *args: object) -> None:
        self.store.run(script, keys, args)

    def plan(self, key: str | None = None) -> Plan:
        return open_plan(self.store, Plans(self.store, lease_ms=0, body_life_ms=60_000, lookalikes_life_ms=60_000), key)

    def claimed(self) -> Claim:
        """A batch that is being sent."""
        campaign = self.stage.enqueue(bulk_job(phones(3)))
        claim = self.stage.claim(f"{campaign.id}-0")
        assert isinstance(claim, Claim)
        return claim


def a_campaign_lives(scene: Scene) -> None:
    """From enqueueing to its end, with a person erased after it."""
    stage, (first, *_) = scene.stage, phones(3)
    campaign = stage.enqueue(bulk_job(phones(3)))
    quick = stage.enqueue(quick_job(*phones(1)))
    unfollowed = stage.enqueue(quick_job(*phones(1, start=20), follow="none", replies=False))
    quick.pause()
    quick.resume()
    stage.finish(campaign, quick, unfollowed)
    stage.services.replies.add(stage.services.batches.read(f"{campaign.id}-0"), [Reply("1", first, "stop", 1, "", "")])
    list(find_person(stage.services, first))
    stage.sweep()
    erase(stage.services, first)


def campaigns_share_a_call(scene: Scene) -> None:
    """One with a key, a draft, and one of another kind."""
    several = [quick_job(*phones(1)), quick_job(*phones(1), start="draft"), bulk_job(phones(2))]
    assert not any(one.error for one in enqueue_many(scene.services, several, keys=["a", None, None]))


def plans_end(scene: Scene) -> None:
    """They are completed, dropped, taken back and revoked."""
    ready_campaign(scene.store)
    plan = scene.plan(key="k")
    plan.exclude("duplicate", [("[0]", "1")])
    plan.add([NewBatch(3, (MailingRecord("m", 0, 3, None, "fp", "bulk"),), b"[]")])
    plan.guard({"Europe/Minsk": "1-2"})
    plan.finish("digest", 4)
    keys = scene.store.keys
    scene.call("release_plan", [keys.due("bulk", "default"), keys.accounts("bulk")], plan.campaign_id, "default")
    with pytest.raises(StoreError, match="nothing is stored"):
        plan.take_back(NotReplicatedError(0, 1))
    assert plan.drop()
    scene.plan().revoke()
    Plan(scene.store, scene.plan().head).revoke()
    gone = scene.plan()
    scene.store.redis.delete(keys.campaign(gone.campaign_id))
    assert gone.revoke()
    scene.services.campaigns.store_invalid("c" * 21, {"kind": ["is missing"]}, {"kind": "bulk"})


def people_act(scene: Scene) -> None:
    """Accounts, opt-outs, schedules and the store's server."""
    services, keys = scene.services, scene.store.keys
    act = Act(Deed.OPTOUTS_ADDED, "", "me")
    for scope in (Scope(), Scope("shop"), Scope("shop", "offers")):
        services.optouts.add(phones(2), "asked", "me", act, scope)
        services.optouts.remove(phones(1), act, scope)
    scene.store.redis.hset(keys.suppressed(), phones(1)[0], "1|2")
    services.suppressed.remove(phones(1), act)
    services.limiter.pause("default", 60, "no money", cause="money")
    services.limiter.resume("default", Act(Deed.ACCOUNT_RESUMED, "default", "me"))
    names = [keys.account("default"), keys.money("default"), keys.events(), keys.audit(), keys.accounts("bulk")]
    budgets = f'{{"price":1,"every":5,"own":{{}},"days":[[0,"2026-01-01"],[{2**50},"later"]]}}'
    said, act_of_budget = '{"by":"me","why":"more"}', packed(Act(Deed.BUDGET_CHANGED, "default", "me"))
    scene.call("change_budget", names, "default", budgets, 5, 9, said, act_of_budget, "call")
    Audit(scene.store).note(Act(Deed.PERSON_ERASED, "", "me"))
    services.turns.witness.check_call().run(scene.store)
    declare_restored(services, "me")
    withdraw_doubt(services, "me")
    campaign = scene.stage.enqueue(quick_job(*phones(1)))
    campaign.reschedule(datetime.now(UTC) + timedelta(hours=1))
    scene.store.redis.hset(keys.campaign(campaign.id), "canary", 1)
    for verdict in ("waits", "asks", "failed"):
        names = [keys.campaign(campaign.id), keys.events(), keys.due("quick", "default"), keys.accounts("quick")]
        scene.call("judge_canary", names, campaign.id, verdict, "default", "{}", "too few", 5, "{}")
    campaign.cancel()
    services.rejected.add("digest", {"bytes": 5})
    scene.call("retire_campaign", [keys.campaign("gone"), keys.active()], campaign.id)


def a_batch_is_in_trouble(scene: Scene) -> None:
    """Calls back, is sent twice, cannot be read, and is refused in part."""
    services, claim = scene.services, scene.claimed()
    batch, keys = claim.batch, scene.store.keys
    services.batches.begin_confirming(batch, "NEW")
    services.batches.own(batch, {7: 0}, 60_000)
    services.oddities.note(batch, Odd("statusBulkViber", 0, "phone", 1))
    report(services, batch, 0, {})
    url = callback_url(services, batch, None)
    if url is not None:
        take_callback(services, url, b"{}")
    scene.call(
        "record_callback", [keys.batch(batch.id), keys.due("poll", ""), keys.accounts("poll")], batch.id, 1, "u-1", 1000
    )
    services.batches.move(batch, Move("accepted"), from_states={"sending"}, fence=batch.fence)
    due = [Undelivered(phone, "", None, None, 0) for phone in phones(3)]
    assert announce(scene.store, batch, 0, due, "0")
    services.deliveries.reject_mailing(batch, 0, 3, "blocked")


def opted_out_before_it_is_sent(scene: Scene) -> None:
    campaign = scene.stage.enqueue(bulk_job(phones(3)))
    scene.services.optouts.add(phones(1))
    scene.stage.finish(campaign)


def messages_are_counted(scene: Scene) -> None:
    """For the frequency cap, taken back, and erased."""
    counts, limits = scene.services.counts, Cap.read("|1/7")
    batch_id = f"{scene.stage.enqueue(bulk_job(phones(3))).id}-0"
    for op, day in (("one", 20_000), ("two", None), ("three", 20_001)):
        assert counts.begin(batch_id, op, ["planned"])
        assert counts.count(batch_id, op, Portion(0, 0, phones(3)), day, limits, limited=True, but=[1]) == []
        counts.end(batch_id, op, day)
    counts.erase(phones(1)[0], [""])


def a_group_reads(scene: Scene) -> None:
    """Its members take, acknowledge, bury, keep and leave."""
    store = scene.store
    scene.stage.enqueue(quick_job(*phones(1)))
    scene.stage.enqueue(quick_job(*phones(1)))
    store.create_group(store.keys.events(), "crm", "0")
    member = Member(store, "crm", "m", claim_idle_ms=1000, dead_letters_life_ms=60_000)
    (first, fields), (second, _) = member.take(2, 1)
    assert fields is not None
    Groups(store).all()
    done_before(store)
    member.hand_back()
    member.bury(first, fields, "why")
    member.acknowledge(second)
    member.leave()
    Member(store, "crm", "n", claim_idle_ms=1000, dead_letters_life_ms=60_000).take(2, 1)
    scene.call("remove_members", [store.keys.events()], "crm", 0)
    for _ in range(2):
        scene.call("trim_events", [store.keys.events(), store.keys.stream()], 0, 1, 1000)


def clocks(scene: Scene) -> None:
    server_ms = scene.store.read_clock().server_ms
    scene.call("read_clock", [])
    scene.call("keep_clock", [], 0, 0, server_ms)


def entries_live(scene: Scene) -> None:
    """What unsent batches need is kept, and a lost campaign is put back in order."""
    keys, campaign_id = scene.store.keys, ready_campaign(scene.store)
    redis, batch_id = scene.store.redis, f"{campaign_id}-0"
    scene.call("renew_bodies", [keys.body(batch_id)], 90_000, 80_000)
    redis.zadd(keys.lookalikes("fp"), {f"{batch_id}:0": scene.services.now_ms() + 1000})
    scene.call("renew_lookalikes", [keys.lookalikes("fp")], 90_000, 80_000, f"{batch_id}:0")
    batch = scene.services.batches.read(batch_id)
    scene.services.due.put(Entry(POLL_VERB, batch_id), batch, scene.services.now_ms())
    redis.delete(keys.due("bulk", "default"))
    scene.services.campaigns.put_in_order(scene.services.campaigns.read(campaign_id))
    redis.hset(keys.campaign(campaign_id), "state", "finished")
    scene.call("retire_campaign", [keys.campaign(campaign_id), keys.active()], campaign_id)


#: Each scene with the scripts that it proves.
SCENES: dict[Callable[[Scene], None], str] = {
    a_campaign_lives: """acquire_permit await_message_ids change_deliveries erase_from_batch erase_from_campaign move_batch
        record_accepted record_cost record_message_ids record_tick release_permit ring_bell set_campaign_state store_replies
        take_due take_reads take_sends update_fields""",
    campaigns_share_a_call: "store_campaigns",
    plans_end: """add_batch drop_plan finish_plan guard_campaign open_plan record_exclusions release_plan revoke_plan
        store_invalid take_back_plan""",
    people_act: """change_budget check_primary declare_loss judge_canary opt_in opt_out pause_account record_act reject_submission
        reschedule unsuppress withdraw_doubt""",
    a_batch_is_in_trouble: """announce_fallback begin_confirming claim_messages record_callback record_odd_rows reject_mailing
        report_double_send""",
    opted_out_before_it_is_sent: "exclude_planned",
    messages_are_counted: "begin_count count_messages end_count erase_counted",
    a_group_reads: "acknowledge_entry bury_entry remove_member remove_members renew_entries trim_events",
    clocks: "keep_clock",
    entries_live: "put_due put_in_order renew_bodies renew_lookalikes retire_campaign",
}
