"""Previews: what enqueueing a job would do, with nothing stored and nothing sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Final, Self

import orjson

from campaigns.accounts.budgets import DailyBudget
from campaigns.errors import ErrorTree, KeyConflictError, UnknownCampaignError
from campaigns.gateway.calls import Call, send_bulk_viber, send_quick_viber_message, send_viber_message_list
from campaigns.jobs.typed import AnyJob
from campaigns.jobs.values import BulkJob, Job
from campaigns.planning.personal_texts import Sample, Samples
from campaigns.planning.planner import Exclusion, PlannedBatch, Planner
from campaigns.preparing.job import (
    ColumnChoice,
    Recipients,
    all_mistakes,
    checked_job,
    key_of,
    planner_of,
    refusals,
    rows_of,
)
from campaigns.recipients.exclusions import Excluded
from campaigns.recipients.exclusions import Exclusion as Reason
from campaigns.services import Services
from campaigns.settings import Settings

_EXAMPLES: Final = 10
#: Each row may have a reason of its own, such as the length of its text.
_REASONS: Final = 20
#: Stands for the token and for the signature in a callback's address, which only the gateway may see.
_HIDDEN: Final = "***"


@dataclass(frozen=True, slots=True)
class FirstRequest:
    """A request as it would go out, with `***` in place of the token and of the signature in a callback's address.

    `body` is the JSON object or, with `form`, the fields of the form. An image is shown as its name, type and size.
    """

    method: str
    url: str
    form: bool
    body: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Preview:
    """What enqueueing a job would do.

    Each of the `total` recipients is counted in exactly one of `invalid`, `duplicate`, `opted_out`, `suppressed`,
    `capped` and `to_send`.
    `examples` are the first few excluded recipients. For personal mailings, `samples` are the first messages and
    `longest` is the longest, as recipients will read them. Only the gateway knows the recipients of a list mailing:
    its `total` is 0, and its `to_send` and `cost` are None.

    `requests` counts the paid requests. `cost` is the price of all messages at `message_cost` each, or None if that
    setting is unset. `refused` is the error tree of the limits that the job breaks, empty if `enqueue` would accept it.
    `same_as` is the id of the campaign that already has the key with the same job; `enqueue` would return it.
    """

    name: str
    kind: str
    account: str
    total: int
    invalid: int
    duplicate: int
    opted_out: int
    suppressed: int
    capped: int
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
    #: Equal for two jobs if they are the same, with the same recipients.
    digest: str
    #: When the campaign may go out, in words; empty if at any time.
    send_window: str = ""
    #: The number of recipients in the canary, who get their messages first; 0 without a canary.
    canary: int = 0
    #: Why recipients are `invalid`, in words, with the number of each; rare reasons share the last entry.
    invalid_reasons: Mapping[str, int] = field(default_factory=dict)
    #: How many of `to_send` are further messages of a mailing to the same phone, with another text.
    repeated: int = 0
    #: The daily budget of the account, and what is left of it today; None without a budget.
    budget: Decimal | None = None
    budget_left: Decimal | None = None
    #: Paid requests that alone cost more than a whole day's budget, and would be refused.
    over_budget: int = 0

    @property
    def all_invalid(self) -> bool:
        """Whether all recipients are invalid. `campaigns send` refuses such a job, and `enqueue` accepts it."""
        return 0 < self.total == self.invalid

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON: money as text."""
        plain = asdict(self)
        for name in ("message_cost", "cost", "max_cost", "budget", "budget_left"):
            plain[name] = str(plain[name]) if plain[name] is not None else None
        return plain


def preview(
    services: Services,
    job: AnyJob,
    *,
    key: str | int | None = None,
    recipients: Recipients = None,
    strict: bool = False,
    columns: ColumnChoice = None,
    encoding: str | None = None,
    samples: int = 3,
    on_excluded: Callable[[Excluded], object] | None = None,
) -> Preview:
    """Check and plan a job as `enqueue` would, with the same arguments, but store nothing and send nothing.

    `samples` is the number of messages from personal mailings to keep in the result. `on_excluded` is called with each
    recipient who would be excluded, so that a caller can write all of them down in bounded memory.

    Opt-outs and counted messages are those of now. Recipients are read once and not kept: an iterator is consumed.
    Limits that need the number of recipients raise nothing; they are reported in `refused`.
    Raises JobError with every mistake at once, KeyConflictError if `key` belongs to a campaign with a different job,
    SettingsError, and StoreError.
    """
    with all_mistakes(services, job, recipients):
        own_key, rows = key_of(job, key), rows_of(job, recipients, columns, encoding)
    checked, shown = checked_job(services, job, rows), Samples(samples)
    planner = planner_of(services, checked, samples=shown)
    budget = _budget(services, checked.account)
    walk = _Walk(on_excluded, services.settings.message_cost, budget).along(planner)
    return Preview(
        name=checked.name or "",
        kind=checked.kind,
        account=checked.account,
        **_counted(services.settings, checked, planner.counts),
        refused=refusals(services.settings, checked, planner.counts, strict=strict),
        same_as=_same_as(services, own_key, planner.digest),
        **walk.counted(),
        samples=tuple(shown.first),
        longest=shown.longest,
        first_request=_shown(services.settings, checked, walk.first),
    )


def _counted(settings: Settings, job: Job, counts: Mapping[str, int]) -> dict[str, Any]:
    """The counts and costs of a preview, the limits of the job, and when it may go out."""
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


def _budget(services: Services, account: str) -> DailyBudget | None:
    """Raises StoreError."""
    return services.budgets.spent(services.store, [account], services.about_now_ms()).get(account)


class _Walk:
    """What is seen of a plan on the way through it; `on_excluded` is called with every excluded recipient."""

    def __init__(
        self, on_excluded: Callable[[Excluded], object] | None, price: Decimal | None, budget: DailyBudget | None
    ) -> None:
        self.first: PlannedBatch | None = None
        self.requests = self.repeated = self.over_budget = 0
        self.digest = ""
        self._price = price or Decimal(0)
        self._budget = budget
        self.examples: list[Excluded] = []
        self.reasons = Counter[str]()
        self._on_excluded = on_excluded

    def along(self, planner: Planner) -> Self:
        for step in planner.steps():
            if isinstance(step, Exclusion):
                for one in step.excluded():
                    self._exclude(one)
            else:
                self.first = self.first or step
                self.requests += 1
                if self._budget is not None:
                    self.over_budget += self._budget.fits_no_day(step.recipients, self._price)
        self.repeated, self.digest = planner.repeated, planner.digest
        return self

    def counted(self) -> dict[str, Any]:
        """What was counted, today's budget, and the digest of the job, as fields of a preview."""
        reasons, budget = dict(self.reasons.most_common()), self._budget
        numbers = {"requests": self.requests, "repeated": self.repeated, "over_budget": self.over_budget}
        left = {} if budget is None else {"budget": budget.budget, "budget_left": budget.left}
        return {**numbers, **left, "digest": self.digest, "examples": tuple(self.examples), "invalid_reasons": reasons}

    def _exclude(self, one: Excluded) -> None:
        if self._on_excluded is not None:
            self._on_excluded(one)
        if len(self.examples) < _EXAMPLES:
            self.examples.append(one)
        if one.reason == "invalid":
            words = one.words
            self.reasons[words if words in self.reasons or len(self.reasons) < _REASONS else "other reasons"] += 1


def _to_send(job: Job, counts: Mapping[str, int]) -> int | None:
    excluded = sum(counts[reason] for reason in Reason)
    return None if job.kind == "list" else counts["total"] - excluded


def _same_as(services: Services, key: str | None, digest: str) -> str | None:
    """The id of the campaign that has the key. Raises KeyConflictError if its job is known to differ."""
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
        # Our own address is signed for each attempt to send, and there is no attempt yet.
        ours = f"{settings.callback_base_url}/{_HIDDEN}" if settings.callback_base_url else None
        return send_bulk_viber(body, job.callback_url or ours)
    build = send_quick_viber_message if job.kind == "quick" else send_viber_message_list
    return build(orjson.loads(body), job.image)
