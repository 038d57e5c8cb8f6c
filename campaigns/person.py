"""One person: found in all campaigns, and erased from them."""

from __future__ import annotations

from collections.abc import Iterator

from campaigns.acts import APPLICATION
from campaigns.people import Erased, Erasure, MessageOwner, PersonHistory
from campaigns.services import Services


def find_person(services: Services, phone: str, *, campaigns: int | None = None) -> Iterator[PersonHistory]:
    """Iterate over what all campaigns that are kept did to a phone, newest campaign first, in bounded memory.

    The phone may be spelled as in a job. With `campaigns`, only that number of the newest are searched, and a person
    who is not found may stand in an older one. There is no index by phone (see `campaigns.people.search`): a search
    takes about 0.3 s for 10,000 campaigns of one message, 3 s for 100,000, and less than 0.1 s for one of a million
    recipients. A message without a status is found in the body of its request, so not after that body has expired. A
    recipient of a list mailing is found once the gateway has reported a status for it.

    Raises ValueError if `phone` is not a phone number, and StoreError.
    """
    return services.people.traces(services.people.normal(phone), campaigns)


def find_message(services: Services, message_id: int, *, account: str = "default") -> MessageOwner | None:
    """The mailing and the batch that have the gateway's `message_id`; None if it is unknown. Raises StoreError."""
    return services.people.owner(account, message_id)


def erase(
    services: Services,
    phone: str,
    *,
    optout_too: bool = False,
    by: str = APPLICATION,
    why: str = "",
) -> Erased:
    """Erase a person from everything that this project stores. Returns what was erased; a repetition finds nothing.

    Erases deliveries, replies, counts for the frequency cap and of undelivered messages, entries in lists of excluded
    recipients, request bodies, dead letters, and events that every group has acknowledged. Events that a group has yet
    to read stay for now (`events_left`): call again later. Counters and results of campaigns do not change: outcomes
    are kept without whose they were. The gateway's ids of a mailing are erased with the last of its recipients, and its
    replies are not fetched any more. Opt-outs are kept unless `optout_too`, because without them the person could be
    messaged again. The gateway and your consumers keep what they have. Each call leaves an audit record with `by`,
    `why` and the masked phone.

    Raises ErasureBlockedError, with nothing erased, while the person is in a batch that is waiting, being sent, in
    doubt, held or still polled; ValueError if `phone` is not a phone number; and StoreError.
    """
    lists = services.optouts, services.counts, services.suppressed
    erasure = Erasure(services.store, services.people, services.batches, services.replies, *lists)
    return erasure.erase(services.people.normal(phone), optout_too=optout_too, by=by, why=why)
