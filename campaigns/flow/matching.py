"""Which mailing of a batch an element of an answer is about. Pure.

The gateway names mailings by ids of its own, which its first answer brings, and by our names, which may come back
trimmed, shortened, escaped or with `?` for what its database could not store. So the id decides first, then the phones
and the order of the request, and the name only where those say nothing.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from campaigns.answers.rows import BulkMailing, BulkRefusal, BulkStatus, DeliveryRows, spelled, understood
from campaigns.gateway.wording import is_undecided
from campaigns.ledger.records import MailingRecord

#: Rows that are compared with a mailing's phones.
_SAMPLE: Final = 50
#: Least length of a cut name: shorter beginnings fit too many names.
_LEAST_LENGTH: Final = 6


@dataclass(slots=True)
class Matched:
    """The elements of an answer, by the mailing's number in the batch, and how many belong to no mailing."""

    rows: dict[int, DeliveryRows] = field(default_factory=dict)
    ids: dict[int, tuple[int, ...]] = field(default_factory=dict)
    rejected: dict[int, str] = field(default_factory=dict)
    unmatched_mailings: int = 0
    unmatched_refusals: int = 0


def match(
    mailings: Sequence[MailingRecord],
    known_ids: Mapping[int, Sequence[int]],
    phones: Callable[[], Sequence[Sequence[str]]],
    status: BulkStatus,
) -> Matched:
    """Assign the elements of a statusBulkViber answer to the mailings of a batch.

    `known_ids` are the gateway's ids as far as they are known. `phones` returns the recipients of each mailing (empty
    lists once they have expired) and is called only if ids do not suffice.
    """
    matched, owners = Matched(ids={}), {i: number for number, ids in known_ids.items() for i in ids}
    waiting: list[BulkMailing] = []
    for element in status.mailings:
        number = owners.get(element.message_id) if element.message_id is not None else None
        if number is None:
            waiting.append(element)
        else:
            _take(matched, number, element)
    if waiting:
        place = _Places(mailings, [frozenset(own) for own in phones()], status.elements)
        for element in waiting:
            number = place.of(element, matched)
            if number is None:
                matched.unmatched_mailings += 1
            else:
                _take(matched, number, element)
    for refusal in status.errors:
        number = None if is_undecided(refusal.text) else _refused(mailings, owners, refusal, status, matched)
        # A mailing with deliveries went out, whatever an error says about it.
        if number is None or number in matched.rows:
            matched.unmatched_refusals += 1
        else:
            matched.rejected.setdefault(number, refusal.text)
    return matched


def same_name(named: str, sent: str) -> bool:
    """Whether the gateway's name may be `sent`, altered by a framework and a database."""
    named, sent = _folded(named), _folded(sent)
    cut = re.sub(r"(\.{2,}|\u2026)$", "", named).rstrip()
    if named == sent or (len(cut) >= _LEAST_LENGTH and sent.startswith(cut)):
        return True
    if "?" not in named:
        return False
    pattern = ".{0,4}".join(map(re.escape, re.split(r"\?+", cut)))
    return len(cut) >= _LEAST_LENGTH and re.match(pattern, sent, re.DOTALL) is not None


class _Places:
    """Finds the mailing of an element whose id says nothing yet."""

    def __init__(self, mailings: Sequence[MailingRecord], own: Sequence[frozenset[str]], elements: int) -> None:
        self._mailings = mailings
        self._own = own
        self._in_order = elements == len(mailings)

    def of(self, element: BulkMailing, matched: Matched) -> int | None:
        named = _named(self._mailings, element.name)
        there = {spelled(row[0], element.rows.region) for row in islice(understood(element.rows.raw), _SAMPLE)}
        there.discard(None)
        fitting = [n for n, own in enumerate(self._own) if there and 2 * len(there & own) > len(there)]
        if fitting:
            return _best(fitting, named, element.position, matched)
        if named:
            free = [number for number in named if number not in matched.rows]
            return (free or named)[0]
        if there and any(self._own):
            return None  # neither the phones nor the name are this batch's
        if len(self._mailings) == 1:
            return 0
        return element.position if self._in_order and element.position not in matched.rows else None


def _best(fitting: Sequence[int], named: Sequence[int], position: int, matched: Matched) -> int:
    """One of the mailings that have the phones of an element: by its name, by its place, or the next one."""
    for number in named:
        if number in fitting and number not in matched.rows:
            return number
    if position in fitting and position not in matched.rows:
        return position
    free = [number for number in fitting if number not in matched.rows]
    return next((number for number in (*named, *free) if number in fitting), fitting[0])


def _named(mailings: Sequence[MailingRecord], name: str) -> list[int]:
    """The mailings that a name may mean: those that were sent under exactly this one, else the only similar one."""
    exact = [number for number, mailing in enumerate(mailings) if mailing.sent_name == name]
    if exact or not name.strip():
        return exact
    alike = [number for number, mailing in enumerate(mailings) if same_name(name, mailing.sent_name)]
    return alike if len(alike) == 1 else []


def _refused(
    mailings: Sequence[MailingRecord],
    owners: Mapping[int, int],
    refusal: BulkRefusal,
    status: BulkStatus,
    matched: Matched,
) -> int | None:
    """The mailing that an error is about: it begins with the mailing's name and a colon."""
    if refusal.message_id is not None and refusal.message_id in owners:
        return owners[refusal.message_id]
    exact = [n for n, mailing in enumerate(mailings) if refusal.text.startswith(mailing.sent_name + ":")]
    if exact:
        return max(exact, key=lambda number: len(mailings[number].sent_name))
    heads = [refusal.text[: colon.start()] for colon in re.finditer(":", refusal.text)]
    for head in (refusal.name, *reversed(heads[:8])):
        named = _named(mailings, head) if head.strip() else []
        if len(named) == 1:
            return named[0]
    if len(mailings) == 1:
        return 0
    in_order = status.elements == len(mailings) and refusal.position not in matched.rows
    return refusal.position if in_order else None


def _take(matched: Matched, number: int, element: BulkMailing) -> None:
    rows = matched.rows.get(number)
    matched.rows[number] = element.rows if rows is None else rows + element.rows
    ids = matched.ids.get(number, ())
    if element.message_id is not None and element.message_id not in ids:
        matched.ids[number] = (*ids, element.message_id)


def _folded(name: str) -> str:
    """A name in one spelling of what frameworks alter: entities, slashes before quotes, spaces, case, accents."""
    text = html.unescape(html.unescape(name))
    text = unicodedata.normalize("NFKC", re.sub(r"\\(?=[\\'\"/])", "", text)).replace("\ufffd", "?")
    return " ".join(text.split()).casefold()
