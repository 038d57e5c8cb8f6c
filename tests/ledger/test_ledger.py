"""The ledger: compare-and-set, and what a repeated call does."""

from __future__ import annotations

import zlib
from importlib.resources import files

import pytest

from campaigns.errors import StateError, StoreError
from campaigns.ledger import (
    LEASE,
    SEND,
    Batches,
    Campaigns,
    Claim,
    Due,
    Entry,
    MailingRecord,
    Move,
    NewBatch,
    OutdatedSuppression,
    Plan,
    Plans,
    ToCheck,
    Turns,
    drop_plan,
    exclude_planned,
)
from campaigns.ledger.campaigns import CampaignRoute
from campaigns.ledger.states import ACCEPTED, BATCH_STATES, HELD, PLANNED, REACHED_FROM, REJECTED, SENDING, UNKNOWN
from campaigns.ledger.turns import AGAIN_MS
from campaigns.names import CONTROL
from campaigns.planning.batching import Reduced
from campaigns.recipients.exclusions import Excluded
from campaigns.store.calls import Call, Calls, nothing
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from campaigns.store.lua import script_text
from tests.support.claims import UNLIMITED, claim_in, due_sets
from tests.support.plans import open_plan

BODY = b'[{"delivery_list": ["1", "2", "3"]}]'


class Clock:
    """Time that tests move, unix milliseconds."""

    def __init__(self) -> None:
        self.ms = 1_900_000_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(store: Store, clock: Clock) -> Store:
    return Store(store.redis, store.keys, now_ms=clock)


def plan(store: Store, key: str | None = None, batches: int = 2) -> Plan:
    plans = Plans(store, lease_ms=1000, body_life_ms=60_000, lookalikes_life_ms=60_000)
    opened = open_plan(store, plans, key, "n")
    mailing = MailingRecord("m", 0, 3, None, "fp", "bulk")
    opened.add([NewBatch(3, (mailing,), BODY)] * batches)
    return opened


def ready(store: Store, batches: int = 2) -> str:
    opened = plan(store, batches=batches)
    opened.finish("digest", 3 * batches)
    return opened.campaign_id


def claimed(store: Store, campaign_id: str, number: int = 0) -> Claim:
    claim = claim_in(store, f"{campaign_id}-{number}")
    assert isinstance(claim, Claim)
    return claim


class TestPlans:
    """Invisible until complete."""

    def test_nothing_is_due_before_it_is_ready(self, timed: Store) -> None:
        opened = plan(timed)
        assert due_sets(timed) == [timed.keys.due(CONTROL)]
        assert claim_in(timed, f"{opened.campaign_id}-0") is None
        opened.finish("digest", 6)
        assert [claimed(timed, opened.campaign_id, number).batch.attempt for number in range(2)] == [1, 1]

    def test_finish_twice(self, timed: Store) -> None:
        opened = plan(timed)
        opened.finish("digest", 6)
        opened.finish("digest", 6)
        assert Campaigns(timed).read(opened.campaign_id).number("seq") == 1

    def test_a_dropped_plan_leaves_nothing(self, timed: Store) -> None:
        plan(timed, key="k").drop()
        assert list(timed.redis.scan_iter(match=timed.keys.prefix + "*")) == []

    def test_a_silent_producer_is_given_up(self, timed: Store, clock: Clock) -> None:
        opened = plan(timed, key="k")
        assert not drop_plan(timed, opened.campaign_id, key="k")
        clock.ms += 1001
        assert drop_plan(timed, opened.campaign_id, key="k")
        with pytest.raises(StateError):
            opened.finish("digest", 6)
        with pytest.raises(StateError):
            opened.add([NewBatch(1, (), BODY)])
        assert Campaigns(timed).read(opened.campaign_id).state == "abandoned"
        assert isinstance(plan(timed, key="k"), Plan)

    def test_body_is_stored_compressed(self, timed: Store) -> None:
        campaign_id = ready(timed)
        packed = timed.ask(Redis.get, timed.keys.body(f"{campaign_id}-0"))
        assert zlib.decompress(packed) == BODY


class TestClaims:
    """One worker owns a batch."""

    def test_only_one_gets_it(self, timed: Store) -> None:
        campaign_id = ready(timed)
        claim = claimed(timed, campaign_id)
        assert (claim.batch.attempt, claim.batch.state, claim.body) == (1, SENDING, BODY)
        timed.ask(Redis.zadd, timed.keys.due("bulk", "default"), {f"send|{campaign_id}-0": 0})
        assert claimed(timed, campaign_id, 1).batch.attempt == 1
        assert claim_in(timed, f"{campaign_id}-0") is None
        assert Batches(timed, body_life_ms=1000).read(f"{campaign_id}-0").attempt == 1

    def test_a_repeated_call_gets_the_same(self, timed: Store) -> None:
        """The client repeats a command whose answer was lost."""
        campaign_id = ready(timed)
        turn = Turns(timed, limits=UNLIMITED, lease_ms=1000, deadline_ms=1000).begin("bulk", "test", 0)
        call = turn.take_call(1, 0)
        first, second = (call.run(timed).taken for _ in range(2))
        assert first == second
        assert (first[0].batch.id, first[0].batch.attempt) == (f"{campaign_id}-0", 1)
        assert Campaigns(timed).read(campaign_id).number("b:sending") == 1

    def test_paused_campaigns_are_left_alone(self, timed: Store) -> None:
        campaign_id = ready(timed)
        Campaigns(timed).pause(campaign_id, "me")
        assert claim_in(timed, f"{campaign_id}-0") is None
        Campaigns(timed).resume(campaign_id, "me")
        assert claimed(timed, campaign_id).batch.attempt == 1


class TestMoves:
    """From state to state, once."""

    def test_the_fence_decides(self, timed: Store) -> None:
        claim = claimed(timed, ready(timed))
        batches = Batches(timed, body_life_ms=1000)
        assert not batches.move(claim.batch, Move(ACCEPTED), from_states={SENDING}, fence="somebody else's")
        assert batches.move(claim.batch, Move(ACCEPTED), from_states={SENDING}, fence=claim.fence)
        assert not batches.move(claim.batch, Move(REJECTED), from_states={SENDING}, fence=claim.fence)

    def test_a_late_answer_beats_doubt(self, timed: Store) -> None:
        claim = claimed(timed, ready(timed))
        batches = Batches(timed, body_life_ms=1000)
        assert batches.move(claim.batch, Move(UNKNOWN), from_states={SENDING})
        assert batches.move(claim.batch, Move(ACCEPTED), from_states={SENDING, UNKNOWN, HELD}, fence=claim.fence)

    def test_an_older_attempt_cannot_record(self, timed: Store) -> None:
        campaign_id = ready(timed, batches=1)
        first = claimed(timed, campaign_id)
        batches = Batches(timed, body_life_ms=1000)
        assert batches.move(first.batch, Move(PLANNED, due={SEND: 0, LEASE: None}), from_states={SENDING})
        second = claimed(timed, campaign_id)
        assert second.batch.attempt == 2
        assert not batches.move(first.batch, Move(ACCEPTED), from_states={SENDING}, fence=first.fence)

    def test_what_may_not_follow(self, timed: Store) -> None:
        claim = claimed(timed, ready(timed))
        with pytest.raises(ValueError, match="planned does not follow"):
            Batches(timed, body_life_ms=1000).move(claim.batch, Move(PLANNED), from_states={ACCEPTED})

    def test_every_state_can_be_reached(self) -> None:
        assert set(REACHED_FROM) == set(BATCH_STATES)
        assert REACHED_FROM[SENDING] == {PLANNED}
        assert SENDING not in REACHED_FROM[ACCEPTED] - {SENDING}

    def test_an_unbalanced_campaign_does_not_finish(self, timed: Store) -> None:
        campaign_id = ready(timed, batches=1)
        claim = claimed(timed, campaign_id)
        timed.ask(Redis.hincrby, timed.keys.campaign(campaign_id), "r:total", 1)
        assert Batches(timed, body_life_ms=1000).move(claim.batch, Move(REJECTED), from_states={SENDING})
        campaign = Campaigns(timed).read(campaign_id)
        assert campaign.state == "ready"
        assert not campaign.balanced
        last = timed.ask(Redis.xrevrange, timed.keys.events(), "+", "-", 1)[0][1]
        assert last[b"type"] == b"campaign.unbalanced"


class TestDue:
    """What is due when."""

    def taken(self, timed: Store) -> list[Entry]:
        turn = Turns(timed, limits=UNLIMITED, lease_ms=1000, deadline_ms=1000).begin("control", "test", 0)
        return turn.take_call(1, 0).run(timed).taken

    def test_taken_entries_come_back(self, timed: Store, clock: Clock) -> None:
        Due(timed).put_control(Entry("lease", "c-0"), clock.ms)
        assert self.taken(timed) == [Entry("lease", "c-0")]
        assert self.taken(timed) == []
        clock.ms += AGAIN_MS
        assert self.taken(timed) == [Entry("lease", "c-0")]

    def test_scripts_that_the_server_forgot_take_no_second_entry(self, timed: Store, clock: Clock) -> None:
        due = Due(timed)
        for number in range(2):
            due.put_control(Entry("lease", f"c-{number}"), clock.ms)
        turn = Turns(timed, limits=UNLIMITED, lease_ms=1000, deadline_ms=1000).begin("control", "test", 0)
        keys = [timed.keys.batch("c-0"), timed.keys.campaign("c")]
        price = Call("record_cost", keys, [0, "BYN", 1], nothing)
        calls = Calls()
        first = calls.add(turn.take_call(1, 0))
        calls.add(price)
        calls.run(timed)
        assert first.value.taken == [Entry("lease", "c-0")]
        timed.redis.script_flush()
        price.run(timed)  # loads one of the two
        calls = Calls()
        second = calls.add(turn.take_call(1, 0))
        calls.add(price)
        calls.run(timed)
        assert second.value.taken == [Entry("lease", "c-1")]
        assert due.depth("control", clock.ms)[0] == 0
        clock.ms += AGAIN_MS
        assert due.depth("control", clock.ms)[0] == 2

    def test_missing_ones_are_added_and_others_left_alone(self, timed: Store, clock: Clock) -> None:
        due = Due(timed)
        of = CampaignRoute("bulk", "shop", None)
        due.put(Entry("poll", "c-0"), of, clock.ms + 9000)
        wanted = [(Entry("poll", "c-0"), of, clock.ms), (Entry("poll", "c-1"), of, clock.ms)]
        assert due.put_missing(wanted) == 1
        assert due.depth("poll", clock.ms) == (1, clock.ms)
        assert due.depth("poll", clock.ms + 9000)[0] == 2


def test_scripts_name_no_keys() -> None:
    """Every key goes through KEYS."""
    names = [path.name for path in files("campaigns.store.lua").iterdir() if path.name.endswith(".lua")]
    assert len(names) > 15
    for name in names:
        text = script_text(name.removesuffix(".lua"))
        assert "campaigns:" not in text
        assert "-- KEYS:" in text
        assert "-- Returns:" in text


def test_errors_of_the_server_are_ours(store: Store) -> None:
    store.ask(Redis.set, store.keys.active(), "not a set")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        store.ask(Redis.smembers, store.keys.active())


def test_an_exclusion_is_counted_once(timed: Store) -> None:
    """The client repeats a command whose answer was lost: no recipient is counted twice."""
    campaign_id = ready(timed, batches=1)
    timed.ask(Redis.sadd, timed.keys.optouts(), "2")
    batches = Batches(timed, body_life_ms=1000)
    found = claim_in(timed, f"{campaign_id}-0")
    assert found == ToCheck(f"{campaign_id}-0", OutdatedSuppression("0:0", "0:1"))
    outdated = found.outdated
    batch = batches.read(f"{campaign_id}-0")
    reduced = Reduced(b"[]", {0: (2, "fp2")}, ["2"])
    assert exclude_planned(timed, batch, outdated, reduced, [("opted_out", 0, "2")], 60_000)
    assert not exclude_planned(timed, batch, outdated, reduced, [("opted_out", 0, "2")], 60_000)
    record = Campaigns(timed).read(campaign_id)
    assert (record.recipients[PLANNED], record.recipients["opted_out"], record.balanced) == (2, 1, True)
    assert list(Campaigns(timed).excluded(campaign_id)) == [Excluded("opted_out", f"{campaign_id}-0", "2", mailing=0)]
    assert [list(batches.lookalikes(word)) for word in ("fp", "fp2")] == [[], [(f"{campaign_id}-0", 0)]]
    claim = claimed(timed, campaign_id)
    assert (claim.batch.recipients, claim.body) == (2, b"[]")
