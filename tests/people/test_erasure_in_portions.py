"""The erasure of a person of whom very much is kept goes in portions, so that no other client of the store waits."""

from __future__ import annotations

import orjson

from campaigns.campaign import Campaign
from campaigns.person import erase
from campaigns.recipients.exclusions import Excluded
from campaigns.results import Reply
from campaigns.store.commands import Redis
from tests.support.events import check_event
from tests.support.jobs import bulk_job, phones
from tests.support.loads import weigh
from tests.support.stage import Stage

TALKER = "375297779909"
NUMBER = 1500


def much_of(stage: Stage, campaign: Campaign) -> list[Excluded]:
    """A person who stood in a job very often, and answered as often. Returns the rows of others, in their order."""
    services, batch = stage.services, stage.services.batches.read(f"{campaign.id}-0")
    store, keys = services.store, services.store.keys
    rows = [("duplicate", f"[{n}]", TALKER if n % 2 else phones(1)[0]) for n in range(2 * NUMBER)]
    store.ask(Redis.rpush, keys.excluded(campaign.id), *(orjson.dumps(row) for row in rows))
    store.ask(Redis.hincrby, keys.campaign(campaign.id), "r:duplicate", len(rows))
    store.ask(Redis.hincrby, keys.campaign(campaign.id), "r:total", len(rows))
    services.replies.add(batch, [Reply(f"{n}", TALKER, "ok", n, batch.id, "") for n in range(NUMBER)])
    return [Excluded(*row) for row in rows[::2]]


def searches(stage: Stage) -> int:
    """How often the server searched a list."""
    return int(stage.services.store.ask(Redis.info, "commandstats").get("cmdstat_lrem", {"calls": 0})["calls"])


def test_very_much(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(2)))
    stage.finish(campaign)
    others, before = much_of(stage, campaign), searches(stage)
    status, kept = campaign.status(), len(stage.events(campaign)) - NUMBER
    loads = weigh(stage.services.store)
    gone = erase(stage.services, TALKER)
    heaviest = loads.sent
    assert (gone.replies, gone.excluded, gone.events, gone.events_left) == (NUMBER, NUMBER, NUMBER, 0)
    assert list(campaign.excluded()) == others
    assert campaign.status() == status
    assert searches(stage) == before
    # What is erased is named by 100,000 bytes.
    assert heaviest < 40_000
    erasures = stage.events(campaign)[kept:]
    assert {event.type for event in erasures} == {"person.erased"}
    for event in erasures:
        check_event(event)
    sums = [sum(event.data[kind] for event in erasures) for kind in ("replies", "excluded", "deliveries", "bodies")]
    assert sums == [NUMBER, NUMBER, 0, 0]
    assert len({sequence for event in erasures for sequence in event.data["events"]}) == NUMBER
    assert erase(stage.services, TALKER).campaigns == 0
    assert len(stage.events(campaign)) == kept + len(erasures)
