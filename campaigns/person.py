"""One person: found in all campaigns, and erased by all of them."""

from __future__ import annotations

from collections.abc import Iterator

from campaigns.acts import APPLICATION
from campaigns.people import Erased, Erasure, MessageOwner, PersonHistory
from campaigns.services import Services


def find_person(services: Services, phone: str, *, campaigns: int | None = 100) -> Iterator[PersonHistory]:
    """What the newest `campaigns` campaigns (None: all that are kept) did to a phone, newest first.

    The phone may be spelled as in a job. There is no index by phone: a campaign of a million recipients takes
    about 0.1 s to look through, one of 100,000 quick messages 1 s (see `campaigns.people.history`). A message
    of which nothing was heard is found by its request's body, so not once that has expired; the recipients of
    a list mailing are found once the gateway has named them.

    Raises ValueError if it is no phone, and StoreError.
    """
    return services.people.traces(services.people.normal(phone), campaigns)


def find_message(services: Services, message_id: int, *, account: str = "default") -> MessageOwner | None:
    """Which mailing of which batch the gateway's `message_id` is; None if it is not known. Raises StoreError."""
    return services.people.owner(account, message_id)


def erase(
    services: Services,
    phone: str,
    *,
    optout_too: bool = False,
    by: str = APPLICATION,
    why: str = "",
) -> Erased:
    """Erase a person from everything that is kept here, and say what was erased. Counters stay as they are.

    Deliveries, replies, lists of those taken out, request bodies, dead letters, and events that every group has
    acknowledged.
    Events that somebody has yet to read stay for the moment (`events_left`); repeat it later. An opt-out is
    kept, since without it the person would be messaged again, unless `optout_too`. What the gateway and your
    consumers know is theirs. A repetition finds nothing. A record is kept of each time, with `by` whom
    and `why`, and with the phone masked.

    Raises ErasureBlockedError, with nothing erased, while the person stands in a batch that waits, is being sent, in
    doubt, held or still followed; ValueError if it is no phone; and StoreError.
    """
    erasure = Erasure(services.store, services.people, services.replies, services.optouts)
    return erasure.erase(services.people.normal(phone), optout_too=optout_too, by=by, why=why)
