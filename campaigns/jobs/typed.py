"""Types for the jobs that applications write, so that a type checker finds a misspelt field before anything runs.

It checks `job: QuickJob = {...}` and `QuickJob(kind="quick", ...)`. A plain dict works too, because `enqueue` checks
every job. `campaigns schema` prints the meaning of each field.
"""

# No `from __future__ import annotations`: with annotations as text, Required would have no effect at run time.
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Literal, Required, TypedDict

Flag = bool | Literal[0, 1, "0", "1"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class ImageUpload(TypedDict, total=False):
    """An image in JSON: its bytes as base64, and the name of the file."""

    filename: str
    base64: Required[str]


class Recipient(TypedDict, total=False):
    """One recipient of a mailing. In a personal mailing each has a text and, if the content is a button, a link; or
    has values, if the content has a text with places for them."""

    phone: Required[str | int]
    text: str
    button_link: str
    values: Mapping[str, str | int | float | None] | None


class Content(TypedDict, total=False):
    """What the recipients of a mailing see."""

    type: Required[Literal["text", "image", "button"]]
    text: str
    image_url: str
    caption: str
    button_link: str


#: Phones, or recipients with more than a phone; any iterable, or the path of a file.
Recipients = Iterable[str | int | Recipient] | Path


class BulkMailing(TypedDict, total=False):
    """One mailing of a bulk job: its sender, content and recipients."""

    alphaname_id: Required[int | str]
    name: str
    message_type: Required[Literal["personal", "bulk"]]
    schedule_time: datetime | str
    content: Required[Content]
    delivery_list: Required[Recipients]


class _EveryJob(TypedDict, total=False):
    account: str
    name: str | None
    topic: str | None
    key: str | int | None
    correlation_id: str | None
    on_unknown: Literal["hold", "resend"] | None
    follow: Literal["read", "delivered", "none"]
    replies: Flag
    fallback_after_s: int | str | None
    start: Literal["now", "draft"]
    send_between: tuple[str, str] | list[str] | None
    send_on: Iterable[Weekday] | None
    send_zone: str | None
    canary: int | str | None
    canary_wait_s: int | str | None
    canary_max_failed: float | None
    transactional: Flag
    cap_messages: int | str | None
    cap_days: int | str | None
    literal_text: Flag
    max_recipients: int | str | None
    rate: str | None
    weight: int | str
    max_cost: Decimal | float | str | None


class BulkJob(_EveryJob, total=False):
    """Mailings for sendBulkViber: one message for many recipients, or a different one for each."""

    kind: Literal["bulk"]
    callback_url: str | None
    messages: Required[list[BulkMailing] | tuple[BulkMailing, ...]]


class _MessageJob(_EveryJob, total=False):
    vibername_id: Required[int | str]
    type_message: Literal["TEXT", "IMAGE", "BUTTON"]
    message: str
    image_url: str
    image: Path | bytes | bytearray | IO[bytes] | ImageUpload
    button: str
    button_link: str


class QuickJob(_MessageJob, total=False):
    """One message for one or several phones, with a request of sendQuickViberMessage for each phone."""

    kind: Required[Literal["quick"]]
    phone: str | int
    delivery_list: Recipients
    forwarding_message: Flag
    forwarding_time: int | str
    alphaname_id: int | str


class ListJob(_MessageJob, total=False):
    """A mailing to a list that the gateway keeps, for sendViberMessageList."""

    kind: Required[Literal["list"]]
    list_id: Required[int | str]
    d_schedule: datetime | str


#: Any job that `enqueue` accepts.
AnyJob = BulkJob | QuickJob | ListJob | Mapping[str, Any]
