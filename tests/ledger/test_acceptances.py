"""What the gateway accepted is recorded in one script for several messages, as one script for each part would do it."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from campaigns.accounts.limiter import Permit
from campaigns.errors import StoreError
from campaigns.flow.outcome import MAY_RECORD, accepted
from campaigns.gateway.noting import OK, Made, raises_of
from campaigns.ledger import Claim, Move
from campaigns.ledger.states import ACCEPTED, HELD, UNKNOWN
from campaigns.measures import flat
from campaigns.services import Services
from campaigns.store.calls import Calls
from campaigns.store.client import Store
from campaigns.store.keys import Keys
from campaigns.wiring import build_services
from tests.support.claims import claimed
from tests.support.jobs import phones, quick_job
from tests.support.stage import Stage
from tests.support.twice import contents

NOTES = [Made("sendQuickViberMessage", OK, 0.03)]
#: The gateway's clock.
CLOCK_MS = 1_796_000_000_000
UNFOLLOWED = {"follow": "none", "replies": False}
#: A campaign's fields and what they are before its message is recorded.
Before = Callable[[Services, Claim], object]


def several_calls(services: Services, claim: Claim, move: Move, ids: dict[int, int]) -> Calls:
    """One script for the ids, one for the move and one for the permit."""
    batch, calls = claim.batch, Calls()
    recorded = services.deliveries.record_message_ids_call(batch, ids, services.ms.retention)
    assert recorded is not None
    calls.add(recorded)
    calls.add(services.batches.move_call(batch, move, from_states=MAY_RECORD[ACCEPTED], fence=claim.fence))
    permit = Permit(batch.account, claim.fence)
    calls.add(services.limiter.release_call(permit, used=True, outcome="ok", notes=NOTES))
    return calls


def one_call(services: Services, claim: Claim, move: Move, ids: dict[int, int]) -> Calls:
    raises = flat(raises_of(NOTES))
    return Calls(
        services.acceptances.call(
            claim.batch, move, ids, from_states=MAY_RECORD[ACCEPTED], raises=raises, clock_ms=CLOCK_MS
        )
    )


def written(services: Services) -> dict[str, Any]:
    """Everything in the store, but for the ids of entries of streams."""
    found = {name: value for name, (value, _) in contents(services.store).items()}
    for name in ("events", "audit"):
        if name in found:
            found[name] = [fields for _, fields in found[name][0]]
    return found


def with_prefix(services: Services, prefix: str, now_ms: int) -> Services:
    """The same services on a copy of all keys, at a time that stands still."""
    old = services.store
    for name in old.redis.scan_iter(match=old.keys.prefix + "*", count=1000):
        old.redis.copy(name, prefix + name.decode().removeprefix(old.keys.prefix))
    return build_services(services.settings, store=Store(old.redis, Keys(prefix), now_ms=lambda: now_ms))


def moved_to(state: str) -> Before:
    def move(services: Services, claim: Claim) -> None:
        assert services.batches.move(claim.batch, Move(state, {"reason": "a test"}), from_states={"sending"})

    return move


def fields(of: str, **values: str) -> Before:
    def write(services: Services, claim: Claim) -> None:
        keys, batch = services.store.keys, claim.batch
        names = {"batch": keys.batch(batch.id), "campaign": keys.campaign(batch.campaign_id)}
        name = names.get(of) or keys.account(batch.account)
        services.store.redis.hset(name, mapping={k: claim.fence if v == "fence" else v for k, v in values.items()})

    return write


def permit_over(services: Services, claim: Claim) -> None:
    services.store.redis.delete(services.store.keys.permits(claim.batch.account) + ":busy")


@pytest.mark.parametrize(
    "before",
    [
        lambda *_: None,
        moved_to(UNKNOWN),
        fields("batch", fence="another"),
        fields("batch", state="planned", reserved="", returned="5", returned_each="5", returned_on="2026-01-01"),
        fields("batch", state="rejected"),
        fields("batch", cap="1"),
        fields("campaign", state="finished"),
        fields("campaign", state="cancelling"),
        fields("campaign", **{"r:total": "7"}),
        fields("account", failures="3"),
        fields("account", failures="9", open_until_ms="5", probe="fence", trips="2"),
        permit_over,
    ],
)
@pytest.mark.parametrize("asked", [{}, UNFOLLOWED], ids=["followed", "unfollowed"])
def test_one_script_writes_what_several_write(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, before: Before, asked: dict[str, Any]
) -> None:
    campaign = stage.enqueue(quick_job(*phones(1), correlation_id="known", **asked))
    claim = claimed(stage.services, f"{campaign.id}-0")
    before(stage.services, claim)
    monkeypatch.setattr("campaigns.accounts.limiter.clock_ms", lambda _: CLOCK_MS)
    found = []
    for number, way in enumerate((several_calls, one_call)):
        services = with_prefix(stage.services, f"{number}:{stage.services.store.keys.prefix}", claim.now_ms + 40)
        with monkeypatch.context() as same:
            same.setattr(secrets, "token_hex", lambda *_: "always the same")
            way(services, claim, _move(services, claim, settles=bool(asked)), {0: 77}).run(services.store)
        found.append(written(services))
    assert found[0] == found[1]


def _move(services: Services, claim: Claim, *, message_id: int = 77, settles: bool) -> Move:
    move = accepted(claim.batch, claim.now_ms, services.settings, message_ids={0: message_id}).move
    return Move(move.to, move.data, move.fields, move.due, settles=settles)


class TestSeveral:
    """Messages whose acceptances share a call."""

    @pytest.fixture
    def claims(self, stage: Stage) -> list[Claim]:
        """Three messages of one campaign, and one of another."""
        several = stage.enqueue(quick_job(*phones(3), **UNFOLLOWED))
        other = stage.enqueue(quick_job(*phones(1, start=10), **UNFOLLOWED))
        ids = [*(f"{several.id}-{n}" for n in range(3)), f"{other.id}-0"]
        return sorted(_claims(stage.services, len(ids)), key=lambda claim: ids.index(claim.batch.id))

    def test_each_is_recorded(self, stage: Stage, claims: Sequence[Claim]) -> None:
        replies = _record(stage.services, claims)
        assert list(replies) == [True] * 4
        read = stage.services.batches.read_many([claim.batch.id for claim in claims])
        assert [batch.message_ids for batch in read] == [{0: 100}, {0: 101}, {0: 102}, {0: 103}]
        for campaign_id in {claim.batch.campaign_id for claim in claims}:
            assert stage.services.campaigns.read(campaign_id).state == "finished"

    def test_one_that_was_claimed_anew_is_left_alone(self, stage: Stage, claims: Sequence[Claim]) -> None:
        fields("batch", fence="another")(stage.services, claims[1])
        assert list(_record(stage.services, claims)) == [True, False, True, True]
        assert stage.services.batches.read(claims[1].batch.id).message_ids == {}

    def test_one_that_cannot_be_recorded_keeps_no_other_from_it(self, stage: Stage, claims: Sequence[Claim]) -> None:
        store = stage.services.store
        store.redis.set(store.keys.batch(claims[1].batch.id), "not a hash")
        answers = _record(stage.services, claims)
        assert next(answers)
        with pytest.raises(StoreError, match="WRONGTYPE"):
            next(answers)
        read = stage.services.batches.read_many([claims[n].batch.id for n in (0, 2, 3)])
        assert {batch.state for batch in read} == {"settled"}

    def test_while_the_store_takes_no_writes_none_is_recorded(self, stage: Stage, claims: Sequence[Claim]) -> None:
        """All of it is refused, so that the worker writes it again."""
        redis = stage.services.store.redis
        redis.config_set("maxmemory", 1)
        try:
            with pytest.raises(StoreError, match="maxmemory"):
                _record(stage.services, claims)
        finally:
            redis.config_set("maxmemory", 0)
        assert all(_record(stage.services, claims))

    def test_they_are_one_call_of_the_script(
        self, stage: Stage, claims: Sequence[Claim], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        called: list[str] = []
        original = Store.run_in_turn
        monkeypatch.setattr(
            Store, "run_in_turn", lambda self, calls: called.extend(c[0] for c in calls) or original(self, calls)
        )
        assert all(_record(stage.services, claims))
        assert called == ["record_accepted"]


def _claims(services: Services, number: int) -> list[Claim]:
    taken = services.turns.begin("quick", "test", 0).take_call(number, 0).run(services.store).taken
    return [claim for claim in taken if isinstance(claim, Claim)]


def _record(services: Services, claims: Sequence[Claim]) -> Iterator[bool]:
    """Whether each was moved; raises what its record failed by."""
    calls, ids = Calls(), itertools.count(100)
    replies = []
    for claim, message_id in zip(claims, ids, strict=False):
        move, raises = _move(services, claim, message_id=message_id, settles=True), flat(raises_of(NOTES))
        call = services.acceptances.call(
            claim.batch, move, {0: message_id}, from_states=MAY_RECORD[ACCEPTED], raises=raises
        )
        replies.append(calls.add(call))
    calls.run(services.store)
    return (reply.value for reply in replies)


def test_a_move_that_is_not_in_the_table_is_refused(stage: Stage) -> None:
    campaign = stage.enqueue(quick_job(*phones(1)))
    claim = claimed(stage.services, f"{campaign.id}-0")
    with pytest.raises(ValueError, match="accepted does not follow settled"):
        stage.services.acceptances.call(
            claim.batch, Move(ACCEPTED), {0: 1}, from_states=frozenset({"settled", HELD}), raises=[]
        )
