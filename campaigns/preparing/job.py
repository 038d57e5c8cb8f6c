"""What happens before anything is stored: a job and its recipients are checked, planned and compared with limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from campaigns.errors import ErrorTree, JobError
from campaigns.jobs.alike import AlikeJobs
from campaigns.jobs.checking import load_job
from campaigns.jobs.schemas.row_forms import asked_values
from campaigns.jobs.values import AS_DRAFT, Job
from campaigns.ledger import scopes_for
from campaigns.planning.personal_texts import Samples
from campaigns.planning.planner import Planner
from campaigns.planning.zoning import Zoning
from campaigns.recipients import read_recipients
from campaigns.recipients.exclusions import Exclusion
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.text.wellformed import TextRule, key_problem
from campaigns.times.days import day_of

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

Recipients = Iterable[Any] | Path | str | None
#: For each phone, whether it is on a list, such as that of the opt-outs; an empty sequence if none is.
OptedOut = Callable[[Sequence[str]], Sequence[bool]]
ColumnChoice = Mapping[str, str | int] | None


@contextmanager
def all_mistakes(services: Services, job: Any, recipients: object = None) -> Iterator[None]:
    """Collect the mistakes of a job's key and recipients, which the block reads, and of the job itself.

    If the block raises JobError, the JobError that leaves has the job's own mistakes too."""
    try:
        yield
        return
    except JobError as error:
        errors = error.errors
    try:
        # An unreadable file of recipients is one mistake; that the job then lacks recipients is not another.
        checked_job(services, job, None if recipients is None else iter(()))
    except JobError as error:
        errors = error.errors | errors
    raise JobError(errors)


def key_of(job: object, key: object) -> str | None:
    """The key of a job, given beside it or as its field `key`: text or a whole number. Raises JobError."""
    inside = job.get("key") if isinstance(job, Mapping) else None
    found = _checked_key(key)
    own = _checked_key(inside)
    if found is not None and own is not None and found != own:
        raise JobError({"key": ["differs between the job's field key and the argument key"]})
    return found if found is not None else own


def _checked_key(key: object) -> str | None:
    if key is None:
        return None
    if (problem := key_problem(key)) is not None:
        raise JobError({"key": [problem]})
    return str(key)


def checked_job(
    services: Services,
    job: Mapping[str, Any],
    recipients: Iterable[Any] | None,
    *,
    is_new: bool = True,
    now_ms: int | None = None,
    alike: AlikeJobs | None = None,
) -> Job:
    """Check a job by the rules of its kind, with `recipients` as its delivery list. Consumes no lazy recipients.

    With `is_new=False` the job was enqueued before, and its times may have passed. `now_ms` (unix ms) saves a round
    trip if the caller has just read the time, and `alike` repeated checks if it has many similar jobs. Raises JobError
    with every mistake that can be found without reading lazy recipients, and StoreError.
    """
    if not isinstance(job, Mapping):
        raise JobError({"job": ["must be an object"]})
    document = _with_recipients(job, recipients)
    if alike is not None:
        checked = alike.load(document)
    elif is_new:
        now = datetime.fromtimestamp((now_ms or services.about_now_ms()) / 1000, tz=UTC)
        checked = services.recent_jobs.load(document, now)
    else:
        checked = load_job(document, settings=services.settings, now=_LONG_AGO)
    if is_new and checked.max_cost is not None and services.settings.message_cost is None:
        raise JobError({"max_cost": ["cannot be checked: set CAMPAIGNS_MESSAGE_COST"]})
    return checked


def planner_of(
    services: Services,
    job: Job,
    opted_out: OptedOut | None = None,
    samples: Samples | None = None,
    now_ms: int | None = None,
) -> Planner:
    """A planner with the settings, opt-outs and counted messages of these services. Pass `opted_out` to share one
    between several planners, and `now_ms` (unix ms) if the caller has just read the time. Raises StoreError."""
    settings = services.settings
    zoning = None if job.window is None else Zoning(job.window, now_ms or services.about_now_ms())
    return Planner(
        job,
        recipients_per_request=settings.recipients_per_request,
        region=settings.phone_region,
        timezone=settings.gateway_timezone,
        opted_out=opted_out or services.optouts.checker(scopes_for(job.account, job.topic)),
        lists=dict(_lists(services, job, now_ms)),
        text_rule=TextRule(settings.text_length, job.literal_text),
        samples=samples,
        zoning=zoning,
    )


def _lists(services: Services, job: Job, now_ms: int | None) -> Iterator[tuple[Exclusion, OptedOut]]:
    """Who is excluded besides the opted-out: for which reason, and a function that finds out."""
    if excludes_unreached(services.settings, job):
        yield Exclusion.SUPPRESSED, services.suppressed.checker()
    if job.cap is not None:
        today = day_of(now_ms or services.about_now_ms(), services.settings.gateway_timezone)
        yield Exclusion.CAPPED, services.counts.checker(job.cap, today.number)


def excludes_unreached(settings: Settings, job: Job) -> bool:
    """Whether phones that the last messages did not reach are excluded from a job."""
    return settings.suppress_after is not None and not job.transactional and not job.test and job.kind != "list"


def refusals(settings: Settings, job: Job, counts: Mapping[str, int], *, strict: bool) -> ErrorTree:
    """The limits that a job breaks and that need the count of its recipients; empty if none."""
    errors: ErrorTree = {}
    excluded = {reason: counts[reason] for reason in Exclusion if counts[reason]}
    if strict and excluded:
        listed = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in excluded.items())
        errors["delivery_list"] = [f"strict, but recipients would be excluded: {listed}"]
    price = settings.message_cost
    if job.kind != "list":
        planned = counts["total"] - sum(excluded.values())
        if job.max_recipients is not None and planned > job.max_recipients:
            errors["max_recipients"] = [f"{planned} recipients, more than {job.max_recipients}"]
        if job.max_cost is not None and price is not None and price * planned > job.max_cost:
            errors["max_cost"] = [f"expected cost {price * planned}, more than {job.max_cost}"]
    return errors


def draft_reason(settings: Settings, job: Job, counts: Mapping[str, int]) -> str:
    """Why a campaign needs approval, given the counts of its recipients; '' if it does not.

    A test never does: its messages are what people look at before they approve.
    """
    if job.test:
        return ""
    if job.start == AS_DRAFT:
        return "it was handed in as a draft"
    most, most_cost, price = settings.approval_recipients, settings.approval_cost, settings.message_cost
    if job.kind == "list":
        unknown = "large campaigns need approval, and only the gateway knows how many recipients its list has"
        return unknown if most is not None or most_cost is not None else ""
    planned = counts["total"] - sum(number for name, number in counts.items() if name != "total")
    if most is not None and planned >= most:
        return f"it has {planned:,} recipients, and campaigns of {most:,} or more need approval"
    if most_cost is not None and price is not None and planned and price * planned >= most_cost:
        return f"its expected cost is {price * planned}, and campaigns of {most_cost} or more need approval"
    return ""


def with_start(job: Any, start: str | None) -> Any:
    """The job with the caller's `start`. A job that is a draft by its own field stays one."""
    if start is None or not isinstance(job, Mapping) or job.get("start") == AS_DRAFT:
        return job
    return {**job, "start": start}


def handed_in(job: Job, by: str, *, needs_recipients: bool = False) -> Job:
    """The job with the name of the person or program that hands it in, and whether that one wants it refused if all
    recipients are invalid."""
    if (by, needs_recipients) == (job.made_by, job.needs_recipients):
        return job
    return replace(job, made_by=by, needs_recipients=needs_recipients)


def rows_of(job: object, recipients: Recipients, columns: ColumnChoice, encoding: str | None) -> Iterable[Any] | None:
    """The rows of `recipients`; `columns` and `encoding` are for a file. `columns` may also choose columns that fill
    places in the job's texts. Raises JobError."""
    if isinstance(recipients, (str, Path)):
        return read_recipients(recipients, columns=columns, encoding=encoding, names=_names_in(job))
    given = {"columns": columns, "encoding": encoding}
    errors: ErrorTree = {name: ["can only be used with a file of recipients"] for name, value in given.items() if value}
    if recipients is not None and (isinstance(recipients, (bytes, Mapping)) or not isinstance(recipients, Iterable)):
        errors["recipients"] = ["must be a list or an iterable of recipients, or the path of a file"]
    if errors:
        raise JobError(errors)
    return recipients


def _names_in(job: object) -> tuple[str, ...]:
    """The names of the places in the texts of a job with a single mailing. The job has not been checked yet."""
    mailings = job.get("messages") if isinstance(job, Mapping) else None
    return (asked_values(mailings[0]) or ()) if isinstance(mailings, list) and len(mailings) == 1 else ()


def _with_recipients(job: Mapping[str, Any], recipients: Iterable[Any] | None) -> dict[str, Any]:
    document = dict(job)
    if recipients is None:
        return document
    mailings = document.get("messages")
    if mailings is None:
        target: dict[str, Any] = document
    elif isinstance(mailings, list) and len(mailings) == 1 and isinstance(mailings[0], Mapping):
        target = dict(mailings[0])
        document["messages"] = [target]
    else:
        raise JobError({"recipients": ["can only be used with a job that has a single mailing"]})
    if "delivery_list" in target:
        raise JobError({"recipients": ["cannot be used with a job that has a delivery_list"]})
    target["delivery_list"] = recipients
    return document
