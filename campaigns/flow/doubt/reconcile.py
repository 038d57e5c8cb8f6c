"""Reconciling: finds out whether a request in doubt arrived, without ever guessing with money.

A list mailing is decided by its own status. For the others the gateway's listing is searched for a mailing with the
same content and the same phones. A mailing that is found proves that the request arrived. Finding none proves absence
only under the conditions of `evidence.absence_proven`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from campaigns.errors import AccountRefusedError, ContentRefusedError, GatewayError
from campaigns.flow.confirmations import read_status, words_tell
from campaigns.flow.doubt.double_sends import watch, watched
from campaigns.flow.doubt.evidence import REDUCED, CheckResult, absence_proven, check_listing, verified_uuid
from campaigns.flow.outcome import accepted, planned_again
from campaigns.flow.poll_schedule import LONGEST_DELAY_S
from campaigns.ledger import RECONCILE, SEND, Batch, Campaign, Entry, Move
from campaigns.ledger.states import ACCEPTED, HELD, PLANNED, READY, SETTLED, UNKNOWN
from campaigns.services import Services
from campaigns.statuses import confirmed

log = logging.getLogger(__name__)

#: Least number of checks before a person has to decide, however late the first of them was.
_LEAST_TRIES = 4
#: A doubt that only waits for younger batches is checked again after an eighth of its age.
_RARELY = 8
#: Most lookalikes that are named when a batch is held: of single messages there may be thousands.
_NAMED = 100


def reconcile_batch(services: Services, batch_id: str) -> None:
    """Make one check of a batch in doubt, and act on its result. The next is due by itself while the doubt lasts."""
    batch = services.batches.read(batch_id)
    sent_again = batch.state in {ACCEPTED, SETTLED} and watched(batch)
    if batch.state != UNKNOWN and not sent_again:
        services.due.drop(Entry(RECONCILE, batch_id), batch)
        return
    try:
        if sent_again:
            watch(services, batch)
        elif batch.kind == "list":
            _reconcile_list(services, batch)
        elif batch.message_ids:
            # The worker recorded the id of the gateway's answer, and died before it recorded the state.
            _accept(services, batch, batch.message_ids)
        else:
            _reconcile_listed(services, batch)
    except GatewayError as error:
        log.info("check_failed", extra={**batch.facts, **error.facts})
        _check_failed(services, batch, error)


def _check_failed(services: Services, batch: Batch, error: GatewayError) -> None:
    """Check again later. If the gateway refuses every check, a person has to find out."""
    now_ms = services.now_ms()
    if isinstance(error, (AccountRefusedError, ContentRefusedError)):
        if not _may_still_show(services, batch, now_ms):
            why = "the gateway does not let us look: "
            _hold(services, batch, CheckResult(), why + (error.gateway_text or error.reason), logged=why + error.reason)
            return
        fields = {"tries": batch.number("tries") + 1}
        services.batches.note(batch, fields, state=UNKNOWN, fence=batch.fence)
    interval_s = services.settings.check_interval_s
    again_s = max(min(error.retry_after_s or 0, LONGEST_DELAY_S), interval_s)
    services.due.put(Entry(RECONCILE, batch.id), batch, now_ms + round(again_s * 1000))


def _reconcile_list(services: Services, batch: Batch) -> None:
    """Decide by the mailing's own status: only one that can follow a confirmation is evidence of it.

    An unchanged status proves absence only if the gateway is known to change it on confirmation.
    """
    message_id = batch.message_ids.get(0)
    if batch.claim_lost:
        _reconcile_lost_list(services, batch, message_id)
        return
    if message_id is None or batch.fields.get("confirming") != batch.fence:
        # Only the free phase was under way: this attempt paid for nothing.
        _plan_again(services, batch, "confirming had not begun")
        return
    now_ms = services.now_ms()
    before, status = batch.fields.get("status_before", ""), read_status(services, batch, message_id)
    if confirmed(before, status):
        _accept(services, batch, {0: message_id})
        return
    unchanged = status == before
    result = CheckResult(complete=unchanged, calibrated=unchanged and words_tell(services, batch))
    if absence_proven(batch, result, now_ms, services.settings):
        if _policy(services, batch) == "resend":
            _plan_again(services, batch, "the mailing is still not confirmed")
        else:
            _hold(services, batch, result, "the mailing is still not confirmed; on_unknown is hold")
    elif _may_still_show(services, batch, now_ms):
        _check_later(services, batch, now_ms, result)
    else:
        _hold(services, batch, result, "the mailing's status does not tell whether it was confirmed")


def _reconcile_lost_list(services: Services, batch: Batch, message_id: int | None) -> None:
    """Decide about a claim that the store may have lost: its attempt may have confirmed an unknown mailing."""
    before = batch.fields.get("status_before", "")
    if message_id is not None and confirmed(before, read_status(services, batch, message_id)):
        _accept(services, batch, {0: message_id})
    else:
        _hold(
            services,
            batch,
            CheckResult(),
            "the store lost its last claims; nothing shows whether the list was messaged",
        )


def _reconcile_listed(services: Services, batch: Batch) -> None:
    uuid = batch.fields.get("callback_uuid")
    if uuid and verified_uuid(services, batch, uuid):
        _accept(services, batch, uuid=uuid)
        return
    now_ms = services.now_ms()
    result = check_listing(services, batch)
    passed = _window_passed(services, batch, now_ms)
    if result.found and (len(result.found) == len(batch.mailings) or (result.finished and passed)):
        _take_evidence(services, batch, result)
    elif absence_proven(batch, result, now_ms, services.settings):
        if _policy(services, batch) == "resend":
            move = planned_again(batch, {"reason": "absence is proven"})
            services.batches.move(batch, move, from_states={UNKNOWN}, fence=batch.fence)
        else:
            _hold(services, batch, result, "absence is proven; on_unknown is hold")
    elif not passed or not result.finished or _may_still_show(services, batch, now_ms):
        # A later check may bring proof: this one failed, lookalikes get decided, ids of other batches become known.
        _check_later(services, batch, now_ms, result)
    elif _younger_may_come(services, batch, result):
        _check_later(services, batch, now_ms, result, rarely=True)
    else:
        called = "the gateway called back, so it arrived, but nothing shows whether it was taken"
        _hold(services, batch, result, called if batch.fields.get("callback_ms") else "no evidence either way")


def _take_evidence(services: Services, batch: Batch, result: CheckResult) -> None:
    """Take the mailings that were found as the batch's own, unless another batch has taken one of them first."""
    life_ms = services.ms.retention
    if not services.batches.own(batch, result.found, life_ms):
        _check_later(services, batch, services.now_ms(), CheckResult())
        return
    log.info("evidence_found", extra={**batch.facts, "mailings": len(result.found)})
    services.deliveries.record_message_ids(batch, result.found, life_ms)
    _accept(services, batch, result.found)


def _accept(
    services: Services, batch: Batch, message_ids: Mapping[int, int] | None = None, uuid: str | None = None
) -> None:
    verdict = accepted(batch, services.now_ms(), services.settings, message_ids=message_ids, uuid=uuid)
    services.batches.move(batch, verdict.move, from_states={UNKNOWN}, fence=batch.fence)


def _plan_again(services: Services, batch: Batch, why: str) -> None:
    move = Move(PLANNED, {"reason": why}, {"checks": 0}, {SEND: 0, RECONCILE: None})
    services.batches.move(batch, move, from_states={UNKNOWN}, fence=batch.fence)


def _hold(services: Services, batch: Batch, result: CheckResult, why: str, *, logged: str = "") -> None:
    """unknown → held. `logged` is the reason for the log, for a `why` that repeats the gateway's words."""
    data = {"reason": why, "lookalikes": sorted(result.lookalikes)[:_NAMED]}
    move = Move(HELD, data, {"text": why}, {RECONCILE: None})
    if services.batches.move(batch, move, from_states={UNKNOWN}, fence=batch.fence):
        log.warning("batch_held", extra={**batch.facts, "reason": logged or why})


def _check_later(services: Services, batch: Batch, now_ms: int, result: CheckResult, *, rarely: bool = False) -> None:
    checks, fields = batch.number("checks"), dict[str, str | int]({"check": result.state})
    if result.finished:
        # Once the last younger batch is sent, there are as many checks again, for it to become visible.
        fields["tries"] = 0 if rarely else batch.number("tries") + 1
    if result.complete and result.calibrated and (checks == 0 or _spaced(services, batch, now_ms)):
        fields |= {"checks": checks + 1, "checked_ms": now_ms}
    services.batches.note(batch, fields, state=UNKNOWN, fence=batch.fence)
    longer_ms = min((now_ms - batch.sent_by_ms) // _RARELY, services.ms.settle_window) if rarely else 0
    again_ms = now_ms + max(services.ms.check_interval, longer_ms)
    services.due.put(Entry(RECONCILE, batch.id), batch, again_ms)


def _window_passed(services: Services, batch: Batch, now_ms: int) -> bool:
    return now_ms >= batch.sent_by_ms + services.ms.settle_window


def _may_still_show(services: Services, batch: Batch, now_ms: int) -> bool:
    """Whether to go on checking: for a second settle window, and until there were enough checks."""
    late_ms = batch.sent_by_ms + 2 * services.ms.settle_window
    return now_ms < late_ms or batch.number("tries") < _LEAST_TRIES


def _younger_may_come(services: Services, batch: Batch, result: CheckResult) -> bool:
    """Whether all that absence lacks is a younger batch in the listing, and the campaign still has batches to send.

    They may wait for a window to open, or for their turn at a slow rate. Those behind a canary wait for its results,
    and so for the doubt itself.
    """
    spoilt = result.calibrated or result.lookalikes or batch.fields.get("callback_ms") or REDUCED in batch.fields
    if not result.complete or spoilt:
        return False
    if services.now_ms() - batch.sent_by_ms > services.ms.unsent_body:
        return False
    campaign = services.campaigns.read(batch.campaign_id)
    goes_on = campaign.state == READY and not campaign.canary_batches and campaign.number("b:planned") > 0
    return goes_on and _policy_of(services, campaign) == "resend"


def _spaced(services: Services, batch: Batch, now_ms: int) -> bool:
    return now_ms - batch.number("checked_ms") >= services.ms.check_interval


def _policy(services: Services, batch: Batch) -> str:
    return _policy_of(services, services.campaigns.read(batch.campaign_id))


def _policy_of(services: Services, campaign: Campaign) -> str:
    return str(campaign.job.get("on_unknown") or services.settings.on_unknown)
