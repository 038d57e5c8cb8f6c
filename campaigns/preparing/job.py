"""What comes before anything is stored: a job with its recipients, checked, planned and held against its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from campaigns.errors import ErrorTree, JobError
from campaigns.jobs.checking import load_job
from campaigns.jobs.schemas.row_forms import asked_values
from campaigns.jobs.values import AS_DRAFT, Job
from campaigns.planning.filling import Samples
from campaigns.planning.planner import Planner
from campaigns.planning.zoning import Zoning
from campaigns.recipients import read_recipients
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.text.wellformed import TextRule, key_problem

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

Recipients = Iterable[Any] | Path | str | None
#: For each phone, whether it is opted out; nothing at all if nobody is.
OptedOut = Callable[[Sequence[str]], Sequence[bool]]
Chosen = Mapping[str, str | int] | None


@contextmanager
def all_mistakes(services: Services, job: Any, recipients: object = None) -> Iterator[None]:
    """Inside, what stands beside a job is read: its key, its file of recipients. If that is refused, the job's own
    mistakes are told with it. Raises JobError."""
    try:
        yield
        return
    except JobError as error:
        errors = error.errors
    try:
        # Recipients that cannot be had are not missing.
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
        raise JobError({"key": ["is another one in the job than beside it"]})
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
    anew: bool = True,
    now_ms: int | None = None,
) -> Job:
    """The job by the rules of its kind, with `recipients` as its delivery list. Consumes no lazy recipients.

    Without `anew` it is one that was enqueued before, and its times may have passed. `now_ms` (unix ms) is the time, if
    the caller has just asked for it. Raises JobError with every error that shows before the recipients are read, and
    StoreError.
    """
    if not isinstance(job, Mapping):
        raise JobError({"job": ["must be an object"]})
    now = datetime.fromtimestamp((now_ms or services.about_now_ms()) / 1000, tz=UTC) if anew else _LONG_AGO
    checked = load_job(_with_recipients(job, recipients), settings=services.settings, now=now)
    if anew and checked.max_cost is not None and services.settings.message_cost is None:
        raise JobError({"max_cost": ["cannot be checked: the setting message_cost is not set"]})
    return checked


def planner_of(
    services: Services,
    job: Job,
    opted_out: OptedOut | None = None,
    samples: Samples | None = None,
    now_ms: int | None = None,
) -> Planner:
    """A planner by the settings and the opt-outs of these services, which many may share. `now_ms` (unix ms) is the
    time, if the caller has just asked for it. Raises StoreError."""
    settings = services.settings
    zoning = None if job.window is None else Zoning(job.window, now_ms or services.about_now_ms())
    return Planner(
        job,
        recipients_per_request=settings.recipients_per_request,
        region=settings.phone_region,
        timezone=settings.gateway_timezone,
        opted_out=opted_out or services.optouts.checker(),
        text_rule=TextRule(settings.text_length, job.literal_text),
        samples=samples,
        zoning=zoning,
    )


def refusals(settings: Settings, job: Job, counts: Mapping[str, int], *, strict: bool) -> ErrorTree:
    """The limits that a job breaks and that can only be checked once everybody is counted; empty if none."""
    errors: ErrorTree = {}
    out = {name: counts[name] for name in ("invalid", "duplicate", "opted_out") if counts[name]}
    if strict and out:
        listed = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in out.items())
        errors["delivery_list"] = [f"strict, but recipients would be taken out: {listed}"]
    price = settings.message_cost
    if job.kind != "list":
        planned = counts["total"] - sum(out.values())
        if job.max_recipients is not None and planned > job.max_recipients:
            errors["max_recipients"] = [f"{planned} recipients, more than {job.max_recipients}"]
        if job.max_cost is not None and price is not None and price * planned > job.max_cost:
            errors["max_cost"] = [f"expected cost {price * planned}, more than {job.max_cost}"]
    return errors


def draft_reason(settings: Settings, job: Job, counts: Mapping[str, int]) -> str:
    """Why a campaign waits for somebody to approve it, once everybody is counted; '' if it does not.

    A test goes out at once: it is there to be looked at before anybody approves.
    """
    if job.test:
        return ""
    if job.start == AS_DRAFT:
        return "it was handed in as a draft"
    most, dearest, price = settings.approval_recipients, settings.approval_cost, settings.message_cost
    if job.kind == "list":
        unknown = "the gateway alone knows how many are on its list, and large campaigns need approval"
        return unknown if most is not None or dearest is not None else ""
    planned = counts["total"] - sum(number for name, number in counts.items() if name != "total")
    if most is not None and planned >= most:
        return f"{planned:,} recipients, and from {most:,} on approval is needed"
    if dearest is not None and price is not None and planned and price * planned >= dearest:
        return f"it is expected to cost {price * planned}, and from {dearest} on approval is needed"
    return ""


def started(job: Any, start: str | None) -> Any:
    """The job, started as the caller says. A job that wants to be a draft stays one."""
    if start is None or not isinstance(job, Mapping) or job.get("start") == AS_DRAFT:
        return job
    return {**job, "start": start}


def made(job: Job, by: str) -> Job:
    """The job, handed in by somebody."""
    return job if by == job.made_by else replace(job, made_by=by)


def rows_of(job: object, recipients: Recipients, columns: Chosen, encoding: str | None) -> Iterable[Any] | None:
    """The rows of recipients, with `columns` and `encoding` if they are a file; `columns` may also choose those that
    fill the texts of the job. Raises JobError."""
    if isinstance(recipients, (str, Path)):
        return read_recipients(recipients, columns=columns, encoding=encoding, names=_names_in(job))
    given = {"columns": columns, "encoding": encoding}
    if errors := {name: ["is of use only with a file of recipients"] for name, value in given.items() if value}:
        raise JobError(errors)
    return recipients


def _names_in(job: object) -> tuple[str, ...]:
    """The names in the texts of a job with a single mailing. The job may be anything."""
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
        raise JobError({"recipients": ["can only be given for a job with a single mailing"]})
    if "delivery_list" in target:
        raise JobError({"recipients": ["the job has a delivery_list already"]})
    target["delivery_list"] = recipients
    return document
