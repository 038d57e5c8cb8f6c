"""Jobs as values: the checked form of what a producer hands in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Literal

from campaigns.acts import APPLICATION
from campaigns.statuses import TO_READ
from campaigns.times.windows import Window

TEXT, IMAGE, BUTTON = "TEXT", "IMAGE", "BUTTON"
PERSONAL, BULK_TYPE = "personal", "bulk"
#: How a campaign starts.
NOW, AS_DRAFT = "now", "draft"


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image that is uploaded with each message instead of being linked."""

    filename: str
    content_type: str
    content: bytes

    def __repr__(self) -> str:
        return f"ImageFile({self.filename!r}, {self.content_type!r}, {len(self.content)} bytes)"


@dataclass(frozen=True, slots=True)
class Canary:
    """The first part of a campaign, so many recipients, which goes out alone. The others follow `wait_s` later unless a
    larger share than `max_failed` of it failed."""

    recipients: int
    wait_s: int
    max_failed: float


@dataclass(frozen=True, slots=True)
class Mailing:
    """One element of sendBulkViber's `messages`.

    `content` holds the gateway's own fields (`type`, `text`, `image_url`, `caption`, `button_link`).
    `delivery_list` is a list that was checked, or any other iterable, which is checked as it is planned.
    """

    name: str
    alphaname_id: str
    message_type: str
    content: dict[str, str] = field(repr=False)
    schedule_ms: int | None
    delivery_list: Iterable[Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    account: str
    name: str | None
    on_unknown: str | None
    max_recipients: int | None
    max_cost: Decimal | None
    #: Braces in its texts mean nothing but themselves.
    literal_text: bool = False
    #: Milliseconds for each recipient, if the job asks for a rate of its own.
    spacing_ms: float | None = None
    #: Its part of the account's rate, beside campaigns that have another.
    weight: int = 1
    #: What the caller knows it by in its own logs. The same job has another when it is handed in again.
    correlation_id: str | None = None
    #: How far its messages are followed: `read`, `delivered` or `none`.
    follow: str = TO_READ
    #: Whether replies are fetched.
    replies: bool = True
    #: When it may go out: minutes of the day, weekdays from 0, and a zone or `recipient`, as far as the job says it.
    send_between: tuple[int, int] | None = None
    send_on: frozenset[int] | None = None
    send_zone: str | None = None
    #: The part that goes out first.
    canary: Canary | None = None
    #: It goes out at any time.
    transactional: bool = False
    #: What follows from these and the settings.
    window: Window | None = None
    #: A few of its messages, sent to phones of one's own.
    test: bool = False
    #: `now`, or `draft`: nothing goes out before somebody approves it.
    start: str = NOW
    #: Who hands it in. Somebody else has to approve it.
    made_by: str = APPLICATION


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkJob(_Job):
    """Mailings for sendBulkViber."""

    mailings: tuple[Mailing, ...]
    callback_url: str | None = field(repr=False)
    kind: Literal["bulk"] = "bulk"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickJob(_Job):
    """One message each for sendQuickViberMessage. `fields` are its form fields but for the phone."""

    fields: dict[str, str] = field(repr=False)
    image: ImageFile | None
    delivery_list: Iterable[Any] = field(repr=False)
    kind: Literal["quick"] = "quick"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListJob(_Job):
    """A mailing to a list that is kept at the gateway, for sendViberMessageList. `fields` are its form fields."""

    fields: dict[str, str] = field(repr=False)
    image: ImageFile | None
    schedule_ms: int | None
    kind: Literal["list"] = "list"


Job = BulkJob | QuickJob | ListJob


def comes_as_stream(job: Job) -> bool:
    """Whether recipients of a job can be read once only, as far as anybody knows."""
    return not all(isinstance(rows, list) for rows in delivery_lists(job))


def delivery_lists(job: Job) -> list[Iterable[Any]]:
    """The recipients of a job, by mailing; none of one whose list the gateway has."""
    if isinstance(job, ListJob):
        return []
    return [mailing.delivery_list for mailing in job.mailings] if isinstance(job, BulkJob) else [job.delivery_list]


def job_document(job: Job) -> dict[str, Any]:
    """The job without its recipients, as plain values for JSON. Two jobs that differ, differ here or there.

    A correlation id, and whether it starts as a draft, make no difference, so they are not in it.
    """
    document: dict[str, Any] = {
        "kind": job.kind,
        "account": job.account,
        "name": job.name,
        "on_unknown": job.on_unknown,
        "max_recipients": job.max_recipients,
        "max_cost": str(job.max_cost) if job.max_cost is not None else None,
        **dict(_said(job)),
    }
    if isinstance(job, BulkJob):
        document["callback_url"] = job.callback_url
        document["messages"] = [
            {
                "name": m.name,
                "alphaname_id": m.alphaname_id,
                "message_type": m.message_type,
                "content": m.content,
                "schedule_ms": m.schedule_ms,
            }
            for m in job.mailings
        ]
    else:
        document["fields"] = job.fields
        document["image"] = blake2b(job.image.content).hexdigest() if job.image else None
    return document


def _said(job: Job) -> Iterator[tuple[str, Any]]:
    """What only some jobs say."""
    usual: dict[str, Any] = {
        "spacing_ms": None,
        "weight": 1,
        "follow": TO_READ,
        "replies": True,
        "test": False,
        "send_between": None,
        "send_on": None,
        "send_zone": None,
        "transactional": False,
        "canary": None,
    }
    for name, value in usual.items():
        if (own := getattr(job, name)) != value:
            yield name, sorted(own) if isinstance(own, frozenset) else own
