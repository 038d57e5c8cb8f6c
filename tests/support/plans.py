"""Plans that stand open, as a producer leaves them in the middle of its work."""

from __future__ import annotations

from campaigns.ledger import Plan, Plans
from campaigns.store import Store


def open_plan(store: Store, plans: Plans, key: str | None = None, name: str = "") -> Plan:
    """A plan of a bulk campaign; nobody else may have the key."""
    plan, call = plans.opening(
        kind="bulk", account="default", queue="bulk", name=name, job=b"{}", key=key, optouts="0:0"
    )
    assert store.run(*call).decode() == plan.campaign_id
    return plan
