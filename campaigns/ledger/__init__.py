"""The ledger: campaigns and batches in Redis, changed only by compare-and-set.

What is written here before a request leaves, and after its answer came, is what keeps a message from
being sent twice or lost. Celery's messages only make workers look for work here.
"""

from __future__ import annotations

from campaigns.ledger.acceptances import Acceptances
from campaigns.ledger.audit import Audit, Record
from campaigns.ledger.batches import Batches, Claim, Move, OutdatedSuppression, Refusal
from campaigns.ledger.campaigns import Campaigns
from campaigns.ledger.counts import Counts, Portion
from campaigns.ledger.due import Due, Entry, Owned
from campaigns.ledger.due_kinds import (
    CANARY,
    CANCEL,
    COUNT,
    FALLBACK,
    FETCH,
    LEASE,
    PLAN,
    POLL_VERB,
    RECONCILE,
    SEND,
    SWEEP,
    TRIM,
    queue_of,
)
from campaigns.ledger.erased import ErasedReplies, erased_replies, erased_values
from campaigns.ledger.excluding import CountedNow, exclude_planned
from campaigns.ledger.optout_scopes import EVERYTHING, Scope, scope_named, scope_of_reply, scopes_for
from campaigns.ledger.optouts import OptOut, OptOutChecker, OptOuts
from campaigns.ledger.plan import Plan, drop_plan, kept_back
from campaigns.ledger.plans import Plans, new_campaign_id
from campaigns.ledger.reasons import Reason, reasons_of, refused_by
from campaigns.ledger.records import Batch, Campaign, MailingRecord, campaign_of, number_of
from campaigns.ledger.rejected import Rejected, RejectedMessages
from campaigns.ledger.schedules import schedule_of
from campaigns.ledger.suppressed import Suppressed, Suppression
from campaigns.ledger.turns import NoToken, TakenRead, ToCheck, Turn, Turns
from campaigns.ledger.whole_plan import NewBatch, PlannedWhole, Stored, WholePlan, read_stored, storing_call

__all__ = [
    "CANARY",
    "CANCEL",
    "COUNT",
    "EVERYTHING",
    "FALLBACK",
    "FETCH",
    "LEASE",
    "PLAN",
    "POLL_VERB",
    "RECONCILE",
    "SEND",
    "SWEEP",
    "TRIM",
    "Acceptances",
    "Audit",
    "Batch",
    "Batches",
    "Campaign",
    "Campaigns",
    "Claim",
    "CountedNow",
    "Counts",
    "Due",
    "Entry",
    "ErasedReplies",
    "MailingRecord",
    "Move",
    "NewBatch",
    "NoToken",
    "OptOut",
    "OptOutChecker",
    "OptOuts",
    "OutdatedSuppression",
    "Owned",
    "Plan",
    "PlannedWhole",
    "Plans",
    "Portion",
    "Reason",
    "Record",
    "Refusal",
    "Rejected",
    "RejectedMessages",
    "Scope",
    "Stored",
    "Suppressed",
    "Suppression",
    "TakenRead",
    "ToCheck",
    "Turn",
    "Turns",
    "WholePlan",
    "campaign_of",
    "drop_plan",
    "erased_replies",
    "erased_values",
    "exclude_planned",
    "kept_back",
    "new_campaign_id",
    "number_of",
    "queue_of",
    "read_stored",
    "reasons_of",
    "refused_by",
    "schedule_of",
    "scope_named",
    "scope_of_reply",
    "scopes_for",
    "storing_call",
]
