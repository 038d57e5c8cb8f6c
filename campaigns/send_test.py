"""Tests of a job: a few of its messages, as they will read, sent to phones of one's own."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue_checked
from campaigns.errors import JobError
from campaigns.jobs.typed import AnyJob
from campaigns.jobs.values import Job, ListJob, Mailing, QuickJob
from campaigns.planning.filling import form_of
from campaigns.planning.planner import Exclusion
from campaigns.preparing.job import Chosen, Recipients, all_mistakes, checked_job, planner_of, rows_of
from campaigns.recipients import mobile_phones
from campaigns.services import Services
from campaigns.text.wording import counted


def send_test(
    services: Services,
    job: AnyJob,
    *,
    to: str | Sequence[str],
    rows: Iterable[int] = (1,),
    recipients: Recipients = None,
    columns: Chosen = None,
    encoding: str | None = None,
) -> Campaign:
    """Send the real text, picture and button of a job to phones of one's own, at once. The messages are paid for.

    Of each personal mailing `to` gets what the recipients number `rows` (from 1) would get; of any other the one
    message that everybody gets. The other arguments are those of `enqueue`. The test is a campaign of its own, under a
    key of its own: it is marked as a test, counts nowhere with the job, and may be repeated. Schedule, window,
    rate and limits of the job do not apply.

    Raises JobError as `enqueue` does, and if a phone is none, or opted out, or a row is not there or would be excluded.
    """
    with all_mistakes(services, job, recipients):
        handed_in = rows_of(job, recipients, columns, encoding)
    phones = _phones([to] if isinstance(to, str) else list(to), services.settings.phone_region)
    tested = _test_of(checked_job(services, job, handed_in), phones, frozenset(rows))
    for step in planner_of(services, tested).steps():
        # The text of two rows may be the same: then the phone gets it once.
        if isinstance(step, Exclusion) and step.reason != "duplicate":
            raise JobError({"test": [f"would not be sent: {next(step.excluded()).words}"]})
    return enqueue_checked(services, tested, f"test {secrets.token_hex(16)}")


def _phones(to: Sequence[str], region: str) -> list[str]:
    found = mobile_phones(to, region)
    phones = [phone for phone in found if phone is not None]
    if not phones or len(phones) != len(found):
        raise JobError({"to": ["is not a mobile phone number"]})
    return phones


def _test_of(job: Job, phones: Sequence[str], numbers: frozenset[int]) -> Job:
    """The job as a test. Raises JobError for a list, which only the gateway knows, and for rows that are not there."""
    if isinstance(job, ListJob):
        raise JobError({"kind": ["a list at the gateway cannot be tested: hand the content in as a job of kind quick"]})
    no_limits = dict.fromkeys(("max_recipients", "max_cost", "spacing_ms", "window", "canary"))
    limits: dict[str, Any] = {**no_limits, "test": True}
    if isinstance(job, QuickJob):
        return replace(job, delivery_list=list(phones), **limits)
    mailings = (replace(m, schedule_ms=None, delivery_list=_rows(m, phones, numbers)) for m in job.mailings)
    return replace(job, mailings=tuple(mailings), **limits)


def _rows(mailing: Mailing, phones: Sequence[str], numbers: frozenset[int]) -> list[Any]:
    if not form_of(mailing).personal:
        return list(phones)
    chosen, last = list[Any](), 0
    # All are read, since a file is read as a whole or refused.
    for last, row in enumerate(mailing.delivery_list, start=1):
        if last in numbers:
            chosen.append(row)
    if not chosen or len(chosen) != len(numbers):
        raise JobError({"rows": [f"{mailing.name} has {counted(last, 'recipient')}: choose rows from 1 on"]})
    return [{**row, "phone": phone} if isinstance(row, dict) else phone for phone in phones for row in chosen]
