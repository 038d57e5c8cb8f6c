"""Opt-outs from application code: `from campaigns import optouts`.

Phones that must not be messaged, in any spelling. Who is on the list is taken out when a campaign is planned,
and again before a batch goes out if the list has grown since. A request that is already on its way is not
called back, and list mailings go to whom the gateway's list says.

Every function raises ValueError for what is no phone, with nothing changed, and StoreError.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from campaigns.acts import APPLICATION, Act, Deed
from campaigns.ledger import OptOut
from campaigns.services import Services
from campaigns.text.wording import masked


def add(services: Services, phones: Iterable[str], *, why: str = "", by: str = "") -> int:
    """Opt phones out. `why`, and `by` whom, are kept with each that is new. Returns how many were new."""
    normal = _normal(services, phones)
    return services.optouts.add(normal, why, by, Act(Deed.OPTOUTS_ADDED, _named(normal), by, why))


def remove(services: Services, phones: Iterable[str], *, why: str = "", by: str = APPLICATION) -> int:
    """Let phones be messaged again; `why`, and `by` whom, go into the record. Returns how many were on the list."""
    normal = _normal(services, phones)
    return services.optouts.remove(normal, Act(Deed.OPTOUTS_REMOVED, _named(normal), by, why))


def get(services: Services, phone: str) -> OptOut | None:
    """Since when, why and by whom a phone is opted out; None if it is not."""
    return services.optouts.of(services.people.normal(phone))


def every(services: Services) -> Iterator[str]:
    """All phones that are opted out, in the gateway's form and in no order."""
    return iter(services.optouts)


def details(services: Services) -> Iterator[tuple[str, OptOut]]:
    """All phones that are opted out, each with since when, why and by whom, in no order."""
    return services.optouts.details()


def _named(phones: Sequence[str]) -> str:
    """What the record of an act calls them: one phone, masked; '' for several, which are counted."""
    return masked(phones[0]) if len(phones) == 1 else ""


def _normal(services: Services, phones: Iterable[str]) -> list[str]:
    return [services.people.normal(phone) for phone in phones]
