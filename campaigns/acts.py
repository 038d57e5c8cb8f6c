"""Acts of people, as scripts record them: by whom, on what, when and why.

The record is written by the script that does the act, or not at all. It never holds a phone that can be read.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

import orjson

#: The actor where a program names none.
APPLICATION: Final = "application"


class Deed(StrEnum):
    """What was done."""

    CAMPAIGN_PAUSED = "campaign.paused"
    CAMPAIGN_RESUMED = "campaign.resumed"
    CAMPAIGN_CANCELLED = "campaign.cancelled"
    CAMPAIGN_APPROVED = "campaign.approved"
    CAMPAIGN_RESCHEDULED = "campaign.rescheduled"
    BATCH_RESOLVED = "batch.resolved"
    BATCH_RETRIED = "batch.retried"
    ACCOUNT_RESUMED = "account.resumed"
    BUDGET_CHANGED = "account.budget_changed"
    PERSON_ERASED = "person.erased"
    OPTOUTS_ADDED = "optouts.added"
    OPTOUTS_REMOVED = "optouts.removed"
    SUPPRESSION_REMOVED = "suppression.removed"
    STORE_RESTORED = "store.restored"
    STORE_LOST_NOTHING = "store.lost_nothing"

    @property
    def words(self) -> str:
        """What it is called where people read it, before what it was done to."""
        return _WORDS[self]


_WORDS: Final = {
    Deed.CAMPAIGN_PAUSED: "paused campaign",
    Deed.CAMPAIGN_RESUMED: "resumed campaign",
    Deed.CAMPAIGN_CANCELLED: "cancelled campaign",
    Deed.CAMPAIGN_APPROVED: "approved campaign",
    Deed.CAMPAIGN_RESCHEDULED: "rescheduled campaign",
    Deed.BATCH_RESOLVED: "decided about batch",
    Deed.BATCH_RETRIED: "planned again batch",
    Deed.ACCOUNT_RESUMED: "resumed account",
    Deed.BUDGET_CHANGED: "changed today's budget of account",
    Deed.PERSON_ERASED: "erased person",
    Deed.OPTOUTS_ADDED: "added to the opt-outs",
    Deed.OPTOUTS_REMOVED: "removed from the opt-outs",
    Deed.SUPPRESSION_REMOVED: "removed from the suppressed",
    Deed.STORE_RESTORED: "declared a restored backup",
    Deed.STORE_LOST_NOTHING: "declared that nothing was lost",
}


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, as they were typed."""
    return one.strip().casefold() == other.strip().casefold()


@dataclass(frozen=True, slots=True)
class Act:
    """One act before it is done. `of`: id of the campaign or batch, account, or masked phone; '' if it is of many.

    `detail`: more about it, such as the decision about a batch.
    """

    deed: Deed
    of: str
    by: str = APPLICATION
    why: str = ""
    detail: str = ""

    def said(self) -> dict[str, str]:
        """By whom and why, as events carry it."""
        return {"by": self.by, "why": self.why} if self.why else {"by": self.by}


def packed(act: Act | None) -> bytes:
    """The act as scripts read it; empty where no person acts."""
    return b"" if act is None else orjson.dumps({**asdict(act), "deed": act.deed.value, "by": act.by or APPLICATION})
