"""What a process remembers of the store's server: nothing that a failover could have undone."""

from __future__ import annotations

import pytest

from campaigns.ledger.primary import Witness
from campaigns.settings import Settings
from campaigns.store.client import Safety, Store
from campaigns.store.commands import Redis
from campaigns.store.keys import Keys
from campaigns.wiring import connect


@pytest.mark.parametrize(("replicas", "doubted"), [(0, True), (1, False)])
def test_a_change_that_replicas_may_lack(settings: Settings, prefix: str, replicas: int, doubted: bool) -> None:
    """Beat only reads, and waits for no replica. A second failover may bring up one that lacks what it noticed; where
    claims wait for replicas, that puts nothing in doubt."""
    store = Store(connect(settings), Keys(prefix), safety=Safety(replicas=replicas))
    witness, primary = Witness(store), store.keys.primary()
    another_server(store, "first", epoch=1)
    witness.checked(*witness.check_call().run(store))
    assert store.ask(Redis.hget, primary, "epoch") == b"2"
    another_server(store, "second", epoch=1)
    witness.checked(*witness.check_call().run(store))
    assert (store.ask(Redis.hget, primary, "doubt") is not None) is doubted


def another_server(store: Store, name: str, *, epoch: int) -> None:
    """What a replica has that was promoted: another replication id than it remembers, and so many changes."""
    primary = store.keys.primary()
    store.ask(Redis.delete, primary)
    store.ask(Redis.hset, primary, None, None, {"replid": name, "epoch": epoch, "claims": 5, "seen_ms": store.now_ms()})
