"""Canaries: how the part of a campaign fared that was sent first, and whether the others follow."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import orjson

from campaigns.errors import UnknownCampaignError
from campaigns.flow.scheduling.dispatch import ring
from campaigns.flow.scheduling.sweep import poll_now
from campaigns.jobs.values import Canary
from campaigns.ledger import POLL_VERB, SEND, Campaign, Entry, queue_of
from campaigns.ledger.records import MailingRecord
from campaigns.ledger.states import HELD, PLANNED, READY, REJECTED, SENDING, UNKNOWN
from campaigns.names import POLL
from campaigns.services import Services
from campaigns.statuses import DELIVERED, READ, UNKNOWN_FINAL
from campaigns.text.causes import IN_DOUBT, NOT_RECEIVED, TOO_MANY_FAILED, canary_words

log = logging.getLogger(__name__)

#: A canary is judged this often during its wait, within the limits below: one that fails is noticed soon, even while
#: a part of it is still to be sent.
_JUDGEMENTS: Final = 20
_SOONEST_MS, _LATEST_MS = 1_000, 30_000
#: This long after the last of its polls was taken, its answer is stored.
_ANSWERS_MS: Final = 3_000
#: Final statuses that are not failures.
_NO_FAILURES: Final = frozenset({READ, DELIVERED, UNKNOWN_FINAL})


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of a canary.

    `arrived`: recipients who have the message on their phones. `failed`: recipients who were refused or cannot be
    reached. `open`: requests that are in doubt or still to be sent. `held`: requests about which a person must decide.
    """

    recipients: int
    arrived: int
    failed: int
    open: int
    held: int


@dataclass(frozen=True, slots=True)
class Part:
    """The canary of one of several mailings: its recipients, how many have the message on their phones, and how many
    were refused or cannot be reached."""

    name: str
    recipients: int = 0
    arrived: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """`waits` (until `until_ms`, unix ms, if known), `asks` for statuses once more, `passed`, or `failed`.

    `why` says in words why it failed, `cause` by a code and its facts: see `campaigns.text.causes`.
    """

    word: Literal["waits", "asks", "passed", "failed"]
    why: str = ""
    until_ms: int | None = None
    cause: Mapping[str, Any] = field(default_factory=dict)


def judge_canary(services: Services, entry: Entry) -> None:
    """Judge the canary of a campaign, and say when to judge it again. Raises StoreError."""
    try:
        campaign = services.campaigns.read(entry.id)
    except UnknownCampaignError:
        services.due.drop_control(entry)
        return
    canary = campaign.canary
    if campaign.state != READY or not campaign.canary_batches or canary is None:
        # A paused campaign comes here again when it is resumed.
        services.due.drop_control(entry)
        return
    now_ms = services.now_ms()
    found = findings(campaign, services.settings.final_statuses)
    sent_by_ms = 0 if found.open else _sent_by_ms(services, campaign)
    asked_ms, parts = campaign.number("canary_asked_ms"), _parts(services, campaign)
    unpolled = bool(asked_ms) and _is_unpolled(services, campaign, now_ms)
    verdict = judged(canary, found, now_ms, sent_by_ms, asked_ms, parts, unpolled=unpolled)
    if verdict.word == "asks" and not unpolled:
        poll_now(services, replace(campaign, batches=campaign.canary_batches))
        ring(services, POLL)
    # Recorded after it is asked: a worker that dies in between makes another ask again.
    _write(services, campaign, verdict, found)
    if verdict.word in {"waits", "asks"}:
        again_ms = now_ms + _again_ms(canary)
        services.due.put_control(entry, min(again_ms, verdict.until_ms or again_ms))
    else:
        services.due.drop_control(entry)


def findings(campaign: Campaign, final: Set[str]) -> Findings:
    """What is known of its canary. Until that has passed, nothing else of the campaign is sent. Pure."""
    recipients, requests = campaign.recipients, campaign.requests
    behind = campaign.batches - campaign.canary_batches
    words = campaign.statuses
    refused = recipients[REJECTED]
    return Findings(
        recipients=campaign.sent + refused + recipients[HELD],
        arrived=words.get(READ, 0) + words.get(DELIVERED, 0),
        failed=refused + sum(number for word, number in words.items() if word in final - _NO_FAILURES),
        open=requests.get(SENDING, 0) + requests.get(UNKNOWN, 0) + max(0, requests.get(PLANNED, 0) - behind),
        held=requests.get(HELD, 0),
    )


def judged(
    canary: Canary,
    found: Findings,
    now_ms: int,
    sent_by_ms: int,
    asked_ms: int,
    parts: Sequence[Part] = (),
    *,
    unpolled: bool = False,
) -> Verdict:
    """What follows from the findings. Pure.

    `sent_by_ms`: when the last batch of the canary began at the gateway (unix ms). `asked_ms`: when the gateway was
    asked for statuses after the wait (unix ms); 0 if it was not yet. `parts`: the canary of each mailing, if the job
    has several; each must do well by itself. `unpolled`: a poll of it still waits for its turn, behind others of its
    account.
    """
    whole = Part("", found.recipients, found.arrived, found.failed)
    # The mailings first, so that the verdict names the one that failed.
    for part in (*parts, whole):
        # While a part of it is still to be sent, the share is that of all.
        of = canary.recipients if part is whole and found.open else 0
        if part.failed > canary.max_failed * max(part.recipients, of):
            facts = {"failed": part.failed, "recipients": part.recipients, "most": canary.max_failed}
            return _failed(TOO_MANY_FAILED, part, **facts)
    if found.held:
        return _failed(IN_DOUBT, whole, requests=found.held)
    until_ms = sent_by_ms + canary.wait_s * 1000
    if found.open or now_ms < until_ms:
        return Verdict("waits", until_ms=None if found.open else until_ms)
    answered_ms = 0 if unpolled or not asked_ms else asked_ms + _ANSWERS_MS
    if not answered_ms or now_ms < answered_ms:
        return Verdict("waits", until_ms=answered_ms) if answered_ms else Verdict("asks")
    for part in (*parts, whole):
        if not part.arrived and (part is whole or part.recipients):
            return _failed(NOT_RECEIVED, part, wait_s=canary.wait_s)
    return Verdict("passed")


def _failed(code: str, part: Part, **facts: object) -> Verdict:
    cause = {"code": code, **facts, **({"mailing": part.name} if part.name else {})}
    return Verdict("failed", canary_words(cause), cause=cause)


def _parts(services: Services, campaign: Campaign) -> Sequence[Part]:
    """The canary of each mailing of a job with several, as far as it was sent. Raises StoreError."""
    if len(campaign.job.get("messages") or ()) < 2:
        return ()
    found: dict[int, Part] = {}
    batches = list(services.batches.read_each(campaign.batch_ids()[: campaign.canary_batches]))
    # A batch whose recipients were all excluded before its claim still names its mailings, though it sent no message.
    batches = [batch for batch in batches if batch.recipients]
    for batch in batches:
        for number, mailing in enumerate(batch.mailings):
            refused = batch.state == REJECTED or f"rejected:{number}" in batch.fields
            _add(found, mailing, Part("", mailing.recipients, failed=mailing.recipients * refused))
    failures = services.settings.final_statuses - _NO_FAILURES
    for batch, number, values in services.deliveries.with_status(batches):
        words = Counter(value.partition(b"|")[0].decode() for value in values)
        failed = 0 if f"rejected:{number}" in batch.fields else sum(words[word] for word in failures)
        _add(found, batch.mailings[number], Part("", 0, words[READ] + words[DELIVERED], failed))
    return tuple(found.values())


def _add(found: dict[int, Part], mailing: MailingRecord, more: Part) -> None:
    known = found.get(mailing.index, Part(mailing.name or f"mailing {mailing.index + 1}"))
    found[mailing.index] = Part(
        known.name, known.recipients + more.recipients, known.arrived + more.arrived, known.failed + more.failed
    )


def _is_unpolled(services: Services, campaign: Campaign, now_ms: int) -> bool:
    polls = [Entry(POLL_VERB, batch_id) for batch_id in campaign.batch_ids()[: campaign.canary_batches]]
    return services.due.still_due(polls, campaign, now_ms)


def _again_ms(canary: Canary) -> int:
    return min(_LATEST_MS, max(_SOONEST_MS, canary.wait_s * 1000 // _JUDGEMENTS))


def _sent_by_ms(services: Services, campaign: Campaign) -> int:
    """When the last batch of its canary was sent, or begins if it is scheduled (unix ms)."""
    ids = campaign.batch_ids()[: campaign.canary_batches]
    return max((batch.starts_at_ms for batch in services.batches.read_each(ids)), default=0)


def _write(services: Services, campaign: Campaign, verdict: Verdict, found: Findings) -> None:
    keys, queue = services.store.keys, queue_of(SEND, campaign.kind)
    names = [keys.campaign(campaign.id), keys.events(), keys.due(queue, campaign.account), keys.accounts(queue)]
    data: dict[str, object] = {"recipients": found.recipients, "arrived": found.arrived, "failed": found.failed}
    if verdict.word == "failed":
        data["reason"] = verdict.why
        if "mailing" in verdict.cause:
            data["mailing"] = verdict.cause["mailing"]
    if verdict.word == "waits" and verdict.until_ms is None:
        return
    cause = orjson.dumps(verdict.cause) if verdict.cause else b""
    why, until_ms = verdict.why, verdict.until_ms or 0
    arguments = [campaign.id, verdict.word, campaign.account, orjson.dumps(data), why, until_ms, cause]
    if services.store.run("judge_canary", names, arguments) and verdict.word in {"passed", "failed"}:
        log.info(f"canary_{verdict.word}", extra={**campaign.facts, "reason": verdict.why})
