"""The handle of a campaign: reads its status and results, and pauses, resumes, approves, cancels or resolves it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from campaigns.acts import APPLICATION, Act, Deed
from campaigns.campaign_filters import ALSO_STATES, KINDS, Wanted, known_words
from campaigns.campaign_status import Status, status_of
from campaigns.errors import StoreError, WaitTimeoutError
from campaigns.evaluation import OptedOut, Results, opted_out_by, results_of
from campaigns.flow.operator.reschedule import reschedule, to_come_ms
from campaigns.flow.operator.resolve import RESOLUTIONS, check_confirmed, decide
from campaigns.flow.scheduling.dispatch import ring
from campaigns.flow.scheduling.sweep import poll_now, sweep_campaign
from campaigns.ledger import SEND, queue_of, reasons_of
from campaigns.ledger import Campaign as Record
from campaigns.ledger.states import CAMPAIGN_STATES, HELD, OVER, PLANNED, REJECTED
from campaigns.names import POLL, REPLIES
from campaigns.recipients.exclusions import Excluded
from campaigns.results import Delivery, Reply
from campaigns.services import Services
from campaigns.times.gateway_times import parse_when
from campaigns.wiring import default_services

#: A restart of Redis takes less, so a caller that only waits need not see an error.
_RESTART_S = 10.0


class Campaign:
    """A campaign that was enqueued. `Campaign(id)` does not read Redis; its methods do.

    Every method may raise UnknownCampaignError and StoreError. `by` names the person or program that acts, and `why`
    gives the reason; both are kept in the audit record.
    """

    def __init__(self, campaign_id: str) -> None:
        self.id = campaign_id
        self._services = default_services()

    @classmethod
    def of(cls, services: Services, campaign_id: str) -> Campaign:
        """The handle of a campaign in the store of `services`."""
        campaign = cls.__new__(cls)
        campaign.id, campaign._services = campaign_id, services  # noqa: SLF001 (its own)
        return campaign

    def __repr__(self) -> str:
        return f"Campaign({self.id!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Campaign) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def status(self) -> Status:
        """The state, the counts, and why requests were refused or are held."""
        record = self._record()
        account_pause = None if record.over else self._services.limiter.pause_of(record.account)
        full = None if record.over else self._services.events.full()
        status = status_of(self._services, record, account_pause, full)
        return replace(status, reasons=reasons_of(self._services.batches, record))

    def status_after_restart(self, patience_s: float = _RESTART_S) -> Status:
        """The same as `status`, but while Redis cannot be reached it tries again for `patience_s` seconds."""
        until = time.monotonic() + patience_s
        while True:
            try:
                return self.status()
            except StoreError:
                if time.monotonic() >= until:
                    raise
            self._services.sleep(0.2)

    def deliveries(self) -> Iterator[Delivery]:
        """Iterate over the messages to all phones, in bounded memory."""
        return self._services.deliveries.of_campaign(self._record())

    def replies(self) -> list[Reply]:
        """The replies so far, oldest first."""
        return self._services.replies.of_campaign(self._record().id)

    def results(self) -> Results:
        """The results by mailing, and whether their differences mean anything. Reads every delivery, in bounded memory.

        That takes some seconds for a million recipients; `status()` is the quick way to the counts of the whole.
        """
        return results_of(self._services, self._record())

    def opted_out(self) -> Iterator[OptedOut]:
        """Iterate over the people whom a reply to this campaign put on the suppression list and who are still there."""
        record = self._record()
        return opted_out_by(self._services, record, record.number("replies"))

    def excluded(self) -> Iterator[Excluded]:
        """Iterate over excluded recipients, each with its place in the job and the reason in words, in bounded memory.

        The place of a recipient who opted out after planning is the batch that it was in.
        """
        return self._services.campaigns.excluded(self._record().id)

    def wait(self, timeout_s: float | None = None, *, poll_s: float = 0.25) -> Status:
        """Wait until the campaign is over, and return its status. Raises WaitTimeoutError after `timeout_s` seconds.

        Reads the status every `poll_s` seconds. Tolerates a Redis that cannot be reached for up to 10 seconds.
        """
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            status = self.status_after_restart()
            if status.state in OVER:
                return status
            if until is not None and time.monotonic() >= until:
                raise WaitTimeoutError(self.id, status.state, timeout_s or 0)
            self._services.sleep(poll_s)

    def pause(self, by: str = APPLICATION, why: str = "") -> None:
        """Send no further batch. Requests already at the gateway are still followed. Raises StateError if it is over.

        Mailings that wait at the gateway for their scheduled time go out regardless: `status().out_of_reach` counts
        their recipients.
        """
        self._services.campaigns.pause(self.id, by, why)

    def resume(self, by: str = APPLICATION, why: str = "") -> None:
        """Send batches again. Raises StateError if the campaign is over.

        Nothing is sent while the event stream is full: see `status().events_full_since`.
        """
        self._services.campaigns.resume(self.id, by, why)
        sweep_campaign(self._services, self._record())
        ring(self._services, queue_of(SEND, self._record().kind))

    def approve(self, *, by: str, why: str = "") -> None:
        """Let a draft go out. Does nothing if it was approved before.

        Raises ValueError if `by` is empty, ApprovalError if `by` made the draft, StateError if it is paused or over.
        """
        if not by.strip():
            raise ValueError("by must name the person who approves it")
        self._services.campaigns.approve(self.id, by, why)
        sweep_campaign(self._services, self._record())
        ring(self._services, queue_of(SEND, self._record().kind))

    def cancel(self, by: str = APPLICATION, why: str = "") -> Status:
        """Stop the campaign for good: send no further batch, but follow what was sent. Raises StateError if it is over.

        Mailings that wait at the gateway for their scheduled time go out regardless: `out_of_reach` of the returned
        status counts their recipients.
        """
        self._services.campaigns.cancel(self.id, by, why)
        sweep_campaign(self._services, self._record())
        return self.status()

    def reschedule(self, when: datetime | str, *, by: str = APPLICATION, why: str = "") -> int:
        """Give all batches that were not handed to the gateway the time `when`. Returns the number of batches.

        Their former time, if any, is replaced. A `when` without a zone is in the gateway's. Mailings that wait at the
        gateway keep their time: `status().out_of_reach` counts their recipients. Raises ValueError if `when` is not a
        time in the future, StateError if the campaign is over.
        """
        at_ms = to_come_ms(self._services, when)
        return reschedule(self._services, self._record(), at_ms, by, why)

    def poll(self) -> int:
        """Make polls for statuses and replies due now. Returns the number of batches to poll."""
        polled = poll_now(self._services, self._record())
        for queue in (POLL, REPLIES):
            ring(self._services, queue)
        return len(polled)

    def resolve(self, decision: str, *, by: str, why: str, batch_id: str | None = None, confirmed_by: str = "") -> int:
        """Decide what became of held requests, all of them or one batch. Returns the number of batches that changed.

        `decision` is `sent` (the gateway has the request), `resend` (it never arrived; send it again, and pay twice if
        that is wrong), or `write-off` (its outcome stays unknown). `by` and `why` go into the event. Raises ValueError
        for another decision, and ConfirmationError for a `resend` that costs `CAMPAIGNS_CONFIRM_COST` or more, unless
        `confirmed_by` names a different person than `by`.
        """
        if decision not in RESOLUTIONS:
            raise ValueError(f"decision must be one of {', '.join(RESOLUTIONS)}")
        act, record = Act(Deed.BATCH_RESOLVED, self.id, by, why, decision), self._record()
        check_confirmed(self._services, record, act, batch_id, confirmed_by)
        if confirmed_by:
            act = replace(act, detail=f"{decision}, confirmed by {confirmed_by}")
        return decide(self._services, record, HELD, RESOLUTIONS[decision], act, batch_id)

    def retry(self, *, by: str, why: str, batch_id: str | None = None) -> int:
        """Plan again the batches that the gateway refused, all of them or one. Returns the number of batches."""
        act = Act(Deed.BATCH_RETRIED, self.id, by, why)
        return decide(self._services, self._record(), REJECTED, PLANNED, act, batch_id)

    def _record(self) -> Record:
        return self._services.campaigns.read(self.id)


def list_campaigns(
    services: Services,
    limit: int = 20,
    *,
    state: str | Iterable[str] | None = None,
    kind: str | Iterable[str] | None = None,
    account: str | Iterable[str] | None = None,
    name: str | None = None,
    test: bool | None = None,
    since: datetime | str | None = None,
    needs_you: bool = False,
) -> list[Status]:
    """The newest campaigns that pass the filters, newest first, at most `limit`.

    `state` is a state or `refused`, `held`, `canary` (under way or failed), `window`; several states, kinds or accounts
    mean any of them; `name` is a part of the name; `test` asks for tests only, or for none; `since` is when they were
    handed in, a time or text such as `2026-10-30` in the gateway's time zone; with `needs_you` only those that need a
    person. All stored campaigns are read until enough are found, or until they are older than `since`.
    Raises ValueError for a state, a kind or a time that there is none of, and StoreError.
    """
    wanted = Wanted(
        kinds=known_words("kind", kind, KINDS),
        states=known_words("state", state, (*CAMPAIGN_STATES, *ALSO_STATES)),
        accounts=frozenset([account] if isinstance(account, str) else account or ()),
        name=name,
        test=test,
        since=None if since is None else _moment(since, services.settings.gateway_timezone),
        needs_person=needs_you,
    )
    young = takewhile(lambda status: not wanted.over(status), newest_campaigns(services))
    return list(islice(filter(wanted.fits, young), limit))


def _moment(since: datetime | str, zone: ZoneInfo) -> datetime:
    text = f"{since.strip()} 00:00" if isinstance(since, str) and ":" not in since else since
    return datetime.fromtimestamp(parse_when(text, zone) / 1000, tz=UTC)


def newest_campaigns(services: Services) -> Iterator[Status]:
    """Iterate over all stored campaigns, newest first, a page at a time. Raises StoreError."""
    pauses: dict[str, tuple[int, str] | None] = {}
    full = services.events.full()
    for record in services.people.campaigns(None):
        if not record.over and record.account not in pauses:
            pauses[record.account] = services.limiter.pause_of(record.account)
        yield (
            status_of(services, record, None, None)
            if record.over
            else status_of(services, record, pauses[record.account], full)
        )
