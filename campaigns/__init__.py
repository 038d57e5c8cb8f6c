"""Send Viber campaigns through the app.sms.by gateway, follow every message, and hand the results on.

`enqueue` takes a job (a dict, or one typed as `BulkJob`, `QuickJob` or `ListJob`) and returns a `Campaign`, the handle
that reads its status and controls it. `preview` shows what a job would do. `consume` iterates over events.
`find_person` and `erase` work on one person, `optouts` on the phones that must not be messaged. Settings come from the
environment: see `campaigns.settings.Settings`.
"""

from __future__ import annotations

from campaigns.accounts.budgets import DailyBudget
from campaigns.campaign import Campaign
from campaigns.campaign_status import Status
from campaigns.client import Client, default_client
from campaigns.consume import consume, stop_on_signals
from campaigns.enqueue_many import Enqueued
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
from campaigns.evaluation import Comparison, Failure, MailingResults, OptedOut, Results
from campaigns.evaluation import Content as MailingContent
from campaigns.events import Event
from campaigns.jobs.typed import BulkJob, BulkMailing, Content, ImageUpload, ListJob, QuickJob, Recipient
from campaigns.ledger import OptOut, Reason
from campaigns.ledger import Scope as OptOutScope
from campaigns.people import Erased, MessageOwner, PersonHistory, SentMessage
from campaigns.planning.personal_texts import Sample
from campaigns.preview import FirstRequest, Preview
from campaigns.recipients.exclusions import Excluded
from campaigns.results import Delivery, Reply
from campaigns.settings import Settings

__version__ = "0.1.0"

#: The methods of a client that reads its settings from the environment.
enqueue = default_client.enqueue
enqueue_many = default_client.enqueue_many
preview = default_client.preview
send_test = default_client.send_test
list_campaigns = default_client.list_campaigns
find_person = default_client.find_person
find_message = default_client.find_message
erase = default_client.erase
daily_budget = default_client.daily_budget
raise_budget = default_client.raise_budget
lower_budget = default_client.lower_budget
optouts = default_client.optouts

__all__ = [
    "AccountRefusedError",
    "ApprovalError",
    "BulkJob",
    "BulkMailing",
    "Campaign",
    "CampaignsError",
    "Client",
    "Comparison",
    "ConfirmationError",
    "Content",
    "ContentRefusedError",
    "DailyBudget",
    "Delivery",
    "Enqueued",
    "Erased",
    "ErasureBlockedError",
    "Event",
    "Excluded",
    "Failure",
    "FirstRequest",
    "GatewayError",
    "ImageUpload",
    "JobError",
    "KeyConflictError",
    "ListJob",
    "MailingContent",
    "MailingResults",
    "MessageOwner",
    "NotSentError",
    "OptOut",
    "OptOutScope",
    "OptedOut",
    "OutcomeUnknownError",
    "PermitDeniedError",
    "PersonHistory",
    "Preview",
    "QuickJob",
    "Reason",
    "Recipient",
    "Reply",
    "Results",
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
    "daily_budget",
    "enqueue",
    "enqueue_many",
    "erase",
    "find_message",
    "find_person",
    "list_campaigns",
    "lower_budget",
    "optouts",
    "preview",
    "raise_budget",
    "send_test",
    "stop_on_signals",
]
