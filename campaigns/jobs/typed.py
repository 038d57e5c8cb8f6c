"""Jobs as applications write them: typed, so that a type checker finds a misspelt field before anything runs.

It looks at `job: QuickJob = {...}` and `QuickJob(kind="quick", ...)`. A plain dict is as good a job; its fields are
looked at when it is handed in. `campaigns schema` tells what each of them means.
"""

# Annotations are values here: as texts they would hide at run time which fields are required.
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Literal, Required, TypedDict

Flag = bool | Literal[0, 1, "0", "1"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class ImageUpload(TypedDict, total=False):
    """An image in JSON: its bytes as base64, and what the file is called."""

    filename: str
    base64: Required[str]


class Recipient(TypedDict, total=False):
    """One recipient of a mailing. In a personal mailing each has a text, and a link if the content is a button; or
    values, where the content has a text that they fill."""

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
    """One mailing of a bulk job: what is sent, from whom and to whom."""

    alphaname_id: Required[int | str]
    name: str
    message_type: Required[Literal["personal", "bulk"]]
    schedule_time: datetime | str
    content: Required[Content]
    delivery_list: Required[Recipients]


class _EveryJob(TypedDict, total=False):
    account: str
    name: str | None
    key: str | int | None
    correlation_id: str | None
    on_unknown: Literal["hold", "resend"] | None
    follow: Literal["read", "delivered", "none"]
    replies: Flag
    start: Literal["now", "draft"]
    send_between: tuple[str, str] | list[str] | None
    send_on: Iterable[Weekday] | None
    send_zone: str | None
    canary: int | str | None
    canary_wait_s: int | str | None
    canary_max_failed: float | None
    transactional: Flag
    literal_text: Flag
    max_recipients: int | str | None
    rate: str | None
    weight: int | str
    max_cost: Decimal | float | str | None


class BulkJob(_EveryJob, total=False):
    """Mailings for sendBulkViber: the same message to many, or a message of their own for each."""

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
    """The same message to one phone or to several, one request of sendQuickViberMessage each."""

    kind: Required[Literal["quick"]]
    phone: str | int
    delivery_list: Recipients
    forwarding_message: Flag
    forwarding_time: int | str
    alphaname_id: int | str


class ListJob(_MessageJob, total=False):
    """A mailing to a list that is kept at the gateway, for sendViberMessageList."""

    kind: Required[Literal["list"]]
    list_id: Required[int | str]
    d_schedule: datetime | str


#: What `enqueue` takes for a job.
AnyJob = BulkJob | QuickJob | ListJob | Mapping[str, Any]
