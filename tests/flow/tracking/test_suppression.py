"""Suppression by result: who could not be reached is left out until they are seen again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from campaigns.person import erase
from campaigns.preview import preview
from campaigns.results import Reply
from campaigns.results.changes import Change
from campaigns.results.reached import reached_and_not
from campaigns.send_test import send_test
from campaigns.statuses import UNKNOWN_FINAL
from campaigns.store.commands import Redis
from tests.support.claims import claimed
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.stage import Stage

MakeStage = Callable[..., Stage]
#: Messages to it end as UNDELIVERED.
GONE = "375291009901"


@pytest.fixture
def stage(make_stage: MakeStage) -> Stage:
    return make_stage(suppress_after=2)


def unreached(stage: Stage, phone: str = GONE) -> int:
    store = stage.services.store
    return int(store.ask(Redis.hget, store.keys.unreached(), phone) or 0)


def test_after_two_messages_in_a_row(stage: Stage) -> None:
    """Excluded, counted, listed, and known of the phone."""
    for text in ("one", "two"):
        assert stage.services.suppressed.of(GONE) is None
        stage.finish(stage.enqueue(bulk_job([GONE, *phones(2)], text=text)))
    assert list(stage.services.suppressed) == [GONE]
    found = stage.services.suppressed.of(GONE)
    assert found is not None
    assert found.messages == 2
    third = stage.enqueue(bulk_job([GONE, *phones(2)], text="three"))
    assert third.status().recipients["suppressed"] == 1
    stage.finish(third)
    (listed,) = third.excluded()
    assert (listed.reason, listed.phone) == ("suppressed", GONE)
    assert preview(stage.services, bulk_job([GONE])).suppressed == 1


def test_counting_begins_anew_after_half_a_year(stage: Stage) -> None:
    """However many phones are never written to again. A later message does not put the end off."""
    store = stage.services.store
    key, half_a_year_ms = store.keys.unreached(), 180 * 86_400_000
    stage.finish(stage.enqueue(bulk_job([GONE], text="one")))
    assert half_a_year_ms - 600_000 < store.ask(Redis.pttl, key) <= half_a_year_ms
    store.ask(Redis.pexpire, key, 600_000)
    stage.finish(stage.enqueue(bulk_job([GONE], text="two")))
    assert store.ask(Redis.pttl, key) <= 600_000
    assert list(stage.services.suppressed) == [GONE]


def test_codes_and_tests_still_go_there(stage: Stage) -> None:
    stage.services.store.ask(Redis.hset, stage.services.store.keys.suppressed(), GONE, "1|2")
    code = stage.enqueue(quick_job(GONE) | {"transactional": True})
    tested = send_test(stage.services, bulk_job(phones(1)), to=GONE)
    stage.finish(code, tested)
    assert [row["phone"] for row in stage.sandbox.ledger()] == [GONE, GONE]


def test_seen_again_by_a_message(stage: Stage) -> None:
    """A message that was delivered ends the row and the suppression."""
    keys, (phone,) = stage.services.store.keys, phones(1)
    stage.services.store.ask(Redis.hset, keys.suppressed(), phone, "1|2")
    stage.services.store.ask(Redis.hset, keys.unreached(), phone, "2")
    stage.finish(stage.enqueue(quick_job(phone) | {"transactional": True}))
    assert stage.services.suppressed.of(phone) is None
    assert unreached(stage, phone) == 0


def test_seen_again_by_a_reply(stage: Stage) -> None:
    stage.services.store.ask(Redis.hset, stage.services.store.keys.suppressed(), GONE, "1|2")
    campaign = stage.enqueue(bulk_job(phones(1)))
    batch = stage.services.batches.read(f"{campaign.id}-0")
    reply = Reply("7", GONE, "hello", 1, batch.id, "")
    stage.services.replies.add(batch, [reply])
    assert not len(stage.services.suppressed)
    stage.services.store.ask(Redis.hset, stage.services.store.keys.suppressed(), GONE, "1|2")
    stage.services.replies.add(batch, [reply])
    assert len(stage.services.suppressed) == 1, "a reply that is known already is no sign of life"


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["SENT", "UNDELIVERED"], 1),
        (["UNDELIVERED", "UNDELIVERED", "BLOCKED"], 1),
        (["EXPIRED"], 0),
        (["EXPIRED", "UNDELIVERED"], 0),
        ([UNKNOWN_FINAL], 0),
        ([UNKNOWN_FINAL, "UNDELIVERED"], 1),
        (["UNDELIVERED", "DELIVERED"], 0),
        (["DELIVERED", "READ"], 0),
        (["REJECTED"], 0),
    ],
)
def test_each_message_counts_once(stage: Stage, statuses: list[str], expected: int) -> None:
    """In whatever order its statuses come, and if one comes twice."""
    campaign = stage.enqueue(bulk_job([GONE]))
    claim = claimed(stage.services, f"{campaign.id}-0")
    services, keys, before = stage.services, stage.services.store.keys, ""
    services.store.ask(Redis.hset, keys.batch(claim.batch.id), "state", "accepted")
    for status in statuses:
        version, _ = services.deliveries.read_versioned(claim.batch.id, 0)
        change = Change(GONE, status, 1, None, 0, before)
        if change.status != before:
            assert services.deliveries.write(claim.batch, 0, [change], version, seen_ms=1) is not None
            # The same against a version that has passed changes nothing.
            assert services.deliveries.write(claim.batch, 0, [change], version, seen_ms=1) is None
        before = status
    assert unreached(stage) == expected


def test_pure_rules() -> None:
    rows: list[tuple[str, str]] = [("", "READ"), ("SENT", "UNDELIVERED"), ("ODD", "UNDELIVERED"), ("NEW", "SENT")]
    changes = [Change(phone, after, 1, None, 0, before) for phone, (before, after) in zip("abcd", rows, strict=True)]
    assert reached_and_not(changes) == (["a"], ["b"])


def test_off_by_default(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.finish(stage.enqueue(bulk_job([GONE])))
    assert unreached(stage) == 0
    stage.services.store.ask(Redis.hset, stage.services.store.keys.suppressed(), GONE, "1|2")
    assert stage.enqueue(bulk_job([GONE])).status().recipients["suppressed"] == 0


def test_a_person_removes_one_or_erases_the_person(stage: Stage) -> None:
    store, (one, other) = stage.services.store, phones(2)
    for phone in (one, other):
        store.ask(Redis.hset, store.keys.suppressed(), phone, "1|2")
        store.ask(Redis.hset, store.keys.unreached(), phone, "2")
    stage.services.suppressed.remove([one, "375290000000"])
    erase(stage.services, other)
    assert [unreached(stage, phone) for phone in (one, other)] == [0, 0]
    assert not len(stage.services.suppressed)
