"""Kinds of due work, and the queue in which each stands. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from campaigns.names import BULK, CONTROL, POLL, QUICK, REPLIES


class DueKind(StrEnum):
    """What is to be done once an entry is due. It stands before the `|` of the entry, and an id behind it."""

    SEND = "send"
    """Send a batch that was handed out before and came back."""
    CAMPAIGN = "campaign"
    """Let a campaign take its place in the order in which its account sends."""
    AT = "at"
    """Send a scheduled campaign or batch: no correction of the clock moves this time."""
    RECONCILE = "reconcile"
    """Search the gateway's listing for evidence of a batch in doubt, or of a double send."""
    POLL = "poll"
    """Ask the gateway for the statuses of a batch."""
    FETCH = "replies"
    """Ask the gateway for the replies to a batch."""
    FALLBACK = "fallback"
    """Poll a batch once more, and announce who was not delivered in time."""
    LEASE = "lease"
    """See whether the worker that claimed a batch has died."""
    PLAN = "plan"
    """See whether the producer of a plan has died."""
    CANCEL = "cancel"
    """Cancel the planned batches of a campaign."""
    CANARY = "canary"
    """Judge the canary of a campaign."""
    COUNT = "count"
    """Put right what is counted of a batch for the frequency cap."""
    SWEEP = "sweep"
    """Look for what is wrong in some of the campaigns, and mend it."""
    TRIM = "trim"
    """Drop events that every group has acknowledged."""


SEND: Final = DueKind.SEND
RECONCILE: Final = DueKind.RECONCILE
POLL_VERB: Final = DueKind.POLL
FETCH: Final = DueKind.FETCH
FALLBACK: Final = DueKind.FALLBACK
LEASE: Final = DueKind.LEASE
PLAN: Final = DueKind.PLAN
CANCEL: Final = DueKind.CANCEL
CANARY: Final = DueKind.CANARY
COUNT: Final = DueKind.COUNT
SWEEP: Final = DueKind.SWEEP
TRIM: Final = DueKind.TRIM

_QUEUES: Final[dict[str, str]] = {RECONCILE: POLL, POLL_VERB: POLL, FALLBACK: POLL, FETCH: REPLIES, LEASE: CONTROL}


def queue_of(verb: str, kind: str) -> str:
    """The queue in which work of the kind `verb` is due for a batch of a campaign of `kind`."""
    return _QUEUES.get(verb) or (QUICK if kind == "quick" else BULK)
