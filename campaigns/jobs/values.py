"""Jobs as values: the checked form of the jobs that producers hand in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Literal

from campaigns.acts import APPLICATION
from campaigns.jobs.caps import Cap
from campaigns.statuses import TO_READ
from campaigns.times.windows import Window

TEXT, IMAGE, BUTTON = "TEXT", "IMAGE", "BUTTON"
PERSONAL, BULK_TYPE = "personal", "bulk"
#: How a campaign starts: at once, or as a draft.
NOW, AS_DRAFT = "now", "draft"


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image that is uploaded with each message, instead of a link to one."""

    filename: str
    content_type: str
    content: bytes

    def __repr__(self) -> str:
        return f"ImageFile({self.filename!r}, {self.content_type!r}, {len(self.content)} bytes)"


@dataclass(frozen=True, slots=True)
class Canary:
    """The first `recipients` of a campaign, who get their messages before the others. The others follow `wait_s`
    seconds later, unless a larger share than `max_failed` of the canary failed."""

    recipients: int
    wait_s: int
    max_failed: float


@dataclass(frozen=True, slots=True)
class Mailing:
    """One element of sendBulkViber's `messages`.

    `content` holds the gateway's own fields (`type`, `text`, `image_url`, `caption`, `button_link`).
    `delivery_list` is a checked list, or another iterable, which is checked while it is planned.
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
    #: Whether braces in its texts are ordinary characters.
    literal_text: bool = False
    #: Milliseconds per recipient, if the job has a rate of its own.
    spacing_ms: float | None = None
    #: Its share of the account's rate, relative to the weights of other campaigns.
    weight: int = 1
    #: What it is about, in lower case; people can opt out of one topic of an account.
    topic: str | None = None
    #: The id of the job in the caller's own logs. It does not belong to the job's identity.
    correlation_id: str | None = None
    #: Until which status its messages are polled: `read`, `delivered` or `none`.
    follow: str = TO_READ
    #: Whether replies are polled.
    replies: bool = True
    #: Seconds after which recipients who were not delivered are announced by an event; None if they are not.
    fallback_after_s: int | None = None
    #: The window that the job states, if any: minutes of the day, weekdays (from 0), and a zone or `recipient`.
    send_between: tuple[int, int] | None = None
    send_on: frozenset[int] | None = None
    send_zone: str | None = None
    #: The part that is sent first.
    canary: Canary | None = None
    #: Whether it may go out at any time, and to everybody, however many messages they have got.
    transactional: bool = False
    #: The frequency cap that the job states beside that of the settings.
    cap_messages: int | None = None
    cap_days: int | None = None
    #: The window that follows from these fields and the settings; None if it may go out at any time.
    window: Window | None = None
    #: The frequency cap that follows from these fields and the settings; None without one.
    cap: Cap | None = None
    #: Whether it is a test: a few messages of a job, sent to the caller's own phones.
    test: bool = False
    #: `now` or `draft`. Nothing of a draft is sent before a person approves it.
    start: str = NOW
    #: Whether it is refused if all of its recipients are invalid.
    needs_recipients: bool = False
    #: The person or program that hands it in. A draft has to be approved by another person.
    made_by: str = APPLICATION


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkJob(_Job):
    """Mailings for sendBulkViber."""

    mailings: tuple[Mailing, ...]
    callback_url: str | None = field(repr=False)
    kind: Literal["bulk"] = "bulk"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickJob(_Job):
    """One message for each phone, for sendQuickViberMessage. `fields` are its form fields without the phone."""

    fields: dict[str, str] = field(repr=False)
    image: ImageFile | None
    delivery_list: Iterable[Any] = field(repr=False)
    kind: Literal["quick"] = "quick"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListJob(_Job):
    """A mailing to a list that the gateway keeps, for sendViberMessageList. `fields` are its form fields."""

    fields: dict[str, str] = field(repr=False)
    image: ImageFile | None
    schedule_ms: int | None
    kind: Literal["list"] = "list"


Job = BulkJob | QuickJob | ListJob


def comes_as_stream(job: Job) -> bool:
    """Whether the recipients of a job are a stream, which can be read only once."""
    return not all(isinstance(rows, list) for rows in delivery_lists(job))


def delivery_lists(job: Job) -> list[Iterable[Any]]:
    """The recipients of each mailing of a job; empty for a list job, whose list the gateway has."""
    if isinstance(job, ListJob):
        return []
    return [mailing.delivery_list for mailing in job.mailings] if isinstance(job, BulkJob) else [job.delivery_list]


def job_document(job: Job) -> dict[str, Any]:
    """The job as plain values for JSON, without its recipients. Two jobs are the same if both are equal.

    The correlation id and `start` are left out, because they do not belong to a job's identity.
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
    """The fields that differ from their defaults."""
    usual: dict[str, Any] = {
        "spacing_ms": None,
        "weight": 1,
        "topic": None,
        "follow": TO_READ,
        "replies": True,
        "fallback_after_s": None,
        "test": False,
        "send_between": None,
        "send_on": None,
        "send_zone": None,
        "transactional": False,
        "cap_messages": None,
        "cap_days": None,
        "canary": None,
    }
    for name, value in usual.items():
        if (own := getattr(job, name)) != value:
            yield name, sorted(own) if isinstance(own, frozenset) else own
