"""Viber campaigns: enqueue, send, follow, hand on.

`enqueue` hands in a job (a dict, or typed as `BulkJob`, `QuickJob`, `ListJob`), `preview` shows what that would do,
`Campaign` is the handle of what became of it, `consume` iterates over events, `find_person` and `erase` are about one
person, `optouts` about those who must not be messaged. Settings come from the environment: see
`campaigns.settings.Settings`.
"""

from __future__ import annotations

from campaigns import optouts
from campaigns.campaign import Campaign
from campaigns.campaign_status import Status
from campaigns.consume import consume, stop_on_signals
from campaigns.enqueue import enqueue
from campaigns.enqueue_many import Enqueued, enqueue_many
from campaigns.errors import (
    AccountRefusedError,
    ApprovalError,
    CampaignsError,
    ConfirmationError,
    ContentRefusedError,
    ErasureBlockedError,
    GatewayError,
    JobError,
    KeyConflictError,
    NotSentError,
    OutcomeUnknownError,
    PermitDeniedError,
    SettingsError,
    StateError,
    StoreError,
    TooManyRequestsError,
    UnknownCampaignError,
    WaitTimeoutError,
)
from campaigns.events import Event
from campaigns.jobs.typed import BulkJob, BulkMailing, Content, ImageUpload, ListJob, QuickJob, Recipient
from campaigns.ledger import OptOut, Reason
from campaigns.people import Erased, MessageOwner, PersonHistory, SentMessage
from campaigns.person import erase, find_message, find_person
from campaigns.planning.filling import Sample
from campaigns.preview import FirstRequest, Preview, preview
from campaigns.recipients.exclusions import Excluded
from campaigns.results import Delivery, Reply
from campaigns.send_test import send_test
from campaigns.settings import Settings

__version__ = "0.1.0"

__all__ = [
    "AccountRefusedError",
    "ApprovalError",
    "BulkJob",
    "BulkMailing",
    "Campaign",
    "CampaignsError",
    "ConfirmationError",
    "Content",
    "ContentRefusedError",
    "Delivery",
    "Enqueued",
    "Erased",
    "ErasureBlockedError",
    "Event",
    "Excluded",
    "FirstRequest",
    "GatewayError",
    "ImageUpload",
    "JobError",
    "KeyConflictError",
    "ListJob",
    "MessageOwner",
    "NotSentError",
    "OptOut",
    "OutcomeUnknownError",
    "PermitDeniedError",
    "PersonHistory",
    "Preview",
    "QuickJob",
    "Reason",
    "Recipient",
    "Reply",
    "Sample",
    "SentMessage",
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
    "enqueue_many",
    "erase",
    "find_message",
    "find_person",
    "optouts",
    "preview",
    "send_test",
    "stop_on_signals",
]
