"""Counts of the messages of one mailing, in memory that does not grow with their number. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Set
from decimal import Decimal
from typing import Any, Final

from campaigns.evaluation.hours import Hours
from campaigns.evaluation.values import Failure
from campaigns.ledger import Batch
from campaigns.ledger.records import MILLION, MailingRecord
from campaigns.ledger.states import ACCEPTED, CANCELLED, HELD, PLANNED, REJECTED, SENDING, SETTLED, UNKNOWN, WRITTEN_OFF
from campaigns.statuses import DELIVERED, READ, UNKNOWN_FINAL, is_known

#: Pairs of status and error code that are counted separately; further ones are counted together.
MOST_WORDS: Final = 100
OTHERS: Final = "(further ones)"
#: Where the messages of a batch are counted, by its state.
_PLACES: Final[dict[str, str]] = {
    **dict.fromkeys((PLANNED, SENDING), "waiting"),
    **dict.fromkeys((UNKNOWN, HELD, WRITTEN_OFF), "in_doubt"),
    **dict.fromkeys((ACCEPTED, SETTLED), "sent"),
    REJECTED: "refused",
    CANCELLED: "cancelled",
}
_PRICE: Final = re.compile(r"([^=;]*)=([0-9]+);")


class MailingSums:
    """What one mailing of the job adds up to over all batches. `final`: the settings' final statuses."""

    def __init__(self, final: Set[str], hours: Hours) -> None:
        self._final = final
        self._hours = hours
        self._places: Counter[str] = Counter()
        #: Messages by status and error code.
        self._words: Counter[tuple[str, int]] = Counter()
        self._costs: Counter[str] = Counter()
        self._unpriced = 0
        self._scheduled: tuple[int, ...] = ()

    def add_part(self, batch: Batch, number: int) -> None:
        """Count mailing `number` of a batch, which is a part of this one."""
        mailing = batch.mailings[number]
        refused = f"rejected:{number}" in batch.fields
        place = "refused" if refused else _PLACES.get(batch.state, "waiting")
        self._places[place] += _recipients(batch, mailing, refused)
        if (at_ms := batch.scheduled_ms(mailing)) is not None:
            times = (*self._scheduled, at_ms)
            self._scheduled = (min(times), max(times)) if min(times) != max(times) else (at_ms,)
        price = batch.fields.get(f"cost:{number}")
        self._unpriced += place == "sent" and not price
        for currency, micro in _PRICE.findall(price or ""):
            self._costs[currency] += int(micro)

    def add_deliveries(self, values: Iterable[bytes]) -> None:
        """Count messages that have a status, as stored: `STATUS|unix ms|delivery_id|error_code`."""
        found: Counter[tuple[bytes, bytes]] = Counter()
        read_at = self._hours.add
        for value in values:
            word, at_ms, _, code = value.split(b"|", 3)
            found[word, code] += 1
            if word == b"READ":
                read_at(int(at_ms or 0))
        for (raw, code), number in found.items():
            self._words[self._admitted(raw.decode(), int(code or 0))] += number

    def _admitted(self, word: str, code: int) -> tuple[str, int]:
        """Where a status with an error code is counted."""
        if (word, code) in self._words or len(self._words) < MOST_WORDS:
            return word, code
        return (word, 0) if is_known(word, self._final) else (OTHERS, 0)

    def counts(self) -> dict[str, Any]:
        """The fields of `MailingResults` that batches and deliveries decide."""
        statuses: Counter[str] = Counter()
        for (word, _), number in self._words.items():
            statuses[word] += number
        failures = [Failure(*pair, number) for pair, number in self._words.most_common() if self._failed(pair[0])]
        return {
            "scheduled_ms": self._scheduled,
            "recipients": self._places.total(),
            **self._places,
            "delivered": statuses[DELIVERED] + statuses[READ],
            "read": statuses[READ],
            "failed": sum(failure.messages for failure in failures),
            "never_known": statuses[UNKNOWN_FINAL],
            "statuses": dict(statuses.most_common()),
            "failures": tuple(failures),
            "costs": {currency: Decimal(micro) / MILLION for currency, micro in sorted(self._costs.items())},
            "unpriced": self._unpriced,
        }

    def _failed(self, word: str) -> bool:
        return word in self._final and word not in {DELIVERED, READ, UNKNOWN_FINAL}


def _recipients(batch: Batch, mailing: MailingRecord, refused: bool) -> int:
    """The messages of a mailing in a batch. Planning does not know those of a list, and a batch of which all recipients
    opted out keeps its mailings."""
    if batch.kind == "list":
        return batch.recipients or mailing.recipients
    return mailing.recipients if batch.recipients or refused or batch.state == REJECTED else 0
