"""The suppression list, from an application: `from campaigns import optouts`.

It holds phones that must not be messaged; phones may be given in any usual spelling. Opted-out recipients are excluded
when a campaign is planned, and again before a batch is sent if the list has grown since. A request that has left
cannot be recalled, and list mailings go to everyone on the gateway's list.

Every function raises StoreError; those that take phones raise ValueError for a text that is not a phone number, and
then change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from campaigns.acts import APPLICATION, Act, Deed
from campaigns.ledger import OptOut
from campaigns.services import Services
from campaigns.text.wording import masked


def add(services: Services, phones: Iterable[str], *, why: str = "", by: str = "") -> int:
    """Opt phones out. `why` and `by` are stored with each new one. Returns the number of new ones."""
    normal = _normal(services, phones)
    return services.optouts.add(normal, why, by, Act(Deed.OPTOUTS_ADDED, _named(normal), by, why))


def remove(services: Services, phones: Iterable[str], *, why: str = "", by: str = APPLICATION) -> int:
    """Let phones be messaged again. `why` and `by` go into the audit record. Returns how many were on the list."""
    normal = _normal(services, phones)
    return services.optouts.remove(normal, Act(Deed.OPTOUTS_REMOVED, _named(normal), by, why))


def get(services: Services, phone: str) -> OptOut | None:
    """When, why and by whom a phone was opted out; None if it is not."""
    return services.optouts.of(services.people.normal(phone))


def every(services: Services) -> Iterator[str]:
    """Iterate over all phones that are opted out, in the gateway's form (digits with country code), in no order."""
    return iter(services.optouts)


def details(services: Services) -> Iterator[tuple[str, OptOut]]:
    """Iterate over all phones that are opted out, each with when, why and by whom, in no order."""
    return services.optouts.details()


def _named(phones: Sequence[str]) -> str:
    """How the audit record names the phones: a single one masked; '' for several, which are only counted."""
    return masked(phones[0]) if len(phones) == 1 else ""


def _normal(services: Services, phones: Iterable[str]) -> list[str]:
    return [services.people.normal(phone) for phone in phones]
