"""Deliveries: a large mailing is read in portions, and no change is lost in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from campaigns.ledger import Batch, Batches, MailingRecord
from campaigns.results import Deliveries
from campaigns.results.changes import Change
from campaigns.statuses import DEFAULT_FINAL
from campaigns.store.client import Store, decoded
from campaigns.store.commands import Redis
from tests.support.jobs import phones
from tests.support.loads import weigh

LARGE = phones(4000)


def deliveries_of(store: Store) -> Deliveries:
    return Deliveries(store, Batches(store, body_life_ms=1000), final=DEFAULT_FINAL)


def accepted_batch(store: Store) -> Batch:
    mailings = [MailingRecord("m", 0, len(LARGE), None, "fp", "bulk").packed()]
    fields = {"state": "accepted", "kind": "bulk", "account": "main", "v": 0, "final": 0, "n": len(LARGE)}
    key = store.keys.batch("c-0")
    store.ask(Redis.hset, key, None, None, {**fields, "mailings": orjson.dumps(mailings)})
    return Batch.read("c-0", decoded(store.ask(Redis.hgetall, key)))


def changes_to(status: str, *about: str, before: str = "") -> list[Change]:
    return [Change(phone, status, 5, 7, 0, before) for phone in about]


@pytest.fixture
def batch(store: Store) -> Batch:
    return accepted_batch(store)


def test_a_usual_mailing_is_read_in_one_round_trip(store: Store, batch: Batch) -> None:
    deliveries = deliveries_of(store)
    assert deliveries.read_versioned(batch.id, 0) == ("0", {})
    assert not deliveries.any_stored(batch.id, 0)
    assert deliveries.write(batch, 0, changes_to("SENT", *LARGE[:1000]), "0", seen_ms=0) == "1"
    assert deliveries.any_stored(batch.id, 0)
    loads = weigh(store)
    store.ask(Redis.ping)  # the first command of a connection comes after its introduction
    before = loads.round_trips
    assert deliveries.read_versioned(batch.id, 0) == ("1", dict.fromkeys(LARGE[:1000], "SENT|5|7|0"))
    assert loads.round_trips == before + 1


def test_no_script_reads_a_large_mailing_whole(store: Store, batch: Batch) -> None:
    """Each row has 30 bytes: together they are 120,000."""
    deliveries = deliveries_of(store)
    version = deliveries.write(batch, 0, changes_to("SENT", *LARGE), "0", seen_ms=0)
    loads = weigh(store)
    assert deliveries.read_versioned(batch.id, 0) == (version, dict.fromkeys(LARGE, "SENT|5|7|0"))
    assert deliveries.stored(batch.id, 0).keys() == set(LARGE)
    assert 15_000 < loads.answered < 60_000


class Interrupted(Store):
    """A store in which another process writes between two portions."""

    meanwhile: Callable[[], Any] | None = None

    def run(self, name: str, keys: Any, args: Any = ()) -> Any:
        answer = super().run(name, keys, args)
        if name == "read_deliveries" and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return answer


def test_what_others_write_between_two_portions_is_noticed(store: Store, batch: Batch) -> None:
    other = deliveries_of(store)
    version = other.write(batch, 0, changes_to("SENT", *LARGE), "0", seen_ms=0)
    assert version is not None
    interrupted, readings = Interrupted(store.redis, store.keys), changes_to("READ", *LARGE, before="SENT")
    interrupted.meanwhile = lambda: other.write(batch, 0, readings, version, seen_ms=0)
    deliveries = deliveries_of(interrupted)
    seen, stored = deliveries.read_versioned(batch.id, 0)
    assert seen == version
    assert {value.partition("|")[0] for value in stored.values()} == {"SENT", "READ"}
    assert deliveries.write(batch, 0, changes_to("DELIVERED", *LARGE, before="SENT"), seen, seen_ms=0) is None
    assert set(other.stored(batch.id, 0).values()) == {"READ|5|7|0"}


class TestPrice:
    """What a mailing cost counts for a batch that is at the gateway, and once."""

    @pytest.mark.parametrize("state", ["sending", "unknown", "held", "planned"])
    def test_a_server_that_does_not_know_that_it_was_accepted(self, store: Store, batch: Batch, state: str) -> None:
        """A poll began before a replica took the primary's place, which lacks the answer that the gateway gave."""
        store.ask(Redis.hset, store.keys.batch(batch.id), "state", state)
        deliveries_of(store).price(batch, 0, {"EUR": 245_000})
        assert cost_of(store, batch) is None

    def test_another_attempt(self, store: Store, batch: Batch) -> None:
        store.ask(Redis.hset, store.keys.batch(batch.id), "fence", "another")
        deliveries_of(store).price(batch, 0, {"EUR": 245_000})
        assert cost_of(store, batch) is None

    @pytest.mark.parametrize("state", ["accepted", "settled"])
    def test_later_figures_take_the_place_of_earlier_ones(self, store: Store, batch: Batch, state: str) -> None:
        store.ask(Redis.hset, store.keys.batch(batch.id), "state", state)
        for micro in (245_000, 196_000, 196_000):
            deliveries_of(store).price(batch, 0, {"EUR": micro})
        assert cost_of(store, batch) == 196_000


def cost_of(store: Store, batch: Batch) -> int | None:
    cost = store.ask(Redis.hget, store.keys.campaign(batch.campaign_id), "cost:EUR")
    return None if cost is None else int(cost)
