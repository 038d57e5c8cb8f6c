"""Claiming one batch by its id, as a worker's turn claims whatever comes first."""

from __future__ import annotations

from campaigns.accounts.limiter import Permit
from campaigns.flow.outcome import Verdict
from campaigns.flow.sending import record as recording
from campaigns.flow.sending.send import send_taken
from campaigns.flow.turn import Work
from campaigns.ledger import SEND, Batches, Claim, Due, Entry, ToCheck, Turns, number_of, queue_of
from campaigns.ledger.states import PLANNED
from campaigns.services import Services
from campaigns.store.client import Store
from campaigns.store.commands import Redis

#: No limit, sixteen requests at once, permits of a minute.
UNLIMITED = [0, 1_000_000, 16, 1, 8, 60_000_000, 0]


def claim(services: Services, batch_id: str) -> Claim | ToCheck | None:
    """The claim of a batch that is first in its queue; None if it cannot be claimed."""
    return _claim(services.store, services.turns, services.batches, batch_id)


def claimed(services: Services, batch_id: str) -> Claim:
    """The claim of a batch that is first in its queue, where no opt-out asks for a check."""
    found = claim(services, batch_id)
    assert isinstance(found, Claim)
    return found


def claim_in(store: Store, batch_id: str, *, lease_ms: int = 60_000) -> Claim | ToCheck | None:
    """The same with nothing but a store."""
    turns = Turns(store, limits=UNLIMITED, lease_ms=lease_ms, deadline_ms=30_000)
    return _claim(store, turns, Batches(store, body_life_ms=1000), batch_id)


def _claim(store: Store, turns: Turns, batches: Batches, batch_id: str) -> Claim | ToCheck | None:
    one = _take(store, turns, batches, batch_id)
    assert one is None or (one.batch_id if isinstance(one, ToCheck) else one.batch.id) == batch_id
    return one


def _take(store: Store, turns: Turns, batches: Batches, batch_id: str) -> Claim | ToCheck | None:
    """What is first in the queue of a batch."""
    batch = batches.read(batch_id)
    cursor = int(store.ask(Redis.hget, store.keys.campaign(batch.campaign_id), "cursor") or 0)
    if batch.state == PLANNED and number_of(batch_id) < cursor:
        # It was handed out and came back, and is due later.
        Due(store).put(Entry(SEND, batch_id), batch, 0)
    turn = turns.begin(queue_of(SEND, batch.kind), "test", 0)
    taken = turn.take_call(1, 0).run(store).taken
    return taken[0] if taken else None


def record(services: Services, claim: Claim, permit: Permit, verdict: Verdict) -> bool:
    """Write a verdict by itself. Whether the batch took it."""
    finish(services.store, recording.record(services, claim, permit, verdict, took_ms=0))
    batch = services.batches.read(claim.batch.id)
    fields = {name: str(value) for name, value in verdict.move.fields.items()}
    return batch.state == verdict.move.to and fields.items() <= batch.fields.items()


def finish(store: Store, work: Work) -> None:
    """Do work to its end, with round trips of its own where a turn would share them with other work."""
    for calls in work:
        calls.run(store)


def send(services: Services, batch_id: str) -> bool:
    """Send one batch, and what comes before it in its queue, as a worker does. Whether it could be sent."""
    while True:
        began_at_s = services.boot_s()
        taken = _take(services.store, services.turns, services.batches, batch_id)
        if taken is None:
            return False
        finish(services.store, send_taken(services, taken, began_at_s))
        if isinstance(taken, Claim) and taken.batch.id == batch_id:
            return True


def due_sets(store: Store) -> list[str]:
    """The names of all sets in which something is due, or waits for its turn."""
    prefix = store.keys.prefix
    names = [store.ask(Redis.keys, f"{prefix}{kind}:*") for kind in ("due", "order", "accounts")]
    return [name.decode() for found in names for name in found]


def lose_what_is_due(store: Store) -> None:
    """Delete all due sets, as an operator may who does not know what they are."""
    if names := due_sets(store):
        store.ask(Redis.delete, *names)
