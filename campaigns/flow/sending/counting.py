"""The frequency cap before the claim: the messages of a batch are counted, and those above the cap are excluded.

Planning excludes those who have had enough by then (`campaigns.ledger.counts`), which keeps jobs small. What decides is
the count here: the batch cannot be claimed before all its messages are counted for the day, and one script both looks
and counts, so that of two campaigns only one gets the last message that a phone may get.

What is counted is taken back once it is certain that the batch was not sent: it was refused, cancelled, or put back
because nothing was written. The next claim then counts anew. A worker that dies leaves what it counted with the batch,
where the next one finds it: no message is ever counted twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from campaigns.jobs.caps import Cap
from campaigns.ledger import Batch, CountedNow, Entry, Portion
from campaigns.ledger.counts import NOT_SENT, day_counted, miscounted
from campaigns.ledger.states import PLANNED
from campaigns.planning.planner import phones_of
from campaigns.portions import portions
from campaigns.services import Services
from campaigns.times.days import day_of

#: A message of a batch: the numbers of its mailing and of its row in that.
Message = tuple[int, int]
_PER_CALL: Final = 1000


class Counting(NamedTuple):
    """The messages of a batch were counted: what to record of that, and those that the cap forbids."""

    now: CountedNow
    forbidden: frozenset[Message]


def begin_counting(services: Services, batch: Batch) -> str | None:
    """Begin to count the messages of a planned batch, before its body is read; '' if it has no cap.

    Returns the random text that names this process; None if the batch is not planned any more.
    """
    if not batch.cap:
        return ""
    op = secrets.token_hex(8)
    return op if services.counts.begin(batch.id, op, [PLANNED]) else None


def count_messages(
    services: Services, batch: Batch, op: str, planned: Sequence[Sequence[str]], but: frozenset[Message]
) -> Counting | None:
    """Count the messages of a planned batch, except those in `but`, which are not going to be sent.

    `planned` are the phones of each mailing. Returns None if another worker began to count meanwhile.
    """
    cap, forbidden = Cap.read(batch.cap), list[Message]()
    today = day_of(services.about_now_ms(), services.settings.gateway_timezone)
    for first, portion in _portions(planned):
        own = range(first, first + len(portion.phones))
        skipped = [row - first for row in own if (portion.mailing, row) in but] if but else ()
        over = services.counts.count(batch.id, op, portion, today.number, cap, limited=True, but=skipped)
        if over is None:
            return None
        forbidden += [(portion.mailing, first + n) for n in over]
    return Counting(CountedNow(op, today), frozenset(forbidden))


def put_count_right(services: Services, entry: Entry) -> None:
    """Count a batch that may have been sent, whatever the cap says, or take back the count of what was not sent."""
    batch = services.batches.read(entry.id)
    if batch.state and miscounted(batch):
        _recount(services, batch)
    services.due.drop_control(entry)
    # It may have been put there again for a later change, while this one was under way.
    batch = services.batches.read(entry.id)
    if batch.state not in {"", PLANNED} and miscounted(batch):
        services.due.put_control(entry, services.now_ms())


def _recount(services: Services, batch: Batch) -> None:
    op, cap = secrets.token_hex(8), Cap.read(batch.cap)
    if not services.counts.begin(batch.id, op, [batch.state]):
        return
    # Of a body that has expired nothing can be taken back: what is counted of it expires too.
    body = services.batches.body(batch.id)
    planned = [] if body is None else phones_of(batch.kind, body)
    claimed_ms = batch.number("claimed_ms") or services.about_now_ms()
    claimed = day_of(claimed_ms, services.settings.gateway_timezone)
    day = None if batch.state in NOT_SENT else day_counted(batch) or claimed.number
    refused = [number for number in range(len(batch.mailings)) if f"rejected:{number}" in batch.fields]
    for _, portion in _portions(planned):
        on = None if portion.mailing in refused else day
        if services.counts.count(batch.id, op, portion, on, cap, limited=False) is None:
            return
    services.counts.end(batch.id, op, day, refused)


def _portions(planned: Sequence[Sequence[str]]) -> Iterator[tuple[int, Portion]]:
    """The messages of a batch in portions, each with the number of its first row."""
    for mailing, phones in enumerate(planned):
        for number, some in enumerate(portions(phones, _PER_CALL)):
            yield number * _PER_CALL, Portion(mailing, number, some)
