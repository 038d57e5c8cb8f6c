"""Viber campaigns: enqueue, send, follow, hand on.

`enqueue` hands in a job, `Campaign` is the handle of what became of it, `consume` iterates over events.
Settings come from the environment: see `campaigns.settings.Settings`.
"""

from __future__ import annotations

from campaigns.consuming import consume, stop_on_signals
from campaigns.errors import (
    AccountRefusedError,
    CampaignsError,
    ContentRefusedError,
    DoubtError,
    GatewayError,
    JobError,
    KeyConflictError,
    NotNowError,
    NotWrittenError,
    SettingsError,
    StateError,
    StoreError,
    TooManyRequestsError,
    UnknownCampaignError,
    WaitTimeoutError,
)
from campaigns.handle import Campaign, Status
from campaigns.producer import enqueue
from campaigns.results import Delivery, Event, Reply
from campaigns.settings import Settings

__version__ = "0.1.0"

__all__ = [
    "AccountRefusedError",
    "Campaign",
    "CampaignsError",
    "ContentRefusedError",
    "Delivery",
    "DoubtError",
    "Event",
    "GatewayError",
    "JobError",
    "KeyConflictError",
    "NotNowError",
    "NotWrittenError",
    "Reply",
    "Settings",
    "SettingsError",
    "StateError",
    "Status",
    "StoreError",
    "TooManyRequestsError",
    "UnknownCampaignError",
    "WaitTimeoutError",
    "consume",
    "enqueue",
    "stop_on_signals",
]
