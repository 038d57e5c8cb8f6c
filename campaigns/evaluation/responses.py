"""Who replied to a campaign, and who opted out by that reply: each person once, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from campaigns.evaluation.values import OptedOut
from campaigns.ledger import Campaign, erased_replies, scopes_for
from campaigns.results import Reply
from campaigns.services import Services

#: Replies whose people are kept in memory at a time. If there are more, they are read several times.
_REPLIES_AT_ONCE: Final = 100_000
_PER_ROUND_TRIP: Final = 500


@dataclass(slots=True)
class Responses:
    """How many people replied and opted out, in all and by the name of the mailing, and out of which kinds of scope."""

    people: int = 0
    replied: Counter[str] = field(default_factory=Counter)
    opted_out: Counter[str] = field(default_factory=Counter)
    scopes: set[str] = field(default_factory=set)


def responses_to(services: Services, campaign: Campaign, replies: int) -> Responses:
    """Count the people behind `replies` replies to a campaign, also those who were erased. Raises StoreError."""
    found = Responses()
    for erased in erased_replies(campaign):
        found.people += 1
        found.replied.update(erased.mailings)
        found.opted_out.update([] if erased.opted_out is None else [erased.opted_out])
        found.scopes.update(erased.scopes)
    for class_ in _classes(replies):
        phones, messages, opted_out = set[str](), set[tuple[str, str]](), dict[str, str]()
        for some in _in_portions(services, campaign.id, class_):
            phones.update(reply.phone for reply in some)
            messages.update((reply.mailing, reply.phone) for reply in some)
            for one in _caused(services, campaign, some):
                opted_out.setdefault(one.phone, one.mailing)
                found.scopes.add(one.optout.scope.kind)
        found.people += len(phones)
        found.replied.update(mailing for mailing, _ in messages)
        found.opted_out.update(opted_out.values())
    return found


def opted_out_by(services: Services, campaign: Campaign, replies: int) -> Iterator[OptedOut]:
    """People whom one of `replies` replies to a campaign put on the suppression list and who are still there, each
    once."""
    for class_ in _classes(replies):
        seen = set[str]()
        for some in _in_portions(services, campaign.id, class_):
            for one in _caused(services, campaign, some):
                if one.phone not in seen:
                    seen.add(one.phone)
                    yield one


def _caused(services: Services, campaign: Campaign, replies: list[Reply]) -> Iterator[OptedOut]:
    """The opt-outs that these replies caused. The list of opt-outs notes the reply that caused each of them."""
    scopes = scopes_for(campaign.account, campaign.fields.get("topic"))
    noted = services.optouts.noted([reply.phone for reply in replies], scopes)
    for reply, optouts in zip(replies, noted, strict=True):
        found = (optout for optout in optouts if optout.caused_by(reply.id, campaign.id))
        yield from (OptedOut(reply.phone, reply.mailing, reply.id, optout) for optout in found)


def _classes(replies: int) -> Iterator[tuple[int, int]]:
    """Phones are divided into classes, each with a pass of its own, so that few are in memory at a time."""
    number = -(-replies // _REPLIES_AT_ONCE)
    return ((number, remainder) for remainder in range(number))


def _in_portions(services: Services, campaign_id: str, class_: tuple[int, int]) -> Iterator[list[Reply]]:
    """The replies of a class, as many at a time as one round trip asks about."""
    number, remainder = class_
    of_class = (reply for reply in services.replies.scan(campaign_id) if _number(reply) % number == remainder)
    while some := list(islice(of_class, _PER_ROUND_TRIP)):
        yield some


def _number(reply: Reply) -> int:
    return int(reply.phone) if reply.phone.isdecimal() else hash(reply.phone)
