"""People: one phone found in every campaign that has to do with it."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest

from campaigns.flow.operator.recover import declare_restored
from campaigns.ledger import MailingRecord
from campaigns.people import MessageOwner, PersonHistory
from campaigns.person import find_message, find_person
from campaigns.store.commands import Redis, command
from tests.support.doubt import in_doubt
from tests.support.jobs import bulk_job, list_job, personal_job, phones, quick_job, sample_job, template_job
from tests.support.loads import weigh
from tests.support.stage import Stage


def traces(stage: Stage, phone: str, **more: int) -> list[PersonHistory]:
    return list(find_person(stage.services, phone, **more))


def test_newest_first_and_whatever_the_spelling(stage: Stage) -> None:
    first = stage.enqueue(bulk_job(phones(3), name="first"))
    stage.enqueue(bulk_job(phones(3, start=10), name="other"))
    second = stage.enqueue(quick_job(*phones(2), name="second"))
    found = traces(stage, "8 (029) 100-00-01")
    assert [(t.name, t.campaign_id) for t in found] == [("second", second.id), ("first", first.id)]
    assert [t.name for t in traces(stage, phones(2)[1], campaigns=2)] == ["second"]
    assert traces(stage, "375259999999") == []


def test_no_phone(stage: Stage) -> None:
    with pytest.raises(ValueError, match="not a phone number"):
        traces(stage, "nobody")


def test_before_and_after_it_is_sent(make_stage: Callable[..., Stage]) -> None:
    """The batch is found among its neighbours by its body, and then by statuses."""
    stage = make_stage(recipients_per_request=2)
    campaign = stage.enqueue(bulk_job(phones(7)))
    (trace,) = traces(stage, phones(7)[5])
    (message,) = trace.messages
    assert (message.batch_id, message.state, message.sent_ms) == (f"{campaign.id}-2", "planned", None)
    stage.finish(campaign)
    (trace,) = traces(stage, phones(7)[5])
    (message,) = trace.messages
    batch = stage.services.batches.read(f"{campaign.id}-2")
    assert (message.state, message.status, message.attempt) == ("settled", "READ", 1)
    assert (message.uuid, message.message_id) == (batch.fields["uuid"], batch.message_ids[0])
    assert message.sent_ms == batch.number("claimed_ms")
    assert find_message(stage.services, batch.message_ids[0]) == MessageOwner(
        campaign.id, batch.id, 0, message.mailing, "settled"
    )
    assert find_message(stage.services, 1) is None


def test_no_status_among_others_that_have_one(stage: Stage) -> None:
    """Statuses of others in the batch do not hide a phone without one."""
    campaign = stage.enqueue(bulk_job(phones(3)))
    store, batch_id = stage.services.store, f"{campaign.id}-0"
    store.ask(Redis.hset, store.keys.deliveries(batch_id, 0), phones(1)[0], "SENT|1|2|0")
    assert traces(stage, phones(3)[2])[0].messages[0].status == ""


def test_several_mailings(stage: Stage) -> None:
    campaign = stage.enqueue(sample_job(schedule=None))
    stage.finish(campaign)
    for phone in {d.phone for d in campaign.deliveries()}:
        delivery_ids = [(m.mailing, m.delivery_id) for m in traces(stage, phone)[0].messages]
        assert delivery_ids == [(d.mailing, d.delivery_id) for d in campaign.deliveries() if d.phone == phone]


def test_two_texts(stage: Stage) -> None:
    phone = phones(1)[0]
    campaign = stage.enqueue(personal_job([{"phone": phone, "text": "one"}, {"phone": phone, "text": "two"}]))
    assert [m.batch_id for m in traces(stage, phone)[0].messages] == [f"{campaign.id}-0", f"{campaign.id}-1"]


def test_list(stage: Stage) -> None:
    """Who stands on a list at the gateway is known once the gateway says so."""
    campaign = stage.enqueue(list_job(2))
    stage.finish(campaign)
    phone = next(campaign.deliveries()).phone
    assert traces(stage, phone)[0].messages[0].status == "READ"


def test_excluded(stage: Stage) -> None:
    one, other = phones(2)
    stage.services.optouts.add([other])
    stage.enqueue(bulk_job([one, "+375 (29) 100-00-00", "80291000001", "junk 1000000"]))
    assert traces(stage, one)[0].excluded == (("duplicate", "messages[0].delivery_list[1]"),)
    assert traces(stage, other)[0].excluded == (("opted_out", "messages[0].delivery_list[2]"),)


def test_why_one_with_a_good_phone_is_invalid(stage: Stage) -> None:
    one, other = phones(2)
    rows = [{"phone": one, "values": {"name": "Anna"}}, {"phone": other, "values": {"name": ""}}]
    stage.enqueue(template_job(rows, "Hello {name}"))
    place = "messages[0].delivery_list[1]: has no value for {name}"
    assert traces(stage, other)[0].excluded == (("invalid", place),)


def test_replies(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(["375297779909", "375297779908"]))
    stage.finish(campaign)
    stage.until(lambda: len(campaign.replies()) == 2)
    (trace,) = traces(stage, "375297779909")
    assert [reply.message for reply in trace.replies] == ["Yes"]


def test_expired_body_and_no_status(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(1)))
    stage.services.store.ask(Redis.delete, stage.services.store.keys.body(f"{campaign.id}-0"))
    assert traces(stage, phones(1)[0]) == []


def test_more_campaigns_than_a_page(stage: Stage) -> None:
    ids = [stage.enqueue(bulk_job(phones(1), name=str(n))).id for n in range(53)]
    assert [t.campaign_id for t in traces(stage, phones(1)[0])] == ids[::-1]
    assert len(traces(stage, phones(1)[0], campaigns=51)) == 51


def test_doubts_and_how_they_ended(make_stage: Callable[..., Stage]) -> None:
    """It is there while the campaign is kept, though its events are long gone."""
    stage = make_stage(settle_window_s=0.2, check_interval_s=0.1)
    campaign = in_doubt(stage, "reset_before", bulk_job(phones(1)))
    stage.until(lambda: campaign.status().recipients["held"] == 1)
    campaign.resolve("resend", by="ann", why="not in the cabinet")
    stage.finish(campaign)
    (message,) = traces(stage, phones(1)[0])[0].messages
    assert [(doubt.state, doubt.by) for doubt in message.doubts] == [("unknown", ""), ("held", ""), ("planned", "ann")]
    assert [doubt.reason for doubt in message.doubts][2] == "not in the cabinet"
    assert message.doubts[0].reason
    assert stage.services.batches.read(message.batch_id).attempt == 2


def test_a_doubt_that_came_with_a_change_of_server(make_stage: Callable[..., Stage]) -> None:
    """It begins before anything was sent, and is found like every other."""
    stage = make_stage(settle_window_s=0.2, check_interval_s=0.1)
    campaign = stage.enqueue(bulk_job(phones(1)))
    declare_restored(stage.services, "ann")
    stage.until(lambda: campaign.status().recipients["held"] == 1)
    (message,) = traces(stage, phones(1)[0])[0].messages
    assert [doubt.state for doubt in message.doubts] == ["unknown", "held"]
    assert "lost its last claims" in message.doubts[0].reason


def test_no_script_looks_into_many_mailings(stage: Stage) -> None:
    """Batches of many mailings are read some at a time: their names have 170,000 bytes."""
    store, keys = stage.services.store, stage.services.store.keys
    mailing = MailingRecord("m", 0, 1, None, "fp", "bulk").packed()
    fields = {"state": "ready", "kind": "bulk", "batches": 300, "job": orjson.dumps({"messages": [{}] * 20})}
    store.ask(Redis.hset, keys.campaign("c"), None, None, fields)
    batch = {"state": "settled", "kind": "bulk", "n": 20, "mailings": orjson.dumps([mailing] * 20)}
    store.ask_many([command(Redis.hset, keys.batch(f"c-{n}"), None, None, batch) for n in range(300)])
    for number, mailing in ((7, 19), (299, 0)):
        store.ask(Redis.hset, keys.deliveries(f"c-{number}", mailing), "375291000000", "READ|5|7|0")
    campaign, loads = stage.services.campaigns.read("c"), weigh(store)
    found = stage.services.people.batches_with(campaign, "375291000000")
    assert [batch.id for batch in found] == ["c-7", "c-299"]
    assert 10_000 < loads.sent < 60_000
