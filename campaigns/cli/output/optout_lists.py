"""Lists of opt-outs for `campaigns optouts list` and `export`, and what they leave out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from campaigns.ledger import EVERYTHING, OptOut, OptOuts, Scope
from campaigns.reports.rows import CsvLines
from campaigns.text.harmless import harmless
from campaigns.text.wording import counted

COLUMNS: Final = ("phone", "account", "topic")


def scopes_listed(narrower: Iterable[Scope], scope: Scope, *, every_scope: bool) -> list[Scope]:
    """The scope and, with `every_scope`, those of `narrower` that are a part of it."""
    return [scope, *_within(narrower, scope)] if every_scope else [scope]


def list_lines(optouts: OptOuts, scopes: Sequence[Scope], *, table: bool) -> Iterator[str]:
    """Lines with their line breaks: a phone each, or a table of phones and what they are opted out of."""
    if not table:
        return (f"{harmless(phone)}\n" for scope in scopes for phone in optouts.members(scope))
    return _table(optouts, scopes)


def list_documents(optouts: OptOuts, scopes: Iterable[Scope]) -> Iterator[dict[str, Any]]:
    """The opt-outs of these scopes as plain values, for JSON."""
    return (optout_dict(phone, optout) for scope in scopes for phone, optout in optouts.details(scope))


def left_out(sizes: Mapping[Scope, int], scope: Scope) -> str | None:
    """How many opt-outs the list of a scope lacks, because they are of parts of it only; None if it lacks none."""
    number = sum(sizes[one] for one in _within(sizes, scope))
    if not number:
        return None
    of = f"topics of account {scope.account}" if scope.account else "single accounts and topics"
    return f"left out: {counted(number, 'opt-out')} of {of}; with these: --all; to count them: campaigns optouts scopes"


def optout_dict(phone: str, optout: OptOut) -> dict[str, Any]:
    """An opt-out as plain values, for JSON."""
    since = optout.since_ms
    at = None if since is None else datetime.fromtimestamp(since / 1000, tz=UTC).isoformat(timespec="seconds")
    of = {"account": optout.account, "topic": optout.topic}
    return {"phone": phone, "since": at, "since_ms": since, "why": optout.why, "by": optout.by, **of}


def _within(scopes: Iterable[Scope], scope: Scope) -> list[Scope]:
    """Those of the scopes that are a part of `scope`: all of everything, the topics of an account."""
    inside = [one for one in scopes if one not in {scope, EVERYTHING}]
    return [one for one in inside if not scope.topic and scope.account in {"", one.account}]


def _table(optouts: OptOuts, scopes: Iterable[Scope]) -> Iterator[str]:
    lines = CsvLines()
    yield lines.head(COLUMNS)
    for scope in scopes:
        yield from (lines.line((phone, scope.account, scope.topic)) for phone in optouts.members(scope))
