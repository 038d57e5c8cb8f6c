"""What enqueueing a job would do: counted and shown, with nothing stored and nothing sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any, Final

import orjson

from campaigns.errors import ErrorTree, KeyConflictError, UnknownCampaignError
from campaigns.gateway.calls import Call, send_bulk_viber, send_quick_viber_message, send_viber_message_list
from campaigns.jobs.typed import AnyJob
from campaigns.jobs.values import BulkJob, Job
from campaigns.planning.filling import Sample, Samples
from campaigns.planning.planner import Exclusion, PlannedBatch, Planner
from campaigns.preparing.job import Chosen, Recipients, all_mistakes, checked_job, key_of, planner_of, refusals, rows_of
from campaigns.recipients.exclusions import Excluded
from campaigns.services import Services
from campaigns.settings import Settings

_EXAMPLES: Final = 10
#: Stands for what is put in at the last moment and nobody else should see.
_HIDDEN: Final = "***"


@dataclass(frozen=True, slots=True)
class FirstRequest:
    """A request as it would go out, `***` in the place of the token and of what signs a callback's address.

    `body` is the JSON object, or with `form` the fields of a form; an image file is named by its size.
    """

    method: str
    url: str
    form: bool
    body: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of a job.

    Each of `total` recipients is counted in exactly one of `invalid`, `duplicate`, `opted_out` and `to_send`;
    `examples` are the first few who would be excluded. Of personal mailings `samples` are the first messages and
    `longest` is the longest, as their recipients will read them. Of a list mailing only the gateway knows the
    recipients: then `total` is 0, and `to_send` and `cost` are None.
    `requests` are those that are paid for, `cost` is what all would cost at `message_cost` each, None while that
    setting is unset. `refused` is the tree of limits that would stop the job, empty if nothing would; `same_as`
    the campaign that has the key with the same job, so that no second one would be made.
    """

    name: str
    kind: str
    account: str
    total: int
    invalid: int
    duplicate: int
    opted_out: int
    to_send: int | None
    requests: int
    message_cost: Decimal | None
    cost: Decimal | None
    max_recipients: int | None
    max_cost: Decimal | None
    refused: ErrorTree
    same_as: str | None
    examples: tuple[Excluded, ...] = field(repr=False)
    samples: tuple[Sample, ...] = field(repr=False)
    longest: Sample | None = field(repr=False)
    first_request: FirstRequest | None
    #: When it may go out, in words; empty if at any time.
    send_window: str = ""
    #: How many recipients go out before the others; 0 if all go out together.
    canary: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON: money as text."""
        plain = asdict(self)
        for name in ("message_cost", "cost", "max_cost"):
            plain[name] = str(plain[name]) if plain[name] is not None else None
        return plain


def preview(
    services: Services,
    job: AnyJob,
    *,
    key: str | int | None = None,
    recipients: Recipients = None,
    strict: bool = False,
    columns: Chosen = None,
    encoding: str | None = None,
    samples: int = 3,
    on_excluded: Callable[[Excluded], object] | None = None,
) -> Preview:
    """Check and plan a job as `enqueue` would, with the same arguments, but store nothing and wake nobody.

    `samples` is how many messages of personal mailings are kept to be shown; `on_excluded` is called with every
    recipient who would be excluded, so that all can be written down while memory stays flat.

    Opt-outs are those of now. Recipients are read once and not kept; an iterator is used up. What `enqueue` would
    refuse once everybody is counted is told in `refused`.

    Raises JobError with every error at once, KeyConflictError if `key` belongs to another job, and StoreError.
    """
    with all_mistakes(services, job, recipients):
        own_key, rows = key_of(job, key), rows_of(job, recipients, columns, encoding)
    checked = checked_job(services, job, rows)
    shown = Samples(samples)
    planner = planner_of(services, checked, samples=shown)
    first, requests, examples = _walked(planner, on_excluded)
    return Preview(
        name=checked.name or "",
        kind=checked.kind,
        account=checked.account,
        requests=requests,
        **_counted(services.settings, checked, planner.counts),
        refused=refusals(services.settings, checked, planner.counts, strict=strict),
        same_as=_same_as(services, own_key, planner.digest),
        examples=examples,
        samples=tuple(shown.first),
        longest=shown.longest,
        first_request=_shown(services.settings, checked, first),
    )


def _counted(settings: Settings, job: Job, counts: Mapping[str, int]) -> dict[str, Any]:
    """The numbers of a preview and its money, beside the limits of the job and when it may go out."""
    to_send, price = _to_send(job, counts), settings.message_cost
    return {
        **counts,
        "to_send": to_send,
        "message_cost": price,
        "cost": None if price is None or to_send is None else price * to_send,
        "send_window": str(job.window or ""),
        "canary": job.canary.recipients if job.canary else 0,
        "max_recipients": job.max_recipients,
        "max_cost": job.max_cost,
    }


def _walked(
    planner: Planner, on_excluded: Callable[[Excluded], object] | None
) -> tuple[PlannedBatch | None, int, tuple[Excluded, ...]]:
    """The first request, how many there are, and a few who are excluded; the rest is only told."""
    first, requests, examples = None, 0, list[Excluded]()
    for step in planner.steps():
        if isinstance(step, Exclusion):
            examples += islice(step.excluded(), _EXAMPLES - len(examples))
            if on_excluded is not None:
                for one in step.excluded():
                    on_excluded(one)
        else:
            first = first or step
            requests += 1
    return first, requests, tuple(examples)


def _to_send(job: Job, counts: Mapping[str, int]) -> int | None:
    excluded = counts["invalid"] + counts["duplicate"] + counts["opted_out"]
    return None if job.kind == "list" else counts["total"] - excluded


def _same_as(services: Services, key: str | None, digest: str) -> str | None:
    """The campaign that has the key. Raises KeyConflictError if its job is known to be another."""
    owner = services.campaigns.of_key(key) if key is not None else None
    if owner is None:
        return None
    try:
        fields = services.campaigns.read(owner).fields
    except UnknownCampaignError:
        return None
    if fields.get("digest", digest) != digest:
        raise KeyConflictError(str(key), owner)
    return owner


def _shown(settings: Settings, job: Job, batch: PlannedBatch | None) -> FirstRequest | None:
    if batch is None:
        return None
    call = _call(settings, job, batch.body)
    url = f"{settings.gateway_url}{call.path}"
    if call.token_in == "json":
        return FirstRequest(call.method, url, False, orjson.loads(b'{"token":"***",' + call.json + b"}"))
    body: dict[str, Any] = {"token": _HIDDEN, **call.form}
    if call.image is not None:
        body["image"] = f"{call.image.filename}, {call.image.content_type}, {len(call.image.content)} bytes"
    return FirstRequest(call.method, url, True, body)


def _call(settings: Settings, job: Job, body: bytes) -> Call:
    if isinstance(job, BulkJob):
        # Ours is signed for each attempt, which there is none of yet.
        ours = f"{settings.callback_base_url}/{_HIDDEN}" if settings.callback_base_url else None
        return send_bulk_viber(body, job.callback_url or ours)
    build = send_quick_viber_message if job.kind == "quick" else send_viber_message_list
    return build(orjson.loads(body), job.image)
