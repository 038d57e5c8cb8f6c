"""The erasure of a person: nothing of them is left, no other person loses anything, and the recipients add up."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from campaigns.campaign import Campaign
from campaigns.consume import consume
from campaigns.errors import ErasureBlockedError
from campaigns.events import Consumer, Groups
from campaigns.people import Erased
from campaigns.person import erase, find_person
from campaigns.recipients.exclusions import Excluded
from campaigns.store.commands import Redis
from tests.support.jobs import bulk_job, list_job, phones, quick_job, sample_job
from tests.support.stage import Stage

NOTHING = Erased(0, 0, 0, 0, 0, 0, 0, 0, False)
TALKER = "375297779909"


def everything(stage: Stage) -> bytes:
    """All that Redis holds under the stage's prefix, compressed bodies unpacked."""
    redis, parts = stage.services.store.redis, []
    for key in redis.scan_iter(match=stage.services.store.keys.prefix + "*"):
        kind = redis.type(key)
        if kind == b"string":
            value = redis.get(key)
            parts.append(zlib.decompress(value) if b"body:" in key else value)
        elif kind == b"hash":
            parts += [part for pair in redis.hgetall(key).items() for part in pair]
        elif kind == b"list":
            parts += redis.lrange(key, 0, -1)
        elif kind in {b"set", b"zset"}:
            parts += redis.smembers(key) if kind == b"set" else redis.zrange(key, 0, -1)
        elif kind == b"stream":
            parts += [value for _, fields in redis.xrange(key) for value in fields.values()]
        parts.append(key)
    return b"\n".join(parts)


def finished(stage: Stage, *jobs: Any) -> list[Campaign]:
    campaigns = [stage.enqueue(job) for job in jobs]
    stage.finish(*campaigns)
    return campaigns


def test_nothing_is_left(stage: Stage) -> None:
    campaigns = finished(
        stage,
        bulk_job([TALKER, *phones(2), "+375 29 777-99-09"], name="bulk"),
        quick_job(TALKER, *phones(1)),
        bulk_job(phones(2), text="without"),
    )
    stage.until(lambda: all(c.replies() for c in campaigns[:2]))
    before = [c.status() for c in campaigns]
    assert TALKER.encode() in everything(stage)
    gone = erase(stage.services, "+375 29 777 99 09")
    assert (gone.campaigns, gone.deliveries, gone.bodies, gone.replies, gone.excluded) == (2, 2, 2, 2, 1)
    assert gone.events > 0
    assert gone.events_left == 0
    assert TALKER.encode() not in everything(stage)
    assert b"777-99-09" not in everything(stage)
    assert erase(stage.services, TALKER) == NOTHING
    assert list(find_person(stage.services, TALKER)) == []
    for campaign, then in zip(campaigns, before, strict=True):
        assert campaign.status() == then
        assert campaign.status().balanced
    assert sorted(d.phone for d in campaigns[0].deliveries()) == phones(2)
    assert {d.status for d in campaigns[0].deliveries()} == {"READ"}


def test_excluded_by_a_later_version(stage: Stage) -> None:
    """A row with elements that this version does not know is read without them, and erased."""
    (campaign,) = finished(stage, bulk_job(phones(2)))
    store, row = stage.services.store, ["opted_out", f"{campaign.id}-0", TALKER, "", 0]
    store.ask(Redis.rpush, store.keys.excluded(campaign.id), orjson.dumps([*row, "more", 1]))
    store.ask(Redis.hincrby, store.keys.campaign(campaign.id), "r:opted_out", 1)
    assert list(campaign.excluded()) == [Excluded(*row)]
    assert [person.campaign_id for person in find_person(stage.services, TALKER)] == [campaign.id]
    assert erase(stage.services, TALKER).excluded == 1
    assert TALKER.encode() not in everything(stage)


def test_the_missing_events_are_named(stage: Stage) -> None:
    (campaign,) = finished(stage, bulk_job([TALKER, *phones(1)]))
    stage.until(lambda: bool(campaign.replies()))
    sequences = {event.sequence for event in stage.events(campaign)}
    erase(stage.services, TALKER)
    left = stage.events(campaign)
    erasure = left[-1]
    assert erasure.type == "person.erased"
    assert sequences - {event.sequence for event in left} == set(erasure.data["events"])
    assert {**erasure.data, "events": []} == {"deliveries": 1, "bodies": 1, "replies": 1, "excluded": 0, "events": []}


def test_unread_events_stay_for_their_reader(stage: Stage) -> None:
    """One entry may hold other people's changes, and consumers that have yet to read it lose none."""
    (campaign,) = finished(stage, bulk_job([TALKER, *phones(2)]))
    slow = consume("crm", settings=stage.services.settings)
    seen = list(itertools.islice(slow, 1))
    slow.close()  # type: ignore[attr-defined]  # it is a generator
    expected = [event.sequence for event in stage.events(campaign)]
    gone = erase(stage.services, TALKER)
    assert (gone.events, gone.deliveries) == (0, 1)
    assert gone.events_left > 0
    seen += list(consume("crm", idle_s=0.1, settings=stage.services.settings))
    assert sorted({e.sequence for e in seen if e.type != "person.erased"}) == expected
    again = erase(stage.services, TALKER)
    assert (again.events, again.events_left) == (gone.events_left, 0)
    assert erase(stage.services, TALKER) == NOTHING
    assert TALKER.encode() not in everything(stage)


def test_dead_letters_of_others(stage: Stage) -> None:
    """What is no event of ours, and no UTF-8, is erased all the same where it names the person, and only there."""
    store = stage.services.store
    stage.finish(stage.enqueue(bulk_job(phones(1))))
    for entry in ({b"x": b"\xff" + TALKER.encode()}, {b"data": b"[1, " + TALKER.encode() + b"]"}, {b"x": b"\xff"}):
        store.ask(Redis.xadd, store.keys.dead_letters("crm"), entry)
    store.ask(Redis.xadd, store.keys.events(), {b"data": b'["' + TALKER.encode() + b'"]', b"id": b"\xff"})
    Groups(store).rewind("crm", "$")
    assert erase(stage.services, TALKER).dead_letters == 2
    assert [letter.fields for letter in Groups(store).dead_letters("crm")] == [{"x": "\\xff"}]


def test_dead_letters(stage: Stage) -> None:
    finished(stage, bulk_job([TALKER, *phones(2)]))
    member = Consumer(stage.services.store, "crm")
    member.create_group()
    for event in member.events(idle_s=0.1):
        if event.data.get("phone") == TALKER:
            member.reject(event, "cannot be digested")
    letters = list(Groups(stage.services.store).dead_letters("crm"))
    assert letters
    assert erase(stage.services, TALKER).dead_letters == len(letters)
    assert TALKER.encode() not in everything(stage)


def test_entries_that_others_wrote(stage: Stage) -> None:
    finished(stage, bulk_job([TALKER]))
    stage.services.store.ask(Redis.xadd, stage.services.store.keys.events(), {"data": f'"{TALKER}"'})
    assert erase(stage.services, TALKER).bodies == 1


class TestUnderWay:
    """A batch of which something may still come is never touched."""

    def test_planned(self, stage: Stage) -> None:
        (done,) = finished(stage, bulk_job(phones(2)))
        campaign = stage.enqueue(bulk_job(phones(2), text="second"))
        with pytest.raises(ErasureBlockedError) as caught:
            erase(stage.services, phones(2)[0])
        assert caught.value.batches == {f"{campaign.id}-0": "planned"}
        assert phones(1)[0] not in str(caught.value)
        assert len(list(done.deliveries())) == 2
        stage.finish(campaign)
        assert len(stage.sandbox.ledger()) == 4

    def test_held(self, stage: Stage) -> None:
        stage.sandbox.fault("reset_before", "sendBulkViber")
        (campaign,) = finished(stage, bulk_job(phones(2)))
        assert campaign.status().recipients["held"] == 2
        with pytest.raises(ErasureBlockedError, match="held"):
            erase(stage.services, phones(1)[0])
        campaign.resolve("write-off", by="me", why="asked to erase")
        assert erase(stage.services, phones(1)[0]).bodies == 1

    def test_still_followed(self, stage: Stage) -> None:
        campaign = stage.enqueue(sample_job())
        stage.until(lambda: campaign.status().sent == 10)
        phone = next(campaign.deliveries()).phone
        with pytest.raises(ErasureBlockedError, match="accepted"):
            erase(stage.services, phone)


def test_a_list(stage: Stage) -> None:
    (campaign,) = finished(stage, list_job(2))
    phone = next(campaign.deliveries()).phone
    assert erase(stage.services, phone).deliveries == 1
    assert len(list(campaign.deliveries())) == 24
    assert campaign.status().balanced


def test_mailings_keep_their_numbers(stage: Stage) -> None:
    (campaign,) = finished(stage, sample_job(schedule=None))
    before = list(campaign.deliveries())
    phone = before[0].phone
    erase(stage.services, phone)
    assert list(campaign.deliveries()) == [d for d in before if d.phone != phone]


def test_a_refused_batch_that_is_sent_after_all(make_stage: Callable[..., Stage]) -> None:
    """A person who was erased meanwhile counts as cancelled, and the others get their message."""
    stage = make_stage(recipients_per_request=2)
    stage.sandbox.fault("refuse", "sendBulkViber", times=2)
    (campaign,) = finished(stage, bulk_job(phones(3)))
    assert erase(stage.services, phones(3)[0]).bodies == 1
    assert erase(stage.services, phones(3)[2]).bodies == 1
    campaign.retry(by="me", why="put right")
    stage.finish(campaign)
    assert [row["phone"] for row in stage.sandbox.ledger()] == [phones(3)[1]]
    recipients = campaign.status().recipients
    assert (recipients["settled"], recipients["cancelled"], recipients["rejected"]) == (1, 2, 0)


def test_the_gateways_words(stage: Stage) -> None:
    stage.sandbox.fault("refuse", "sendBulkViber", text=f"{phones(1)[0]} is blocked")
    finished(stage, bulk_job(phones(2)))
    erase(stage.services, phones(1)[0])
    (trace,) = find_person(stage.services, phones(2)[1])
    assert trace.messages[0].text == "(erased) is blocked"


def test_opt_outs_stay_unless_they_are_erased_too(stage: Stage) -> None:
    stage.services.optouts.add([TALKER], why="asked")
    assert erase(stage.services, TALKER) == NOTHING
    assert stage.services.optouts.of(TALKER) is not None
    assert erase(stage.services, TALKER, optout_too=True).optout
    assert TALKER.encode() not in everything(stage)
