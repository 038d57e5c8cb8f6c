"""Tests of a job: a few of its messages, sent to the caller's own phones."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NoReturn

import orjson

from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue_checked
from campaigns.errors import JobError
from campaigns.jobs.schemas.row_forms import asked_values, row_form
from campaigns.jobs.typed import AnyJob
from campaigns.jobs.values import Job, ListJob, Mailing, QuickJob
from campaigns.planning.exclusion_steps import PlacedRows, places
from campaigns.planning.personal_texts import Samples, form_of
from campaigns.planning.planner import PlannedBatch
from campaigns.preparing.job import ColumnChoice, Recipients, all_mistakes, checked_job, planner_of, rows_of
from campaigns.recipients import RecipientFile, mobile_phones
from campaigns.recipients.exclusions import Excluded, Exclusion
from campaigns.services import Services
from campaigns.text.wording import counted, masked

_NO_RECIPIENTS: Final = (
    "recipients are missing: each message is made from its recipient's values or text. Hand in --recipients FILE (in "
    "Python recipients=), or a delivery_list in the job"
)
#: More messages than any test has.
_MOST: Final = 1_000_000


def send_test(
    services: Services,
    job: AnyJob,
    *,
    to: str | Sequence[str],
    rows: Iterable[int] = (),
    recipients: Recipients = None,
    columns: ColumnChoice = None,
    encoding: str | None = None,
) -> Campaign:
    """Send a job's real text, image and button to your own phones, at once. The messages are paid for.

    From each personal mailing, every phone in `to` gets the messages of the recipients in `rows`: the rows of a file as
    a spreadsheet counts them (of JSON lines the lines), or the numbers of recipients in the job (from 1); without
    `rows` the message of the first recipient. From any other mailing it gets the one message, and the job needs no
    recipients then. The other arguments are those of `enqueue`. The test is a separate campaign
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
    rows: Iterable[int] = (),
    recipients: Recipients = None,
    columns: ColumnChoice = None,
    encoding: str | None = None,
) -> tuple[Campaign, list[TrialMessage]]:
    """As `send_test`, and the messages that are sent."""
    region = services.settings.phone_region
    phones = _phones([to] if isinstance(to, str) else list(to), region)
    if recipients is None:
        job = _with_lists(services, job, phones)
    with all_mistakes(services, job, recipients):
        handed_in = rows_of(job, recipients, columns, encoding)
    tested = _test_of(checked_job(services, job, handed_in), phones, frozenset(rows), region)
    messages, samples = list[TrialMessage](), Samples(_MOST)
    for step in planner_of(services, tested, samples=samples).steps():
        # Two rows may have the same text; the phone then gets it once.
        if isinstance(step, PlannedBatch):
            messages += _messages(tested, step)
        elif step.reason != "duplicate":
            raise _not_sent(next(step.excluded()))
    found = {(sample.phone, sample.text, sample.button_link or ""): sample.place for sample in samples.first}
    messages = [replace(one, place=found.get((one.phone, one.text, one.link), "")) for one in messages]
    return enqueue_checked(services, tested, f"test {secrets.token_hex(16)}"), messages


def _with_lists(services: Services, job: Any, phones: list[str]) -> Any:
    """The job with the phones of the test as the list of each mailing that lacks one and has one message for all.
    Raises JobError if its only mailing needs recipients, whose values or texts its messages have."""
    if not isinstance(job, Mapping):
        return job
    document: dict[str, Any] = dict(job)
    mailings = document.get("messages")
    if not isinstance(mailings, list):
        return _with_list(document, phones)
    literal = document.get("literal_text") is True
    document["messages"] = [_with_list(mailing, phones, literal=literal) for mailing in mailings]
    if len(mailings) == 1 and _lacks_list(document["messages"][0]) and row_form(mailings[0]) is not None:
        _refuse_without_recipients(services, job)
    return document


def _refuse_without_recipients(services: Services, job: AnyJob) -> NoReturn:
    # The job is checked as if it had recipients, so that their absence is reported once.
    with all_mistakes(services, job, ()):
        raise JobError({"recipients": [_NO_RECIPIENTS]})


def _with_list(mailing: Any, phones: list[str], *, literal: bool = False) -> Any:
    form = row_form(mailing) if _lacks_list(mailing) else None
    if form is None or (form.personal and asked_values(mailing, literal=literal) != ()):
        return mailing
    return {**mailing, "delivery_list": phones}


def _lacks_list(mailing: Any) -> bool:
    return isinstance(mailing, Mapping) and not {"delivery_list", "phone", "list_id"} & mailing.keys()


def _not_sent(one: Excluded) -> JobError:
    """The error for a message that would not be sent: because of its row, or of the phone in `to`."""
    if one.reason == Exclusion.INVALID:
        return JobError({"test": [f"{one.place} would not be sent: {one.words}"]})
    return JobError({"to": [f"the phone {masked(one.phone)}, to which the test would go, {one.words}"]})


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
    for at, row in enumerate(listed):
        last = _number(listed, at)
        if last in numbers or (not numbers and at == 0):
            where = place(at)
            if mobile_phones([row["phone"] if isinstance(row, dict) else row], region) == [None]:
                raise JobError({"rows": [f"{where}: is not a mobile phone number; choose another row"]})
            chosen.append((where, row))
    if not chosen or len(chosen) < len(numbers):
        raise JobError({"rows": [_no_such_row(mailing, last)]})
    own = ((where, row, phone) for phone in phones for where, row in chosen)
    return PlacedRows((where, {**row, "phone": phone} if isinstance(row, dict) else phone) for where, row, phone in own)


def _number(listed: Iterable[Any], at: int) -> int:
    """The number by which a caller chooses row `at` (from 0)."""
    return listed.number_of(at) if isinstance(listed, RecipientFile) else at + 1


def _no_such_row(mailing: Mailing, last: int) -> str:
    listed = mailing.delivery_list
    if isinstance(listed, RecipientFile):
        return f"{listed.name} has its recipients in rows {listed.number_of(0)} to {last}; empty rows are none"
    return f"{mailing.name} has {counted(last, 'recipient')}: rows are numbered from 1"
