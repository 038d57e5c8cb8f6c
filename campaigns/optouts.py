"""The suppression list, from an application: `from campaigns import optouts`.

It holds phones that must not be messaged; phones may be given in any usual spelling. An opt-out has a scope:
everything, one account (`account="shop"`), or one topic of an account (`account="shop", topic="offers"`). A topic
without an account is one of the account `default`. A campaign excludes the phones that are opted out of everything, of
its account, or of its topic. Each scope is a list of its own: removing a phone from one leaves it in the others.

Opted-out recipients are excluded when a campaign is planned, and again before a batch is sent if the list has grown
since. A request that has left cannot be recalled, and list mailings go to everyone on the gateway's list.

`add` and `remove` take several phones, or one as a text. Every function raises StoreError, and ValueError for a text
that is not a phone number, a topic, or the alias of an account; nothing is changed then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from campaigns.acts import APPLICATION, Act, Deed
from campaigns.ledger import EVERYTHING, OptOut, Scope, scope_named, scopes_for
from campaigns.services import Services
from campaigns.settings.accounts import check_account
from campaigns.text.wording import masked


def add(
    services: Services,
    phones: Iterable[str],
    *,
    why: str = "",
    by: str = "",
    account: str | None = None,
    topic: str | None = None,
) -> int:
    """Opt phones out. `why` and `by` are stored with each new one. Returns the number of new ones.

    Raises ValueError also for an account without a token, while this process has tokens of others.
    """
    normal, scope = _normal(services, phones), scope_named(account, topic)
    if scope.account:
        check_account(services.settings, scope.account)
    act = Act(Deed.OPTOUTS_ADDED, _named(normal), by, why, scope.detail)
    return services.optouts.add(normal, why, by, act, scope)


def remove(
    services: Services,
    phones: Iterable[str],
    *,
    why: str = "",
    by: str = APPLICATION,
    account: str | None = None,
    topic: str | None = None,
) -> int:
    """Remove phones from one scope; they stay opted out of others, see `all_of`. `why` and `by` go into the audit
    record. Returns how many were opted out of that scope."""
    normal, scope = _normal(services, phones), scope_named(account, topic)
    act = Act(Deed.OPTOUTS_REMOVED, _named(normal), by, why, scope.detail)
    return services.optouts.remove(normal, act, scope)


def get(services: Services, phone: str, *, account: str | None = None, topic: str | None = None) -> OptOut | None:
    """When, why and by whom a phone was opted out of everything; with `account` or `topic`, the widest opt-out that
    keeps such a campaign from reaching it. None if there is none."""
    scope = scope_named(account, topic)
    scopes = scopes_for(scope.account, scope.topic) if scope.account else (EVERYTHING,)
    return services.optouts.of(services.people.normal(phone), scopes)


def all_of(services: Services, phone: str) -> list[OptOut]:
    """All opt-outs of a phone, the widest first: of everything, of accounts, of topics."""
    return services.optouts.every_of(services.people.normal(phone))


def every(services: Services, *, account: str | None = None, topic: str | None = None) -> Iterator[str]:
    """Iterate over all phones that are opted out of exactly one scope, in the gateway's form (digits with country
    code), in no order."""
    return services.optouts.members(scope_named(account, topic))


def details(
    services: Services, *, account: str | None = None, topic: str | None = None
) -> Iterator[tuple[str, OptOut]]:
    """The same, each phone with when, why and by whom."""
    return services.optouts.details(scope_named(account, topic))


def sizes(services: Services) -> Mapping[Scope, int]:
    """The scopes that have phones, and how many. Everything comes first, even if it has none."""
    return services.optouts.sizes()


def _named(phones: Sequence[str]) -> str:
    """How the audit record names the phones: a single one masked; '' for several, which are only counted."""
    return masked(phones[0]) if len(phones) == 1 else ""


def _normal(services: Services, phones: Iterable[str]) -> list[str]:
    # A text is one phone: its characters are none.
    return [services.people.normal(phone) for phone in ([phones] if isinstance(phones, str) else phones)]
