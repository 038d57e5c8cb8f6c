"""States of batches and campaigns, the words for them, and which may follow which. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from campaigns.recipients.exclusions import Exclusion
from campaigns.text.labelled import LabelledEnum


class BatchState(LabelledEnum):
    """Where a batch is. `label`: what reports and commands call its messages then."""

    PLANNED = "planned", "waiting to be sent"
    """Certainly not sent."""
    SENDING = "sending", "being sent"
    """Claimed by a worker: its request may be on the wire."""
    UNKNOWN = "unknown", "in doubt: evidence is sought"
    """The request may have arrived or not. The listing of the gateway is searched for evidence."""
    HELD = "held", "held: a person must decide"
    """Neither arrival nor absence could be proven."""
    ACCEPTED = "accepted", "sent, still followed"
    """The gateway has it, and its deliveries are polled."""
    REJECTED = "rejected", "refused, not sent"
    """Certainly not sent. Final, unless an operator plans it again."""
    SETTLED = "settled", "sent, final"
    """Every delivery is final, or the horizon of polling has passed."""
    CANCELLED = "cancelled", "cancelled before it was sent"
    """Certainly not sent, and it never will be."""
    WRITTEN_OFF = "written_off", "written off: outcome unknown"
    """A person gave up finding out whether it arrived."""


class CampaignState(StrEnum):
    """Where a campaign is. People read the words themselves."""

    PLANNING = "planning"
    """Its producer is still storing batches, of which nothing is visible yet."""
    DRAFT = "draft"
    """Planned. Nothing is sent before a person approves it."""
    READY = "ready"
    """Its batches are sent as they come due."""
    PAUSED = "paused"
    """No further batch is sent before a person resumes it."""
    CANCELLING = "cancelling"
    """Its planned batches are being cancelled. What has been sent is still followed."""
    FINISHED = "finished"
    """Nothing more happens by itself, and its recipients add up."""
    CANCELLED = "cancelled"
    """The same after it was cancelled."""
    INVALID = "invalid"
    """Its job came as a message and breaks rules."""
    ABANDONED = "abandoned"
    """Its producer died or gave up before the plan was complete."""


PLANNED: Final = BatchState.PLANNED
SENDING: Final = BatchState.SENDING
UNKNOWN: Final = BatchState.UNKNOWN
HELD: Final = BatchState.HELD
ACCEPTED: Final = BatchState.ACCEPTED
REJECTED: Final = BatchState.REJECTED
SETTLED: Final = BatchState.SETTLED
CANCELLED: Final = BatchState.CANCELLED
WRITTEN_OFF: Final = BatchState.WRITTEN_OFF

PLANNING: Final = CampaignState.PLANNING
DRAFT: Final = CampaignState.DRAFT
READY: Final = CampaignState.READY
PAUSED: Final = CampaignState.PAUSED
CANCELLING: Final = CampaignState.CANCELLING
FINISHED: Final = CampaignState.FINISHED
CAMPAIGN_CANCELLED: Final = CampaignState.CANCELLED
INVALID: Final = CampaignState.INVALID
ABANDONED: Final = CampaignState.ABANDONED

#: Their names as they are stored, for keys of mappings and choices of commands.
BATCH_STATES: Final = tuple(state.value for state in BatchState)
CAMPAIGN_STATES: Final = tuple(state.value for state in CampaignState)

#: The states from which each can be reached. The scripts that move between them name their moves in their headers, and
#: a test holds these to this table. PLANNED follows SENDING only where not one byte was written or the gateway refused
#: the account, UNKNOWN only on proof of absence or a person's decision, HELD and REJECTED only on a person's decision.
#: Late evidence leads back: to UNKNOWN from PLANNED, and to ACCEPTED from every state in which nothing new was sent.
REACHED_FROM: Final[Mapping[str, frozenset[BatchState]]] = {
    PLANNED: frozenset({SENDING, UNKNOWN, HELD, REJECTED}),
    SENDING: frozenset({PLANNED}),
    UNKNOWN: frozenset({SENDING, PLANNED}),
    HELD: frozenset({UNKNOWN}),
    ACCEPTED: frozenset({SENDING, UNKNOWN, HELD, PLANNED, CANCELLED, WRITTEN_OFF, REJECTED}),
    REJECTED: frozenset({SENDING, UNKNOWN, ACCEPTED}),
    SETTLED: frozenset({ACCEPTED}),
    CANCELLED: frozenset({PLANNED}),
    WRITTEN_OFF: frozenset({HELD}),
}

#: The same of campaigns. A plan whose end the replicas lack is taken back to PLANNING. A campaign that is over becomes
#: READY again where a person resolves or retries one of its batches, or late evidence moves one.
CAMPAIGN_REACHED_FROM: Final[Mapping[str, frozenset[CampaignState]]] = {
    PLANNING: frozenset({DRAFT, READY, PAUSED, CANCELLING, FINISHED, CAMPAIGN_CANCELLED}),
    DRAFT: frozenset({PLANNING}),
    READY: frozenset({PLANNING, DRAFT, PAUSED, FINISHED, CAMPAIGN_CANCELLED}),
    PAUSED: frozenset({READY}),
    CANCELLING: frozenset({DRAFT, READY, PAUSED}),
    FINISHED: frozenset({READY, PAUSED}),
    CAMPAIGN_CANCELLED: frozenset({CANCELLING}),
    INVALID: frozenset(),
    ABANDONED: frozenset({PLANNING}),
}

#: The states in which a batch and a campaign can begin.
FIRST_STATES: Final = frozenset({PLANNED})
FIRST_CAMPAIGN_STATES: Final = frozenset({PLANNING, DRAFT, READY, INVALID, ABANDONED})

#: States of a campaign to which nothing more happens by itself.
OVER: Final = frozenset({FINISHED, CAMPAIGN_CANCELLED, INVALID, ABANDONED})

#: Why a recipient is excluded, as it is stored.
EXCLUDED: Final = tuple(reason.value for reason in Exclusion)
