"""Settings under which doubt is settled in seconds."""

from __future__ import annotations

from typing import Any

from campaigns.settings import Settings
from tests.support.settings import fast_settings


def rig_settings(redis_url: str, gateway_url: str, prefix: str, **more: Any) -> Settings:
    """A lease of a second, shorter than the environment's reader would allow, to wait for it in tests."""
    fields: dict[str, Any] = {
        "deadline_s": 0.6,
        "lease_s": 1.2,
        "planning_lease_s": 1.0,
        "recipients_per_request": 10,
        "on_unknown": "resend",
        "settle_window_s": 1.5,
    }
    return fast_settings(redis_url, gateway_url, prefix, **{**fields, **more})
