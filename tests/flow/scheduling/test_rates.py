"""A job's rate is kept whatever kept its batches from going out when their turn came."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from campaigns.campaign import Campaign
from campaigns.store.commands import Redis
from tests.support.jobs import bulk_job, phones
from tests.support.moved import Moved
from tests.support.stage import Stage

SOMEBODY = "375291112233"
MINUTE = {"rate": "1/minute"}


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Moved:
    """One recipient a request, so that a rate of one a minute is a request a minute."""
    return paced(make_stage)


def paced(make_stage: Callable[..., Stage], **settings: object) -> Moved:
    return Moved(make_stage(recipients_per_request=1, poll_min_s=600.0, schedule_lead_s=60.0, **settings))


def sent_by(stage: Moved, *seconds: float) -> list[int]:
    """How many messages are at the gateway at each of these times, if workers ask again and again."""
    found = []
    for second in seconds:
        for again in range(4):
            stage.go_to(second + again)
        found.append(len(stage.sandbox.ledger()))
    return found


def held(stage: Moved, campaign: Campaign) -> list[float]:
    """When each batch that came back is due (unix ms)."""
    keys = stage.services.store.ask(Redis.keys, f"{stage.services.store.keys.prefix}due:*bulk*")
    rows = [row for key in keys for row in stage.services.store.ask(Redis.zrange, key, 0, -1, withscores=True)]
    return sorted(at for entry, at in rows if f"|{campaign.id}-".encode() in entry)


def test_with_a_frequency_cap(make_stage: Callable[..., Stage]) -> None:
    stage = paced(make_stage, cap_messages=3)
    stage.enqueue({**bulk_job(phones(5)), **MINUTE})
    assert sent_by(stage, 0, 50, 70, 140) == [1, 1, 2, 3]


def test_after_an_opt_out(stage: Moved) -> None:
    campaign = stage.enqueue({**bulk_job(phones(5)), **MINUTE})
    stage.services.optouts.add([SOMEBODY])
    assert sent_by(stage, 0, 50, 70) == [1, 1, 2]
    stage.services.optouts.add([SOMEBODY[:-1] + "4"])
    assert sent_by(stage, 110, 140, 210, 280) == [2, 3, 4, 5]
    stage.check(campaign)


def test_a_request_whose_recipients_all_opted_out_takes_a_moment(stage: Moved) -> None:
    stage.enqueue({**bulk_job(phones(5)), **MINUTE})
    stage.services.optouts.add(phones(3))
    assert sent_by(stage, 0, 10, 50, 80) == [0, 1, 1, 2]


def windowed(stage: Moved) -> Campaign:
    """Four batches held back by a window of their own, which opens after five minutes: fields as planning writes them
    for several zones."""
    campaign = stage.enqueue({**bulk_job(phones(4)), **MINUTE})
    store, opens = stage.services.store, stage.now_ms() + 300_000
    for number in range(4):
        store.ask(Redis.hset, store.keys.batch(f"{campaign.id}-{number}"), "zone", "BY")
    store.ask(Redis.hset, store.keys.campaign(campaign.id), "open:BY", f"{opens}-{opens + 3_600_000}")
    return campaign


def test_when_the_window_of_each_of_them_opens(stage: Moved) -> None:
    campaign = windowed(stage)
    assert sent_by(stage, 0, 302, 350, 374, 445, 516) == [0, 1, 1, 2, 3, 4]
    stage.check(campaign)


def test_those_held_back_come_due_one_after_another(stage: Moved) -> None:
    """Else each turn would look at all of them to send one."""
    campaign = windowed(stage)
    assert sent_by(stage, 0, 302) == [0, 1]
    waiting = held(stage, campaign)
    assert [later - waiting[0] for later in waiting] == [0, 60_000, 120_000]
    assert sent_by(stage, 365, 426, 488) == [2, 3, 4]


def test_after_pause_and_resume(stage: Moved) -> None:
    campaign = stage.enqueue({**bulk_job(phones(4)), **MINUTE})
    for second in (0, 10, 20):
        assert sent_by(stage, second) == [1]
        campaign.pause()
        campaign.resume()
    assert sent_by(stage, 70) == [2]


def test_after_requests_that_were_refused_for_the_moment(stage: Moved) -> None:
    """What comes back unsent took its turn all the same."""
    stage.sandbox.fault("too_many", "sendBulkViber", retry_after="5")
    campaign = stage.enqueue({**bulk_job(phones(3)), **MINUTE})
    assert sent_by(stage, 0, 30, 70, 140, 215) == [0, 0, 1, 2, 3]
    stage.check(campaign)


def test_cancelling_does_not_wait_for_it(stage: Moved) -> None:
    campaign = windowed(stage)
    assert sent_by(stage, 0, 302) == [0, 1]
    campaign.cancel()
    stage.go_to(310)
    assert (campaign.status().recipients["cancelled"], campaign.status().sent) == (3, 1)
