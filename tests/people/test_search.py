"""Search: every campaign that is kept, some hundred in one round trip."""

from __future__ import annotations

from itertools import islice

import pytest

from campaigns.enqueue_many import enqueue_many
from campaigns.errors import ErasureBlockedError
from campaigns.ledger.index import CampaignIndex
from campaigns.ledger.states import OVER
from campaigns.people import PersonHistory
from campaigns.person import erase, find_person
from campaigns.results import Reply
from campaigns.store.client import Store
from campaigns.store.commands import Redis, command
from tests.support.jobs import bulk_job, phones, quick_job, sample_job
from tests.support.loads import weigh
from tests.support.stage import Stage

NUMBER = 1200


def one_by_one(stage: Stage, phone: str) -> list[PersonHistory]:
    """What is found where each campaign is searched by itself."""
    people = stage.services.people
    return [found for campaign in people.campaigns(None) if (found := people.trace(campaign, phone))]


def test_single_messages_share_round_trips(stage: Stage) -> None:
    """A code of some minutes ago lies behind a thousand others, without a status or with one."""
    people, services = phones(NUMBER), stage.services
    assert not any(one.error for one in enqueue_many(services, [quick_job(phone) for phone in people]))
    loads = weigh(services.store)
    (found,) = find_person(services, people[0])
    assert found.messages[0].state == "planned"
    assert loads.round_trips < 40
    assert loads.sent < 60_000
    keys, all_ids = services.store.keys, [i for page in services.campaigns.index.pages(500) for i in page]
    rows = [command(Redis.hset, keys.deliveries(f"{i}-0", 0), "375297777777", "READ|5|7|0") for i in all_ids]
    services.store.ask_many(rows)
    services.store.ask(Redis.hset, keys.deliveries(f"{all_ids[600]}-0", 0), people[0], "READ|5|7|0")
    before = loads.round_trips
    assert [trace.campaign_id for trace in find_person(services, people[0])] == [all_ids[600]]
    assert loads.round_trips - before < 40


def test_found_as_if_each_campaign_were_searched_by_itself(stage: Stage) -> None:
    """Whatever tells the phone: a body, a status, a reply, a row of excluded recipients."""
    services, (one, other, third) = stage.services, phones(3)
    services.optouts.add([third])
    jobs = [quick_job(one), quick_job(third), quick_job(other, one), bulk_job([one, other]), bulk_job([other, third])]
    jobs += [bulk_job([other, f"+{one[:3]} ({one[3:5]}) {one[5:8]}-{one[8:]}", one]), sample_job(schedule=None)]
    jobs += [bulk_job([other, *[third] * 30])]
    campaigns = [stage.enqueue(job) for job in jobs]
    for phone in (one, other, third, "375259999999"):
        assert list(find_person(services, phone)) == one_by_one(stage, phone)
    stage.until(lambda: all(campaign.status().state in OVER for campaign in campaigns))
    batch = services.batches.read(f"{campaigns[0].id}-0")
    services.replies.add(batch, [Reply("1", third, "Yes", 5, batch.id, "")])
    services.replies.add(batch, [Reply(str(n), other, "Yes", 5, batch.id, "") for n in range(2, 30)])
    for phone in (one, other, third, "375259999999"):
        assert list(find_person(services, phone)) == one_by_one(stage, phone)
    assert [len(list(find_person(services, phone))) for phone in (one, other, third)] == [4, 6, 4]


def test_only_the_newest(stage: Stage) -> None:
    ids = [stage.enqueue(quick_job(*phones(1))).id for _ in range(5)]
    assert [found.campaign_id for found in find_person(stage.services, phones(1)[0], campaigns=2)] == [ids[4], ids[3]]
    assert [found.campaign_id for found in find_person(stage.services, phones(1)[0])] == ids[::-1]


@pytest.mark.parametrize("per_ms", [1, 7, 1000])
def test_pages_of_the_index(store: Store, per_ms: int) -> None:
    """Each id comes once, though others come and expire meanwhile, and however many were made at the same time."""
    made = {f"{number:04}": number // per_ms for number in range(100)}
    store.ask(Redis.zadd, store.keys.index(), made)
    pages = CampaignIndex(store).pages(9)
    found = [i for page in islice(pages, 3) for i in page]
    store.ask(Redis.zadd, store.keys.index(), {f"9{number:03}": 1000 for number in range(20)})
    store.ask(Redis.zrem, store.keys.index(), *found[:9], "0010", "0011")
    found += [i for page in pages for i in page]
    assert [i for i in found if i < "9"] == [i for i in sorted(made, reverse=True) if i not in {"0010", "0011"}]


def test_expired_campaigns_are_passed_over(stage: Stage) -> None:
    campaign, store = stage.enqueue(quick_job(*phones(1))), stage.services.store
    store.ask(Redis.zadd, store.keys.index(), {f"{number:021x}": number for number in range(700)})
    assert [found.campaign_id for found in find_person(stage.services, phones(1)[0])] == [campaign.id]
    assert [found.id for found in stage.services.campaigns.newest()] == [campaign.id]


def test_digits_of_another_script(stage: Stage) -> None:
    """They are read as a phone, so that who was excluded by them is found, and is erased."""
    (phone, other) = phones(2)
    arabic = phone.translate({ord(digit): ord("٠") + int(digit) for digit in "0123456789"})
    campaign = stage.enqueue(bulk_job([phone, arabic, other]))
    (found,) = find_person(stage.services, phone)
    assert [reason for reason, _ in found.excluded] == ["duplicate"]
    stage.finish(campaign)
    assert erase(stage.services, phone).excluded == 1
    assert list(campaign.excluded()) == []


def test_erasing_costs_no_round_trip_for_each_campaign(stage: Stage) -> None:
    people, services = phones(NUMBER), stage.services
    assert not any(one.error for one in enqueue_many(services, [quick_job(phone) for phone in people]))
    loads = weigh(services.store)
    with pytest.raises(ErasureBlockedError):
        erase(services, people[0])
    assert loads.round_trips < 40
