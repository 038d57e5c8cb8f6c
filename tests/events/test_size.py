"""What the events of single messages take of the store's memory: an application may send millions of them."""

from __future__ import annotations

from campaigns.enqueue_many import enqueue_many
from campaigns.flow.scheduling.work import work
from campaigns.store.commands import Redis
from tests.support.jobs import quick_job
from tests.support.stage import Stage

MESSAGES = 200
#: Of a message, in bytes: five events, from its acceptance here until it is settled.
LIMIT = 1024


def test_the_events_of_a_single_message_take_less_than_a_kilobyte(stage: Stage) -> None:
    jobs = [quick_job(f"37529{n:07d}", follow="none", replies=False) for n in range(MESSAGES)]
    enqueued = enqueue_many(stage.services, jobs)
    done = 0
    while done < MESSAGES:
        done += work(stage.services, "quick", overlap=16)
    events, store = stage.services.store.keys.events(), stage.services.store
    assert {one.campaign.status().state for one in enqueued if one.campaign} == {"finished"}
    assert store.ask(Redis.xlen, events) == 5 * MESSAGES
    assert store.ask(Redis.memory_usage, events, 0) < LIMIT * MESSAGES
