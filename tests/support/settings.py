"""Settings for tests."""

from __future__ import annotations

from typing import Any

from campaigns.settings import Rate, Secret, Settings

TOKEN = "tok-5d1e7a90c2"


def fast_settings(redis_url: str, gateway_url: str, prefix: str, **more: Any) -> Settings:
    """Settings with which a campaign takes a second or two."""
    fields: dict[str, Any] = {
        "redis_url": redis_url,
        "gateway_url": gateway_url,
        "key_prefix": prefix,
        "accounts": {"default": Secret(TOKEN)},
        "rate_limit": Rate(0, 1.0),
        "deadline_s": 2.0,
        "lease_s": 12.0,
        "poll_min_s": 0.1,
        "single_poll_fraction": 0.25,
        "poll_horizon_s": 6.0,
        "reply_window_s": 6.0,
        "settle_window_s": 0.6,
        "check_interval_s": 0.2,
        "read_attempts": 2,
        "failures_before_pause": 1000,
        # Far more than any test waits: what is scheduled is at the gateway at once, unless a test is about that.
        "schedule_lead_s": 1e10,
        "optout_words": frozenset({"stop", "стоп"}),
    }
    return Settings(**{**fields, **more})
