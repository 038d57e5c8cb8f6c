"""Tests of a job: a few of its messages, sent to the caller's own phones."""

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
from campaigns.planning.personal_texts import form_of
from campaigns.planning.planner import Exclusion
from campaigns.preparing.job import ColumnChoice, Recipients, all_mistakes, checked_job, planner_of, rows_of
from campaigns.recipients import RecipientFile, mobile_phones
from campaigns.services import Services
from campaigns.text.wording import counted


def send_test(
    services: Services,
    job: AnyJob,
    *,
    to: str | Sequence[str],
    rows: Iterable[int] = (1,),
    recipients: Recipients = None,
    columns: ColumnChoice = None,
    encoding: str | None = None,
) -> Campaign:
    """Send a job's real text, image and button to your own phones, at once. The messages are paid for.

    From each personal mailing, every phone in `to` gets the messages of the recipients numbered `rows` (from 1); from
    any other mailing, its one message. The other arguments are those of `enqueue`. The test is a separate campaign
    with a key of its own. It is marked as a test, does not count towards the job, and may be repeated. The job's
    schedule, window, canary, cap, rate and limits do not apply.

    Raises JobError, SettingsError and StoreError as `enqueue` does. Also raises JobError if a phone in `to` is not a
    mobile number or is opted out, if a row does not exist or would be excluded, and for a job of kind `list`.
    """
    with all_mistakes(services, job, recipients):
        handed_in = rows_of(job, recipients, columns, encoding)
    phones = _phones([to] if isinstance(to, str) else list(to), services.settings.phone_region)
    region = services.settings.phone_region
    tested = _test_of(checked_job(services, job, handed_in), phones, frozenset(rows), region)
    for step in planner_of(services, tested).steps():
        # Two rows may have the same text; the phone then gets it once.
        if isinstance(step, Exclusion) and step.reason != "duplicate":
            raise JobError({"test": [f"would not be sent: {next(step.excluded()).words}"]})
    return enqueue_checked(services, tested, f"test {secrets.token_hex(16)}")


def _phones(to: Sequence[str], region: str) -> list[str]:
    found = mobile_phones(to, region)
    phones = [phone for phone in found if phone is not None]
    if not phones or len(phones) != len(found):
        raise JobError({"to": ["is not a mobile phone number"]})
    return phones


def _test_of(job: Job, phones: Sequence[str], numbers: frozenset[int], region: str) -> Job:
    """The job as a test. Raises JobError for a list job, and for rows that do not exist or have no mobile phone."""
    if isinstance(job, ListJob):
        raise JobError({"kind": ["a job of kind list cannot be tested: test its content as a job of kind quick"]})
    no_limits = dict.fromkeys(("max_recipients", "max_cost", "spacing_ms", "window", "canary", "cap"))
    limits: dict[str, Any] = {**no_limits, "test": True}
    if isinstance(job, QuickJob):
        return replace(job, delivery_list=list(phones), **limits)
    mailings = (replace(m, schedule_ms=None, delivery_list=_rows(m, phones, numbers, region)) for m in job.mailings)
    return replace(job, mailings=tuple(mailings), **limits)


def _rows(mailing: Mailing, phones: Sequence[str], numbers: frozenset[int], region: str) -> list[Any]:
    listed = mailing.delivery_list
    if not form_of(mailing).personal:
        return list(phones)
    chosen, last = list[Any](), 0
    # Every row is read, so that a file with an unreadable line is refused as in `enqueue`.
    for last, row in enumerate(listed, start=1):
        if last in numbers:
            if mobile_phones([row["phone"] if isinstance(row, dict) else row], region) == [None]:
                where = listed.place(last - 1) if isinstance(listed, RecipientFile) else f"row {last}"
                raise JobError({"rows": [f"{where}: is not a mobile phone number; choose another row"]})
            chosen.append(row)
    if not chosen or len(chosen) != len(numbers):
        raise JobError({"rows": [f"{mailing.name} has {counted(last, 'recipient')}: rows are numbered from 1"]})
    return [{**row, "phone": phone} if isinstance(row, dict) else phone for phone in phones for row in chosen]
