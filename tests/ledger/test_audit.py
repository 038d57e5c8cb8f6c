"""Who did what: every act of a person is recorded with the act, and only acts of persons are."""

from __future__ import annotations

import pytest

from campaigns import Client, person
from campaigns.acts import Act, Deed, packed
from campaigns.enqueue import enqueue
from campaigns.errors import StateError
from campaigns.flow.operator.recover import declare_restored, withdraw_doubt
from campaigns.flow.operator.resolve import resume_account
from campaigns.flow.scheduling.sweep import sweep
from campaigns.ledger import Audit, Record
from campaigns.store.commands import Redis
from campaigns.wiring import default_services_are
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage

ONE = phones(1)[0]
MASKED = f"{ONE[:5]}*****{ONE[-2:]}"


def records(stage: Stage, since_ms: int = 0) -> list[Record]:
    return list(Audit(stage.services.store).newest(since_ms))


def audited(stage: Stage) -> list[tuple[object, ...]]:
    """What is kept, oldest first: deed, of what, by whom, why, detail, number."""
    return [(r.deed, r.of, r.by, r.why, r.detail, r.number) for r in reversed(records(stage))]


def test_campaigns(stage: Stage) -> None:
    campaign = enqueue(stage.services, bulk_job(phones(2)))
    campaign.pause(by="ann", why="wrong text")
    campaign.pause(by="bob")
    campaign.resume()
    campaign.cancel(by="ann")
    assert audited(stage) == [
        ("campaign.paused", campaign.id, "ann", "wrong text", "", None),
        ("campaign.resumed", campaign.id, "application", "", "", None),
        ("campaign.cancelled", campaign.id, "ann", "", "", None),
    ]
    with pytest.raises(StateError):
        campaign.pause(by="late")
    assert len(records(stage)) == 3
    events = {event.type: event.data for event in stage.services.events.since(source=campaign.id)}
    assert (events["campaign.paused"]["by"], events["campaign.paused"]["why"]) == ("ann", "wrong text")
    assert "why" not in events["campaign.resumed"]


def test_decisions_about_batches(stage: Stage) -> None:
    stage.sandbox.change(list_bulk=False)
    stage.sandbox.fault("reset_after", "sendBulkViber")
    campaign = enqueue(stage.services, bulk_job(phones(2)))
    stage.until(lambda: campaign.status().requests.get("held") == 1)
    assert audited(stage) == []
    assert campaign.resolve("write-off", by="ann", why="asked them") == 1
    assert campaign.resolve("write-off", by="ann", why="asked them") == 0
    assert audited(stage) == [("batch.resolved", f"{campaign.id}-0", "ann", "asked them", "write-off", 2)]


def test_batches_that_the_gateway_refused(stage: Stage) -> None:
    stage.sandbox.fault("refuse", "sendBulkViber", text="Alphaname is not valid")
    campaign = enqueue(stage.services, bulk_job(phones(3)))
    stage.until(lambda: campaign.status().requests.get("rejected") == 1)
    assert campaign.retry(by="ann", why="registered now") == 1
    assert audited(stage) == [("batch.retried", f"{campaign.id}-0", "ann", "registered now", "", 3)]


def test_optouts(stage: Stage) -> None:
    services = stage.services
    Client.over(services).optouts.add([ONE], why="asked", by="ann")
    Client.over(services).optouts.add(phones(3))
    Client.over(services).optouts.add(phones(3), by="nobody new")
    services.optouts.add(["375259999999"], "STOP", "recipient")
    Client.over(services).optouts.remove(phones(2), by="bob", why="asked back")
    Client.over(services).optouts.remove(phones(2))
    assert audited(stage) == [
        ("optouts.added", MASKED, "ann", "asked", "", 1),
        ("optouts.added", "", "application", "", "", 2),
        ("optouts.removed", "", "bob", "asked back", "", 2),
    ]


def test_erasing_a_person(stage: Stage) -> None:
    Client.over(stage.services).optouts.add([ONE])
    person.erase(stage.services, ONE, by="ann", why="letter of 1 May")
    person.erase(stage.services, ONE, optout_too=True)
    assert audited(stage)[1:] == [
        ("person.erased", MASKED, "ann", "letter of 1 May", "", None),
        ("person.erased", MASKED, "application", "", "", None),
        ("optouts.removed", MASKED, "application", "", "", 1),
    ]
    raw = stage.services.store.ask(Redis.xrange, stage.services.store.keys.audit(), "-", "+")
    assert ONE not in str(raw)


def test_accounts(stage: Stage) -> None:
    resume_account(stage.services, "default", "early")
    stage.services.limiter.pause("default", 60, "refused")
    resume_account(stage.services, "default", "ann", "topped up")
    assert audited(stage) == [("account.resumed", "default", "ann", "topped up", "", None)]


def test_the_store(stage: Stage) -> None:
    stage.step()
    declare_restored(stage.services, "ann")
    withdraw_doubt(stage.services, "bob")
    withdraw_doubt(stage.services, "twice")
    assert [(record.deed, record.by) for record in reversed(records(stage))] == [
        ("store.restored", "ann"),
        ("store.lost_nothing", "bob"),
    ]


def test_newest_first_and_for_a_while(stage: Stage) -> None:
    audit, store = Audit(stage.services.store), stage.services.store
    for number in range(501):
        audit.note(Act(Deed.PERSON_ERASED, str(number)))
    assert [record.of for record in records(stage)] == [str(number) for number in range(500, -1, -1)]
    assert records(stage, store.now_ms() + 1000) == []
    now_ms, _ = store.redis.time()
    store.ask(Redis.xadd, store.keys.audit(), {"deed": "later.version", "at_ms": now_ms * 1000})
    with default_services_are(stage.services):
        sweep(stage.services)
    assert len(records(stage)) == 502
    audit.trim(-10_000)
    assert records(stage) == []


def test_a_call_that_is_repeated_is_noted_once(stage: Stage) -> None:
    store = stage.services.store
    for call in ("one", "one", "two", "one"):
        store.run("record_act", [store.keys.audit()], [packed(Act(Deed.PERSON_ERASED, "x")), call])
    assert len(records(stage)) == 2


def test_every_deed_has_words() -> None:
    assert all(deed.words for deed in Deed)
