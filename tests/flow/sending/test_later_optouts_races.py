"""Opt-outs between the check of a batch and its claim, and between two workers that check the same batch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from campaigns.flow.scheduling.work import work
from campaigns.flow.sending.later_optouts import exclude_later
from campaigns.flow.sending.send import send_taken
from campaigns.ledger import SEND, Claim, Entry, OutdatedSuppression, ToCheck
from campaigns.services import Services
from campaigns.store.commands import Redis
from tests.support import claims
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.stage import Stage


def sent(stage: Stage) -> list[str]:
    return sorted(row["phone"] for row in stage.sandbox.ledger())


def due_again(stage: Stage, batch_id: str) -> None:
    """Due now, and not only once the worker that checks it must have died."""
    services = stage.services
    services.due.put(Entry(SEND, batch_id), services.batches.read(batch_id), services.now_ms())


def test_opted_out_between_check_and_claim(stage: Stage) -> None:
    """The claim itself compares the list: no moment is left between check and claim."""
    services = stage.services
    campaign = stage.enqueue(bulk_job(phones(3)))
    services.optouts.add(phones(1))
    outdated = claims.claim(services, f"{campaign.id}-0")
    assert isinstance(outdated, ToCheck)
    exclude_later(services, f"{campaign.id}-0", outdated.outdated)
    services.optouts.add([phones(3)[1]])
    assert isinstance(claims.claim(services, f"{campaign.id}-0"), ToCheck)
    due_again(stage, f"{campaign.id}-0")
    stage.finish(campaign)
    assert sent(stage) == phones(3)[2:]


def test_two_workers_check_the_same_batch(stage: Stage) -> None:
    """The slower worker's older check changes nothing: no recipient is counted twice or comes back."""
    services = stage.services
    campaign = stage.enqueue(bulk_job(phones(4)))
    batch_id = f"{campaign.id}-0"
    services.optouts.add(phones(1))
    slow = claims.claim(services, batch_id)
    services.optouts.add([phones(4)[1]])
    quick = claims.claim(services, batch_id)
    assert isinstance(slow, ToCheck)
    assert isinstance(quick, ToCheck)
    exclude_later(services, batch_id, quick.outdated)
    exclude_later(services, batch_id, slow.outdated)
    exclude_later(services, batch_id, quick.outdated)
    assert campaign.status().recipients["opted_out"] == 2
    assert len(list(campaign.excluded())) == 2
    due_again(stage, batch_id)
    stage.finish(campaign)
    assert sent(stage) == phones(4)[2:]


def test_a_claimed_batch_is_left_alone(stage: Stage) -> None:
    """From the claim on the request may be on its way."""
    services = stage.services
    campaign = stage.enqueue(bulk_job(phones(2)))
    batch = services.batches.read(f"{campaign.id}-0")
    assert isinstance(claims.claim(services, batch.id), Claim)
    services.optouts.add(phones(1))
    exclude_later(services, batch.id, OutdatedSuppression("0:0", "1:1"))
    assert campaign.status().recipients["sending"] == 2


def test_cancelled_while_it_is_checked(stage: Stage) -> None:
    services = stage.services
    campaign = stage.enqueue(bulk_job(phones(2)))
    services.optouts.add(phones(1))
    outdated = claims.claim(services, f"{campaign.id}-0")
    assert isinstance(outdated, ToCheck)
    campaign.cancel()
    exclude_later(services, f"{campaign.id}-0", outdated.outdated)
    assert campaign.status().recipients["cancelled"] == 2
    stage.check(campaign)


def test_while_the_list_grows_without_end(stage: Stage) -> None:
    """A worker neither hangs nor sends unchecked: the batch is due again."""
    campaign = stage.enqueue(bulk_job(phones(2)))
    batch = stage.services.batches.read(f"{campaign.id}-0")
    numbers = iter(range(10_000_000))
    among = stage.services.optouts.among
    growing = type("Growing", (), {"among": lambda _, *asked: (_add(stage, next(numbers)), among(*asked))[1]})()
    services = _with(stage, growing)
    _add(stage, 9_999_999)
    for _ in range(10):
        taken = claims.claim(services, batch.id)
        assert isinstance(taken, ToCheck)
        claims.finish(services.store, send_taken(services, taken, 0.0))
    assert campaign.status().recipients["planned"] == 2
    assert stage.services.due.depth("bulk", stage.services.now_ms() + 2000)[0] == 1


def test_body_that_has_expired(stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(2)))
    stage.services.store.ask(Redis.delete, stage.services.store.keys.body(f"{campaign.id}-0"))
    stage.services.optouts.add(phones(1))
    stage.finish(campaign)
    assert campaign.status().recipients["rejected"] == 2


@pytest.mark.parametrize("kind", ["bulk", "quick"])
def test_many_opt_outs_while_many_workers_send(make_stage: Callable[..., Stage], kind: str) -> None:
    """Recipients who were on the list before the claim get nothing, all others one message."""
    stage = make_stage(recipients_per_request=5)
    people = phones(60)
    campaign = stage.enqueue(bulk_job(people) if kind == "bulk" else quick_job(*people))
    record = stage.services.campaigns.read(campaign.id)

    def send() -> None:
        for _ in record.batch_ids():
            work(stage.services, record.kind, overlap=2, patience_s=0)

    workers = [threading.Thread(target=send) for _ in range(3)]
    for worker in workers:
        worker.start()
    for phone in people[::7]:
        stage.services.optouts.add([phone])
    for worker in workers:
        worker.join()
    stage.finish(campaign)
    gone = [one.phone for one in campaign.excluded() if one.reason == "opted_out"]
    assert sorted([*sent(stage), *gone]) == people
    assert set(gone) <= set(people[::7])


def _add(stage: Stage, number: int) -> None:
    stage.services.optouts.add([f"37525{number:07d}"])


def _with(stage: Stage, optouts: Any) -> Services:
    return replace(stage.services, optouts=optouts)
