"""Plans that stand open, as a producer leaves them in the middle of its work."""

from __future__ import annotations

from campaigns.ledger import Plan, Plans
from campaigns.store.client import Store


def open_plan(store: Store, plans: Plans, key: str | None = None, name: str = "") -> Plan:
    """A plan of a bulk campaign; nobody else may have the key."""
    plan = plans.new(
        kind="bulk", account="default", queue="bulk", key=key, fields={"name": name, "job": b"{}", "by": "application"}
    )
    assert store.run(*plan.opening("0:0")).decode() == plan.campaign_id
    return plan
