"""Why recipients of a campaign were refused or are held, and whose reason that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from campaigns.ledger.batches import Batches
from campaigns.ledger.records import Batch, Campaign
from campaigns.ledger.states import HELD, REJECTED

#: A batch's field: `HERE` if a check of ours refused it; without it the gateway did.
REFUSED_BY: Final = "refused_by"
HERE: Final = "here"
#: How many batches of a campaign are searched for reasons, and how many different reasons are returned.
_MOST_BATCHES: Final = 1000
_MOST_REASONS: Final = 20
_PER_CALL: Final = 200


@dataclass(frozen=True, slots=True)
class Reason:
    """Why `recipients` are in `state` (`rejected` or `held`), in the words of the gateway, check or person behind it.

    `by` is `gateway`, or `here` for a limit of the job or another check before the gateway was paid. `requests`
    counts whole requests: 0 where the gateway refused single mailings of requests that it took.
    """

    state: str
    by: str
    words: str
    requests: int
    recipients: int


def reasons_of(batches: Batches, campaign: Campaign) -> tuple[Reason, ...]:
    """The reasons of a campaign, those of most recipients first. Raises StoreError.

    Reads no more than 1,000 batches, and none if nothing is refused or held.
    """
    left: dict[str, int] = {state: campaign.number(f"b:{state}") for state in (REJECTED, HELD)}
    mailings = campaign.number(f"r:{REJECTED}")
    if not any(left.values()) and not mailings:
        return ()
    found: dict[tuple[str, str, str], Reason] = {}
    for some in batches.read_in_portions(campaign.batch_ids()[:_MOST_BATCHES], _PER_CALL):
        for batch in some:
            for reason in _of_batch(batch):
                mailings -= reason.recipients if reason.state == REJECTED else 0
                _add(found, reason)
            if batch.state in left:
                left[batch.state] -= 1
        if mailings <= 0 and not any(number > 0 for number in left.values()):
            break
    ordered = sorted(found.values(), key=lambda reason: (-reason.recipients, -reason.requests, reason.words))
    return tuple(ordered[:_MOST_REASONS])


def refused_by(batch: Batch) -> str:
    """What refused a batch: `gateway` or `here`."""
    return batch.fields.get(REFUSED_BY) or "gateway"


def _of_batch(batch: Batch) -> Iterator[Reason]:
    text = batch.fields.get("text", "")
    if batch.state == HELD:
        yield Reason(HELD, HERE, text or "no evidence either way", 1, batch.recipients)
        return
    refused = [number for number in range(len(batch.mailings)) if f"rejected:{number}" in batch.fields]
    for number in refused:
        words = batch.fields[f"rejected:{number}"]
        yield Reason(REJECTED, "gateway", words, 0, batch.mailings[number].recipients)
    if batch.state == REJECTED and not refused:
        yield Reason(REJECTED, refused_by(batch), text or "no reason was given", 1, batch.recipients)


def _add(found: dict[tuple[str, str, str], Reason], reason: Reason) -> None:
    key = (reason.state, reason.by, reason.words)
    if before := found.get(key):
        requests, recipients = before.requests + reason.requests, before.recipients + reason.recipients
        reason = Reason(*key, requests, recipients)
    found[key] = reason
