"""Filters of campaigns by their status: its state in words, and what needs a person. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from campaigns.campaign_status import Status

#: What else a campaign can be besides its state: requests refused or held, or it waits for its canary, which may have
#: failed, or for its window.
ALSO_STATES: Final = ("refused", "held", "canary", "window")


#: Why a campaign is paused, unless a person paused it.
_PAUSES: Final = {"canary": "canary failed", "over_budget": "over budget"}
KINDS: Final = ("bulk", "quick", "list")


def known_words(what: str, words: str | Iterable[str] | None, known: Sequence[str]) -> frozenset[str]:
    """The words of a filter, in lower case; none for None. Raises ValueError if one is not known."""
    found = frozenset(word.casefold() for word in ([words] if isinstance(words, str) else words or ()))
    if found.difference(known):
        raise ValueError(f"{what} must be one of {', '.join(known)}")
    return found


def needs(status: Status) -> str:
    """Why a campaign needs a person, in a few words; empty if it does not."""
    held = status.recipients.get("held") or status.requests.get("held", 0)
    refused = status.recipients.get("rejected") or status.requests.get("rejected", 0)
    found = {
        "does not add up": not status.balanced,
        f"{status.double_sends:,} went out twice": status.double_sends,
        f"{held:,} held": held,
        "invalid job": status.state == "invalid",
        "not stored whole": status.state == "abandoned",
        f"{refused:,} refused": refused,
        "account is paused": status.account_paused_until is not None and status.recipients.get("planned"),
        "event stream full": status.events_full_since is not None and status.recipients.get("planned"),
        _PAUSES.get(status.pause_cause, "paused"): status.state == "paused",
        "to approve": status.state == "draft",
    }
    return next((words for words, is_so in found.items() if is_so), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The filters. Of `kinds`, `states` (with `ALSO_STATES`) and `accounts` any will do, and an empty set is no filter.

    `name` is part of the name. `test` asks for tests only, or for none.
    """

    kinds: Set[str] = frozenset()
    states: Set[str] = frozenset()
    accounts: Set[str] = frozenset()
    name: str | None = None
    test: bool | None = None
    since: datetime | None = None
    needs_person: bool = False

    def fits(self, status: Status) -> bool:
        """Whether a campaign passes the filters."""
        return (
            (not self.kinds or status.kind in self.kinds)
            and (not self.states or not self.states.isdisjoint(state_words(status).replace(",", " ").split()))
            and (not self.accounts or status.account in self.accounts)
            and self.test in {None, status.test}
            and (self.name is None or self.name.casefold() in status.name.casefold())
            and not self.over(status)
            and (not self.needs_person or bool(needs(status)))
        )

    def over(self, status: Status) -> bool:
        """Whether this campaign is older than `since`, and so are all after it."""
        return self.since is not None and status.created_at < self.since


def state_words(status: Status) -> str:
    """The state, with what it would hide: why a campaign waits, was refused, or is held."""
    if status.state == "ready":
        waits = {
            "events full": status.events_full_since is not None and status.recipients.get("planned"),
            "window closed": status.window_opens_at is not None,
            "canary": status.canary == "under way",
        }
        return ", ".join(["ready", *(words for words, is_so in waits.items() if is_so)][:2])
    if status.pause_cause in _PAUSES:
        return f"paused, {_PAUSES[status.pause_cause]}"
    if status.state not in {"finished", "cancelled"}:
        return status.state
    requests = status.requests
    if status.recipients.get("held") or requests.get("held"):
        return f"{status.state}, held"
    if status.recipients.get("rejected") or requests.get("rejected"):
        return f"{status.state}, {'part' if status.sent else 'all'} refused"
    return status.state
