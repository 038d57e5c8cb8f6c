"""The handle of a campaign: where it is, what each phone got, pause, resume, cancel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice

from campaigns.acts import APPLICATION, Act, Deed
from campaigns.campaign_status import Status, status_of
from campaigns.errors import StoreError, WaitTimeoutError
from campaigns.flow.operator.reschedule import reschedule, to_come_ms
from campaigns.flow.operator.resolve import RESOLUTIONS, check_confirmed, decide
from campaigns.flow.scheduling.dispatch import ring
from campaigns.flow.scheduling.sweep import poll_now, sweep_campaign
from campaigns.ledger import SEND, queue_of, reasons_of
from campaigns.ledger import Campaign as Record
from campaigns.ledger.states import HELD, OVER, PLANNED, REJECTED
from campaigns.names import POLL, REPLIES
from campaigns.recipients.exclusions import Excluded
from campaigns.results import Delivery, Reply
from campaigns.services import Services
from campaigns.wiring import default_services

#: A restart of Redis takes less; whoever only waits need not hear of it.
_RESTART_S = 10.0


class Campaign:
    """A campaign that was enqueued. Cheap to make: `Campaign(id)` asks Redis only when it is used.

    Every method may raise UnknownCampaignError and StoreError.
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
        """Counts, state, and the reasons of what was refused or is held."""
        record = self._record()
        account_pause = None if record.over else self._services.limiter.pause_of(record.account)
        full = None if record.over else self._services.events.full()
        status = status_of(self._services, record, account_pause, full)
        return replace(status, reasons=reasons_of(self._services.batches, record))

    def status_after_restart(self, patience_s: float = _RESTART_S) -> Status:
        """The same for whoever has time: tries again for `patience_s` seconds while Redis is away."""
        until = time.monotonic() + patience_s
        while True:
            try:
                return self.status()
            except StoreError:
                if time.monotonic() >= until:
                    raise
            self._services.sleep(0.2)

    def deliveries(self) -> Iterator[Delivery]:
        """Every message to every phone, one by one; memory does not grow with their number."""
        return self._services.deliveries.of_campaign(self._record())

    def replies(self) -> list[Reply]:
        """Replies so far, oldest first."""
        return self._services.replies.of_campaign(self.id)

    def excluded(self) -> Iterator[Excluded]:
        """Recipients who are not messaged, each with its place in the job and the reason in words.

        The place of a recipient who opted out after planning is the batch that it stood in. Memory does not grow with
        the number of recipients.
        """
        return self._services.campaigns.excluded(self.id)

    def wait(self, timeout_s: float | None = None, *, poll_s: float = 0.25) -> Status:
        """Wait until nothing more will happen by itself. Raises WaitTimeoutError after `timeout_s` seconds.

        A restart of Redis of up to 10 seconds is waited out.
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
        """No further batch goes out; what is at the gateway is followed. Raises StateError if it is over.

        What waits at the gateway for its time goes out all the same: `status().out_of_reach` says how much, and
        until when.
        """
        self._services.campaigns.pause(self.id, by, why)

    def resume(self, by: str = APPLICATION, why: str = "") -> None:
        """Batches go out again. Raises StateError if the campaign is over.

        While the event stream is full nothing goes out all the same: see `status().events_full_since`.
        """
        self._services.campaigns.resume(self.id, by, why)
        sweep_campaign(self._services, self._record())
        ring(self._services, queue_of(SEND, self._record().kind))

    def approve(self, *, by: str, why: str = "") -> None:
        """Let a draft go out. Harmless if it was approved before.

        Raises ValueError for nobody, ApprovalError for who made it, StateError if it is paused or over.
        """
        if not by.strip():
            raise ValueError("by must say who approves it")
        self._services.campaigns.approve(self.id, by, why)
        sweep_campaign(self._services, self._record())
        ring(self._services, queue_of(SEND, self._record().kind))

    def cancel(self, by: str = APPLICATION, why: str = "") -> Status:
        """What has not gone out never will; what has is reported, not denied. Raises StateError if it is over.

        `out_of_reach` of the status that is returned counts what waits at the gateway for its time and goes out all
        the same.
        """
        self._services.campaigns.cancel(self.id, by, why)
        sweep_campaign(self._services, self._record())
        return self.status()

    def reschedule(self, when: datetime | str, *, by: str = APPLICATION, why: str = "") -> int:
        """Whatever of the campaign is still here goes out at `when`, also what had no time or another. Returns how many
        batches that are.

        A time without a zone is in the gateway's. What waits at the gateway keeps its time: `status().out_of_reach`
        says how much that is. Raises ValueError for what is no time to come, StateError if the campaign is over.
        """
        at_ms = to_come_ms(self._services, when)
        return reschedule(self._services, self._record(), at_ms, by, why)

    def poll(self) -> int:
        """Ask the gateway now for statuses and replies, whenever that would be due. Returns for how many batches."""
        polled = poll_now(self._services, self._record())
        for queue in (POLL, REPLIES):
            ring(self._services, queue)
        return len(polled)

    def resolve(self, decision: str, *, by: str, why: str, batch_id: str | None = None, confirmed_by: str = "") -> int:
        """Decide what became of requests that are held, all of them or one batch. Returns how many batches changed.

        `sent`: the gateway has them. `resend`: they never arrived, send them again, and pay again if that was
        wrong. `write-off`: nobody will ever know. `by` and `why` go into the event. Raises ValueError for another
        decision, ConfirmationError for a `resend` that costs `CAMPAIGNS_CONFIRM_COST` or more unless `confirmed_by` is
        somebody else than `by`.
        """
        if decision not in RESOLUTIONS:
            raise ValueError(f"decision must be one of {', '.join(RESOLUTIONS)}")
        act, record = Act(Deed.BATCH_RESOLVED, self.id, by, why, decision), self._record()
        check_confirmed(self._services, record, act, batch_id, confirmed_by)
        if confirmed_by:
            act = replace(act, detail=f"{decision}, confirmed by {confirmed_by}")
        return decide(self._services, record, HELD, RESOLUTIONS[decision], act, batch_id)

    def retry(self, *, by: str, why: str, batch_id: str | None = None) -> int:
        """Plan batches again that the gateway refused, all of them or one. Returns how many."""
        act = Act(Deed.BATCH_RETRIED, self.id, by, why)
        return decide(self._services, self._record(), REJECTED, PLANNED, act, batch_id)

    def _record(self) -> Record:
        return self._services.campaigns.read(self.id)


def list_campaigns(services: Services, limit: int = 20) -> list[Status]:
    """The newest campaigns, newest first. Raises StoreError."""
    return list(islice(newest_campaigns(services), limit))


def newest_campaigns(services: Services) -> Iterator[Status]:
    """All campaigns that are kept, newest first, read a page at a time. Raises StoreError."""
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
