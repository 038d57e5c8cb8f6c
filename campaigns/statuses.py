"""Delivery statuses: the words we know, how far along each is, and which are final.

The gateway documents four words by example (statusBulkViber, getViberDeliveryData,
getViberDeliveryList) and no complete list. Any other word passes through unchanged.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Final

NEW: Final = "NEW"  # accepted by the gateway, not handed to Viber yet
SENT: Final = "SENT"  # handed to Viber
DELIVERED: Final = "DELIVERED"  # on the phone
READ: Final = "READ"  # opened; nothing comes after it

#: Ours, never the gateway's: the horizon passed without a final status from the gateway.
UNKNOWN_FINAL: Final = "UNKNOWN_FINAL"

#: Words of other messaging gateways that mean that nothing more will come. A setting extends or replaces it.
DEFAULT_FINAL: Final = frozenset(
    {READ, UNKNOWN_FINAL, "UNDELIVERED", "EXPIRED", "REJECTED", "FAILED", "BLOCKED", "ERROR"}
)

#: Words that say that a message did not reach its phone. That it expired at the gateway or was refused says nothing of
#: the phone, and our own UNKNOWN_FINAL says nothing at all.
UNREACHED: Final = frozenset({"UNDELIVERED", "BLOCKED"})

#: How far a campaign may ask to be followed: until messages are read, delivered, or not at all.
TO_READ, TO_DELIVERED, NOT_AT_ALL = "read", "delivered", "none"

#: Words of a list mailing itself that can only follow its confirmation. A draft may be moderated, scheduled or expire,
#: so no other word proves that it was paid for.
AFTER_CONFIRMATION: Final = frozenset({"CONFIRMED", "SENDING", SENT, DELIVERED, READ, "UNDELIVERED"})

#: The whole known ladder. A status never goes down it.
RANKS: Final[dict[str, int]] = {NEW: 1, SENT: 2, DELIVERED: 4, READ: 5}

#: What statuses mean, for people. The gateway documents only the first four, and gives no reason for a failure but a
#: number; the words for the others are those of messaging gateways in general.
MEANINGS: Final[dict[str, str]] = {
    NEW: "accepted by the gateway, not handed to Viber yet",
    SENT: "handed to Viber",
    DELIVERED: "on the phone",
    READ: "read",
    UNKNOWN_FINAL: "the gateway never reported a final status",
    "UNDELIVERED": "did not reach the phone: usually it has no Viber, or was off for too long",
    "EXPIRED": "did not reach the phone before its time was over: the phone was off or offline",
    "BLOCKED": "the person has blocked the sender in Viber",
    "REJECTED": "Viber or the gateway refused this message",
    "FAILED": "Viber or the gateway could not carry it",
    "ERROR": "Viber or the gateway could not carry it",
}

_UNKNOWN_RANK: Final = 3
_FAILED_RANK: Final = 4


def rank(status: str, final: Set[str] = DEFAULT_FINAL) -> int:
    """How far along `status` is. Unknown words stand between SENT and DELIVERED; final ones beside DELIVERED.

    UNKNOWN_FINAL ranks lowest of all that is final, so that a late status still replaces it.
    """
    known = RANKS.get(status)
    if known is not None:
        return known
    if status == UNKNOWN_FINAL:
        return _UNKNOWN_RANK
    return _FAILED_RANK if status in final else _UNKNOWN_RANK


def meaning_of(status: str) -> str:
    """What a status means, for people."""
    return MEANINGS.get(status, "a word of the gateway that its documentation does not explain")


def is_known(status: str, final: Set[str] = DEFAULT_FINAL) -> bool:
    """Whether the word is one that the contract shows or the settings name."""
    return status in RANKS or status in final


def says_unreached(before: str, status: str) -> bool:
    """Whether a new status says, for the first time of this message, that the phone could not be reached."""
    return status in UNREACHED and (not before or before == UNKNOWN_FINAL or before in (NEW, SENT))


def advances(old: str, new: str, final: Set[str] = DEFAULT_FINAL) -> bool:
    """Whether `new` may replace `old`: never down in rank, and a failure never replaces a delivery.

    Between two words of one rank the newer stands, but not between DELIVERED and a failure:
    a message that was on the phone stays delivered.
    """
    if old == new:
        return False
    if not old:
        return True
    before, after = rank(old, final), rank(new, final)
    if before == after == _FAILED_RANK:
        return new == DELIVERED
    return after >= before


def final_words(final: Set[str], follow: str) -> Set[str]:
    """The statuses that end the polls of a message: those that are `final` anyway, and what `follow` adds."""
    return final | {DELIVERED} if follow == TO_DELIVERED else final


def confirmed(before: str, now: str) -> bool:
    """Whether a list mailing was confirmed between two reads of its status word.

    Where the word before was one that follows a confirmation already, it proves nothing.
    """
    return now.strip().upper() in AFTER_CONFIRMATION and before.strip().upper() not in AFTER_CONFIRMATION
