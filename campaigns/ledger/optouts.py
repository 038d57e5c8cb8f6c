"""The suppression list: phones that are opted out, of what, since when and why.

Planning excludes them with `OptOutChecker`. Those who opted out later, but before a batch is claimed, are excluded by
`campaigns.flow.sending.later_optouts`. The opt-outs of everything are a set, to which other programs may add, and a
hash of notes; those of a narrower scope are a hash alone. One counter counts the additions to all of them, so that a
claim compares one version, however many scopes there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from campaigns.acts import Act, packed
from campaigns.ledger.optout_scopes import EVERYTHING, Scope
from campaigns.ledger.phone_lists import Checker, PhoneList, noted_phones
from campaigns.portions import portions
from campaigns.store.client import Store
from campaigns.store.commands import Command, Redis, command

_PER_CALL = 500


@dataclass(frozen=True, slots=True)
class OptOut:
    """Since when (unix milliseconds), why and by whom a phone is opted out; None and empty if that was never noted.

    `by` is `recipient` where a reply asked for it; then `why` names the reply and its campaign. `account` and `topic`
    say what it is opted out of: everything if both are empty.
    """

    since_ms: int | None
    why: str
    by: str = ""
    account: str = ""
    topic: str = ""

    @classmethod
    def read(cls, noted: bytes | None, scope: Scope = EVERYTHING) -> OptOut:
        """From what is stored beside the phone."""
        head, _, why = (noted or b"").decode().partition("|")
        since_ms, _, by = head.partition(":")
        return cls(int(since_ms) if since_ms else None, why, by, scope.account, scope.topic)

    @property
    def scope(self) -> Scope:
        """What it is opted out of."""
        return Scope(self.account, self.topic)

    def caused_by(self, reply_id: str, campaign_id: str) -> bool:
        """Whether a reply to a campaign caused it, which the script `store_replies` notes in these words."""
        return self.by == "recipient" and self.why == f"reply {reply_id} to campaign {campaign_id}"


class OptOutChecker(Checker):
    """Whether each of some phones is opted out of one of some scopes; the answer may be empty if none is.

    `version` is the list's before the first question. Batches planned by it are checked again if it has changed.
    """

    def __init__(self, version: str, listed: PhoneList, size: int) -> None:
        super().__init__(listed, size)
        self.version = version


class OptOuts:
    """The suppression list. A method that takes no scope is about opt-outs of everything, or says what it is about.
    Every method may raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = store.keys

    def add(
        self,
        phones: Iterable[str],
        why: str = "",
        by: str = "",
        act: Act | None = None,
        scope: Scope = EVERYTHING,
    ) -> int:
        """Opt out, also of batches that are planned already. Returns how many were new.

        With an `act`, each portion of phones that holds a new one is recorded.
        """
        keys = self._keys
        names = [keys.optouts(), keys.optouts_counter(), self._notes(scope), keys.audit(), keys.optout_scopes()]
        head = [scope.name, by.replace("|", "/"), why, packed(act)]
        return sum(int(self._store.run_safely("opt_out", names, [*head, *chunk])) for chunk in _chunks(phones))

    def remove(self, phones: Iterable[str], act: Act | None = None, scope: Scope = EVERYTHING) -> int:
        """Returns how many were opted out of that scope. Other scopes stay. A record is kept as of `add`."""
        keys = self._keys
        names = [keys.optouts(), self._notes(scope), keys.audit(), keys.optout_scopes()]
        head = [scope.name, packed(act)]
        return sum(int(self._store.run("opt_in", names, [*head, *chunk])) for chunk in _chunks(phones))

    def among(self, phones: Sequence[str], scopes: Sequence[Scope] = (EVERYTHING,)) -> list[bool]:
        """For each phone, whether it is opted out of one of these scopes. Asks in one round trip."""
        if not phones:
            return []
        answers = self._store.ask_many([self._are_out(phones, scope) for scope in scopes])
        return [any(found not in (0, None) for found in each) for each in zip(*answers, strict=True)]

    def checker(self, scopes: Sequence[Scope] = (EVERYTHING,)) -> OptOutChecker:
        """As `among`, for many phones. The first scope is everything. A phone added meanwhile may be missed, but that
        changes the version."""
        names = [self._keys.optouts(), self._keys.optouts_counter(), *map(self._notes, scopes[1:])]
        version, *sizes = self._store.run("optouts_version", names)
        with_phones = [scope for scope, size in zip(scopes, sizes, strict=True) if size]
        return OptOutChecker(version.decode(), OfScopes(self, with_phones), sum(sizes))

    def of(self, phone: str, scopes: Sequence[Scope] = (EVERYTHING,)) -> OptOut | None:
        """What is known of the widest opt-out of a phone in these scopes; None if it is opted out of none."""
        return next(self._found(phone, scopes), None)

    def every_of(self, phone: str) -> list[OptOut]:
        """All opt-outs of a phone, the widest first."""
        return list(self._found(phone, [EVERYTHING, *self.narrower()]))

    def _found(self, phone: str, scopes: Sequence[Scope]) -> Iterator[OptOut]:
        listed, *notes = self._store.ask_many(
            [
                command(Redis.sismember, self._keys.optouts(), phone),
                *(command(Redis.hget, self._notes(scope), phone) for scope in scopes),
            ]
        )
        for scope, noted in zip(scopes, notes, strict=True):
            if listed if scope == EVERYTHING else noted is not None:
                yield OptOut.read(noted, scope)

    def narrower(self) -> list[Scope]:
        """The scopes, besides everything, of which phones are opted out, in order."""
        return sorted(Scope.read(raw.decode()) for raw in self._store.members(self._keys.optout_scopes()))

    def sizes(self) -> Mapping[Scope, int]:
        """How many phones are opted out of everything, and of each of those scopes."""
        narrower = self.narrower()
        sizes = self._store.ask_many([command(Redis.hlen, self._notes(scope)) for scope in narrower])
        return {EVERYTHING: len(self), **dict(zip(narrower, sizes, strict=True))}

    def noted(self, phones: Sequence[str], scopes: Sequence[Scope]) -> list[list[OptOut]]:
        """For each phone, what was noted beside it in each of these scopes."""
        found: list[list[OptOut]] = []
        for chunk in portions(phones, _PER_CALL):
            answers = self._store.ask_many([command(Redis.hmget, self._notes(scope), chunk) for scope in scopes])
            for notes in zip(*answers, strict=True):
                pairs = zip(scopes, notes, strict=True)
                found.append([OptOut.read(noted, scope) for scope, noted in pairs if noted is not None])
        return found

    def details(self, scope: Scope = EVERYTHING) -> Iterator[tuple[str, OptOut]]:
        """Every phone that is opted out of a scope with what is known of it, in no order."""
        if scope != EVERYTHING:
            yield from (
                (phone, OptOut.read(noted, scope)) for phone, noted in noted_phones(self._store, self._notes(scope))
            )
            return
        for phones in _chunks(self):
            noted = self._store.ask(Redis.hmget, self._keys.optouts_why(), phones)
            yield from zip(phones, map(OptOut.read, noted), strict=True)

    def members(self, scope: Scope = EVERYTHING) -> Iterator[str]:
        """Every phone that is opted out of a scope, each once, in no order."""
        if scope == EVERYTHING:
            return (member.decode() for member in self._store.members(self._keys.optouts()))
        return (phone for phone, _ in noted_phones(self._store, self._notes(scope)))

    def __iter__(self) -> Iterator[str]:
        return self.members()

    def __len__(self) -> int:
        return int(self._store.ask(Redis.scard, self._keys.optouts()))

    def _notes(self, scope: Scope) -> str:
        return self._keys.optouts_why() if scope == EVERYTHING else self._keys.optouts_of(scope.name)

    def _are_out(self, phones: Sequence[str], scope: Scope) -> Command:
        if scope == EVERYTHING:
            return command(Redis.smismember, self._keys.optouts(), list(phones))
        return command(Redis.hmget, self._notes(scope), list(phones))


class OfScopes:
    """The opt-outs of some scopes as one list of phones, in which a phone may stand several times."""

    def __init__(self, optouts: OptOuts, scopes: Sequence[Scope]) -> None:
        self._optouts = optouts
        self._scopes = scopes

    def among(self, phones: Sequence[str]) -> list[bool]:
        """For each phone, whether it is on the list."""
        return self._optouts.among(phones, self._scopes)

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(map(self._optouts.members, self._scopes))


def _chunks(phones: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(phones)
    while chunk := list(islice(iterator, _PER_CALL)):
        yield chunk
