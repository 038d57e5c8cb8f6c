"""States of batches and campaigns, and which may follow which. Pure."""

from __future__ import annotations

from typing import Final

# Batches.
PLANNED: Final = "planned"  # certainly not sent
SENDING: Final = "sending"  # may be on the wire
UNKNOWN: Final = "unknown"  # nobody knows
HELD: Final = "held"  # needs a person
ACCEPTED: Final = "accepted"  # the gateway has it
REJECTED: Final = "rejected"  # certainly not sent; final until an operator plans it again
SETTLED: Final = "settled"  # every delivery is final, or the horizon passed
CANCELLED: Final = "cancelled"  # certainly not sent, and never will be
WRITTEN_OFF: Final = "written_off"  # a person gave up on finding out

BATCH_STATES: Final = (PLANNED, SENDING, UNKNOWN, HELD, ACCEPTED, REJECTED, SETTLED, CANCELLED, WRITTEN_OFF)

#: From where each state can be reached. PLANNED from SENDING only when not one byte was written or the
#: gateway refused; from UNKNOWN only with proof of absence; from HELD and REJECTED only by a person.
#: Evidence that comes late leads back: to UNKNOWN from PLANNED, and to ACCEPTED from wherever nothing new was sent.
REACHED_FROM: Final[dict[str, frozenset[str]]] = {
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

# Campaigns. Those whose job was refused or given up:
INVALID: Final = "invalid"
ABANDONED: Final = "abandoned"
# Those under way:
PLANNING: Final = "planning"
DRAFT: Final = "draft"  # planned, and nothing goes out before somebody approves it
READY: Final = "ready"
PAUSED: Final = "paused"
CANCELLING: Final = "cancelling"
# Those that are over, unless a person resolves or retries something:
FINISHED: Final = "finished"
CAMPAIGN_CANCELLED: Final = "cancelled"

CAMPAIGN_STATES: Final = (
    PLANNING,
    DRAFT,
    READY,
    PAUSED,
    CANCELLING,
    FINISHED,
    CAMPAIGN_CANCELLED,
    INVALID,
    ABANDONED,
)
#: Nothing more will happen by itself.
OVER: Final = frozenset({FINISHED, CAMPAIGN_CANCELLED, INVALID, ABANDONED})

EXCLUDED: Final = ("invalid", "duplicate", "opted_out")
