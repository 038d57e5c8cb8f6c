"""Tests of a job: a few of its messages, sent to the caller's own phones."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue_checked
from campaigns.errors import JobError
from campaigns.jobs.typed import AnyJob
from campaigns.jobs.values import Job, ListJob, Mailing, QuickJob
from campaigns.planning.exclusion_steps import PlacedRows, places
from campaigns.planning.personal_texts import Samples, form_of
from campaigns.planning.planner import PlannedBatch
from campaigns.preparing.job import ColumnChoice, Recipients, all_mistakes, checked_job, planner_of, rows_of
from campaigns.recipients import mobile_phones
from campaigns.services import Services
from campaigns.text.wording import counted

#: More messages than any test has.
_MOST: Final = 1_000_000


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
    campaign, _ = send_test_messages(
        services, job, to=to, rows=rows, recipients=recipients, columns=columns, encoding=encoding
    )
    return campaign


@dataclass(frozen=True, slots=True)
class TrialMessage:
    """A message of a test as its phone shows it; what it does not have is empty.

    `place` is the row whose message it is: its line in the file or its place in the job; empty in a mailing with one
    message for all. `image` is an address, or a name for an image file.
    """

    mailing: str
    place: str
    phone: str = field(repr=False)
    text: str = field(repr=False)
    image: str
    button: str
    link: str = field(repr=False)


def send_test_messages(
    services: Services,
    job: AnyJob,
    *,
    to: str | Sequence[str],
    rows: Iterable[int] = (1,),
    recipients: Recipients = None,
    columns: ColumnChoice = None,
    encoding: str | None = None,
) -> tuple[Campaign, list[TrialMessage]]:
    """As `send_test`, and the messages that are sent."""
    with all_mistakes(services, job, recipients):
        handed_in = rows_of(job, recipients, columns, encoding)
    phones = _phones([to] if isinstance(to, str) else list(to), services.settings.phone_region)
    region = services.settings.phone_region
    tested = _test_of(checked_job(services, job, handed_in), phones, frozenset(rows), region)
    messages, samples = list[TrialMessage](), Samples(_MOST)
    for step in planner_of(services, tested, samples=samples).steps():
        # Two rows may have the same text; the phone then gets it once.
        if isinstance(step, PlannedBatch):
            messages += _messages(tested, step)
        elif step.reason != "duplicate":
            one = next(step.excluded())
            raise JobError({"test": [f"{one.place} would not be sent: {one.words}"]})
    found = {(sample.phone, sample.text, sample.button_link or ""): sample.place for sample in samples.first}
    messages = [replace(one, place=found.get((one.phone, one.text, one.link), "")) for one in messages]
    return enqueue_checked(services, tested, f"test {secrets.token_hex(16)}"), messages


def _messages(job: Job, batch: PlannedBatch) -> Iterator[TrialMessage]:
    body = orjson.loads(batch.body)
    if not isinstance(body, list):
        image = body.get("image_url", "") or (job.image.filename if isinstance(job, QuickJob) and job.image else "")
        texts = (body.get("message", ""), image, body.get("button", ""), body.get("button_link", ""))
        yield TrialMessage("", "", body["phone"], *texts)
        return
    for mailing in body:
        content = mailing["content"]
        for row in mailing["delivery_list"]:
            own = {**content, **(row if isinstance(row, dict) else {"phone": row})}
            texts = (own.get("text", ""), own.get("image_url", ""), own.get("caption", ""), own.get("button_link", ""))
            yield TrialMessage(mailing["name"], "", own["phone"], *texts)


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
    mailings = (
        replace(mailing, schedule_ms=None, delivery_list=_rows(mailing, number, phones, numbers, region))
        for number, mailing in enumerate(job.mailings)
    )
    return replace(job, mailings=tuple(mailings), **limits)


def _rows(mailing: Mailing, number: int, phones: Sequence[str], numbers: frozenset[int], region: str) -> list[Any]:
    listed = mailing.delivery_list
    if not form_of(mailing).personal:
        return list(phones)
    chosen, last, place = list[tuple[str, Any]](), 0, places(listed, f"messages[{number}].delivery_list")
    # Every row is read, so that a file with an unreadable line is refused as in `enqueue`.
    for last, row in enumerate(listed, start=1):
        if last in numbers:
            where = place(last - 1)
            if mobile_phones([row["phone"] if isinstance(row, dict) else row], region) == [None]:
                raise JobError({"rows": [f"{where}: is not a mobile phone number; choose another row"]})
            chosen.append((where, row))
    if not chosen or len(chosen) != len(numbers):
        raise JobError({"rows": [f"{mailing.name} has {counted(last, 'recipient')}: rows are numbered from 1"]})
    own = ((where, row, phone) for phone in phones for where, row in chosen)
    return PlacedRows((where, {**row, "phone": phone} if isinstance(row, dict) else phone) for where, row, phone in own)
