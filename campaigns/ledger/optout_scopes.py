"""The scopes of opt-outs: everything, one account, or one topic of an account. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from campaigns.settings import DEFAULT_ACCOUNT
from campaigns.settings.environment import ALIAS
from campaigns.settings.values import OF_ACCOUNT, OF_ALL, OF_TOPIC
from campaigns.text.wellformed import topic_problem


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """What a person is opted out of. Without `account`: of everything; with `topic`: of that topic of the account."""

    account: str = ""
    topic: str = ""

    @classmethod
    def read(cls, name: str) -> Scope:
        """From its `name`."""
        account, _, topic = name.partition("/")
        return cls(account, topic)

    @property
    def name(self) -> str:
        """Its name in the store: '' for everything, such as `shop` or `shop/offers` for the others."""
        return f"{self.account}/{self.topic}" if self.topic else self.account

    @property
    def kind(self) -> str:
        """Which of the three kinds it is."""
        return OF_TOPIC if self.topic else OF_ACCOUNT if self.account else OF_ALL

    @property
    def words(self) -> str:
        """The scope in words, such as `topic offers of account shop`."""
        of_account = f"account {self.account}" if self.account else "everything"
        return f"topic {self.topic} of {of_account}" if self.topic else of_account

    @property
    def detail(self) -> str:
        """The scope as audit records have it: '' for everything."""
        return self.words if self.account else ""

    @property
    def options(self) -> str:
        """The options of `campaigns optouts` that name it, each with a space before; '' for everything."""
        topic = f" --topic {self.topic}" if self.topic else ""
        return f" --account {self.account}{topic}" if self.account else ""


EVERYTHING: Final = Scope()


def scope_named(account: str | None, topic: str | None) -> Scope:
    """The scope that a caller names; a topic without an account is one of the default account. Raises ValueError."""
    if account is None and topic is None:
        return EVERYTHING
    alias = DEFAULT_ACCOUNT if account is None else account.lower() if account.isascii() else ""
    if not ALIAS.fullmatch(alias):
        raise ValueError(f"account {account!r} must be an alias of Latin letters, digits and _")
    if topic is not None and (problem := topic_problem(topic)) is not None:
        raise ValueError(f"topic {topic!r} {problem}")
    return Scope(alias, (topic or "").lower())


def scopes_for(account: str, topic: str | None) -> tuple[Scope, ...]:
    """The scopes whose opt-outs a campaign keeps to, the widest first."""
    return EVERYTHING, Scope(account), *([Scope(account, topic)] if topic else [])


def scope_of_reply(kind: str, account: str, topic: str) -> Scope:
    """What the recipient of a campaign opts out of by a reply, by the kind that the settings ask for; a campaign
    without topic stands for its account."""
    if kind == OF_ALL:
        return EVERYTHING
    return Scope(account, topic if kind == OF_TOPIC else "")
