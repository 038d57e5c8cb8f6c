"""Limiters of tests, and permits that they must give."""

from __future__ import annotations

from typing import Any

from campaigns.accounts.limiter import Limiter, Permit, Wait
from campaigns.settings import Rate
from campaigns.store.client import Store


def limiter(store: Store, requests: int = 0, window_s: float = 1.0, concurrency: int = 100, **more: Any) -> Limiter:
    fields: dict[str, Any] = {"read_share": 0.5, "permit_life_s": 5.0, **more}
    return Limiter(store, rate=Rate(requests, window_s), concurrency=concurrency, **fields)


def permit(found: Permit | Wait) -> Permit:
    assert isinstance(found, Permit), found
    return found
