"""What of a campaign is open, unknown or held, why, and which command helps. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from campaigns.accounts.pauses import ends_with_the_day
from campaigns.campaign_status import Status
from campaigns.ledger.states import HELD, PLANNED, SENDING, UNKNOWN, WRITTEN_OFF
from campaigns.reports.language import Reason, Said, said
from campaigns.reports.tally import Tally
from campaigns.statuses import MEANINGS, UNKNOWN_FINAL

_MOST_WORDS = 20


@dataclass(frozen=True, slots=True)
class Pending:
    """Messages whose outcome is open: what, why in sentences, and the command that helps, if there is one."""

    what: Said
    messages: int
    why: tuple[Said, ...]
    command: str = ""


def pending(status: Status, tally: Tally, window: Said | None) -> tuple[Pending, ...]:
    """Everything of a campaign whose outcome is open. `window` says when it may go out."""
    return (*_waiting(status, window), *_doubtful(status, tally), *_statuses(status, tally))


def _waiting(status: Status, window: Said | None) -> Iterator[Pending]:
    planned = status.recipients.get(PLANNED, 0)
    if status.account_paused_until is not None:
        yield _paused(status, planned)
    if planned and status.events_full_since is not None:
        full = said(
            "The event stream is full: start the consumers of group {group}, or delete the group.",
            group=status.events_full_group,
        )
        yield Pending(said("Sending pauses"), planned, (full,), "campaigns doctor")
    if planned:
        yield _planned(status, planned, window)


def _paused(status: Status, planned: int) -> Pending:
    what, reason = said("Account paused"), Reason(status.account_pause_reason)
    why = said("Account {account} is paused: {reason}.", account=status.account, reason=reason)
    if ends_with_the_day(reason):
        later = said("It continues the next day, or with a higher CAMPAIGNS_DAILY_BUDGET.")
        return Pending(what, planned, (why, later))
    return Pending(what, planned, (why, said("Once that is fixed:")), f"campaigns resume-account {status.account}")


def _planned(status: Status, planned: int, window: Said | None) -> Pending:
    what = said("Waiting")
    if status.state == "paused":
        why = _why_paused(status)
        return Pending(what, planned, (why, said("To go on:")), f"campaigns resume {status.id}")
    if status.state == "draft":
        reason = Reason(status.draft_reason)
        why = said("A draft, made by {name}: {reason}.", name=status.made_by, reason=reason)
        checked = said("Once another person has checked it:")
        return Pending(what, planned, (why, checked), f"campaigns approve {status.id}")
    return Pending(what, planned, tuple(_automatic(status, window)))


def _why_paused(status: Status) -> Said:
    reason = Reason(status.pause_reason)
    if status.pause_cause == "canary":
        return said("The canary failed: {reason}.", reason=reason)
    if reason:
        return said("The campaign is paused: {reason}.", reason=reason)
    return said("The campaign is paused.")


def _automatic(status: Status, window: Said | None) -> Iterator[Said]:
    yield said("They are sent automatically.")
    if status.scheduled_at:
        yield said("Scheduled ones go out shortly before their time.")
    if status.canary == "under way":
        yield said("They go out once the canary's results are known.")
    if window is not None:
        yield said("They go out from {window}.", window=window)


def _doubtful(status: Status, tally: Tally) -> Iterator[Pending]:
    recipients = status.recipients
    if number := recipients.get(SENDING):
        yield Pending(said("Being sent"), number, (said("At this moment."),))
    if number := recipients.get(UNKNOWN):
        reasons = ", ".join(dict.fromkeys(batch.text for batch in tally.in_doubt if batch.text))
        why = said("Sent without a clear answer. The gateway's listing is being checked; there is nothing to do yet.")
        yield Pending(said("In doubt"), number, (why, *([said("({reasons})", reasons=reasons)] if reasons else ())))
    if number := recipients.get(HELD):
        why = said("Requests in doubt, listed below with what is known. Check the gateway's cabinet, then decide:")
        yield Pending(said("Held"), number, (why,), f"campaigns resolve {status.id} sent|resend|write-off --why REASON")
    if number := recipients.get(WRITTEN_OFF):
        why = said("A person decided to stop asking; the outcome stays unknown.")
        yield Pending(said("Written off"), number, (why,))


def _statuses(status: Status, tally: Tally) -> Iterator[Pending]:
    if number := status.statuses.get(UNKNOWN_FINAL, 0):
        yield Pending(said("Outcome never known"), number, (said(MEANINGS[UNKNOWN_FINAL]),))
    odd = {word: number for word, number in status.statuses.items() if word not in MEANINGS and _odd(word, tally)}
    for word, number in sorted(odd.items(), key=lambda pair: -pair[1])[:_MOST_WORDS]:
        why = said("Neither the contract nor the settings know this status.")
        yield Pending(said("Status {word}", word=word), number, (why,))
    if status.awaiting and status.state not in {"cancelled", "invalid", "abandoned"}:
        why = said("They are polled automatically; to poll now:")
        yield Pending(said("Awaiting a final status"), status.awaiting, (why,), f"campaigns poll {status.id}")


def _odd(word: str, tally: Tally) -> bool:
    return all(word != failed for failed, _ in tally.failures)
