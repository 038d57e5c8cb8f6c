"""The check before the claim: no recipient who opted out, or had enough messages, before the claim is messaged.

Planning excludes the phones on the suppression list (`campaigns.ledger.optouts`) and records the list's version. Each
later opt-out, of any scope, changes the version, and a batch with an older one cannot be claimed before its phones are
checked again. An opt-out that comes after the claim is too late for that request. A batch with a frequency cap is also
counted here, see `campaigns.flow.sending.counting`, and phones that could not be reached since planning are excluded,
if that was more than an hour ago. List mailings are not checked: only the gateway knows their phones.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import compress

from campaigns.flow.sending.counting import Message, begin_counting, count_messages
from campaigns.ledger import OutdatedSuppression, exclude_planned, scopes_for
from campaigns.ledger.records import Batch
from campaigns.ledger.states import PLANNED
from campaigns.planning.batching import without_messages
from campaigns.planning.planner import phones_of
from campaigns.recipients.exclusions import Exclusion
from campaigns.services import Services

log = logging.getLogger(__name__)


def exclude_later(services: Services, batch_id: str, outdated: OutdatedSuppression) -> None:
    """Exclude the recipients of a planned batch who opted out, could not be reached or had enough. Nothing if another
    worker was first."""
    batch = services.batches.read(batch_id)
    if batch.state != PLANNED or (op := begin_counting(services, batch)) is None:
        return
    body = services.batches.body(batch_id)
    planned = [] if body is None else phones_of(batch.kind, body)
    gone = _listed(services, batch, planned)
    counted, reduced = None, None
    if op:
        counting = count_messages(services, batch, op, planned, frozenset(gone))
        if counting is None:
            return
        counted = counting.now
        gone |= dict.fromkeys(counting.forbidden, Exclusion.CAPPED)
    # Fewer phones than the batch counts: some people were erased while it was refused.
    if body is not None and (gone or sum(map(len, planned)) != batch.recipients):
        reduced = without_messages(batch.kind, body, gone.keys())
    listed = [(gone[message], message[0], planned[message[0]][message[1]]) for message in sorted(gone)]
    if exclude_planned(services.store, batch, outdated, reduced, listed, services.ms.lookalikes, counted) and reduced:
        log.info("batch_reduced", extra={**batch.facts, **_numbers(gone)})


def _listed(services: Services, batch: Batch, planned: Sequence[Sequence[str]]) -> dict[Message, str]:
    """The messages to phones on a list, each with the reason: opted out, or else suppressed."""
    messages = [(mailing, row) for mailing, phones in enumerate(planned) for row in range(len(phones))]
    phones = [phone for phones in planned for phone in phones]
    gone: dict[Message, str] = {}
    if "suppresses" in batch.fields:
        gone |= dict.fromkeys(compress(messages, services.suppressed.among(phones)), Exclusion.SUPPRESSED)
    opted_out = services.optouts.among(phones, scopes_for(batch.account, batch.fields.get("topic")))
    return gone | dict.fromkeys(compress(messages, opted_out), Exclusion.OPTED_OUT)


def _numbers(gone: Mapping[Message, str]) -> dict[str, int]:
    reasons = list(gone.values())
    possible = (Exclusion.OPTED_OUT, Exclusion.SUPPRESSED, Exclusion.CAPPED)
    return {reason.value: reasons.count(reason) for reason in possible}
