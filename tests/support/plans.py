"""Plans that stand open, as a producer leaves them in the middle of its work."""

from __future__ import annotations

from campaigns.ledger import MailingRecord, NewBatch, Plan, Plans
from campaigns.store.client import Store


def open_plan(store: Store, plans: Plans, key: str | None = None, name: str = "") -> Plan:
    """A plan of a bulk campaign; no other campaign may have the key."""
    plan = plans.new(
        kind="bulk", account="default", queue="bulk", key=key, fields={"name": name, "job": "{}", "by": "application"}
    )
    assert store.run(*plan.opening("0:0")).decode() == plan.campaign_id
    return plan


def ready_campaign(store: Store, batches: int = 1) -> str:
    """The id of a ready bulk campaign whose batches have three recipients each."""
    plan = open_plan(store, Plans(store, lease_ms=1000, body_life_ms=60_000, lookalikes_life_ms=60_000))
    mailing = MailingRecord("m", 0, 3, None, "fp", "bulk")
    plan.add([NewBatch(3, (mailing,), b'[{"delivery_list": ["1", "2", "3"]}]')] * batches)
    plan.finish("digest", 3 * batches)
    return plan.campaign_id
