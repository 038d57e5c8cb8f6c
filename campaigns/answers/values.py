"""What the gateway's answers hold, as values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Rows(list[T]):
    """The rows of an answer that were understood.

    `unreadable` counts the others that the gateway sent. They stand between these in its listing and their content is
    unknown: paging must count them, and a search for evidence must not treat them as absent.
    """

    unreadable: int = 0

    @property
    def sent(self) -> int:
        """How many rows the gateway sent, understood or not."""
        return len(self) + self.unreadable


def _masked(row: Any, *hidden: str) -> str:
    """A repr that says nothing of the fields that hold phones and texts."""
    shown = (f"{name}=***" if name in hidden else f"{name}={value!r}" for name, value in row._asdict().items())
    return f"{type(row).__name__}({', '.join(shown)})"


class DeliveryRow(NamedTuple):
    """One phone of an answer. `status_time` is the gateway's text, in the gateway's time zone.

    `status` is empty where the gateway names a phone and says nothing of it.
    """

    phone: str
    status: str
    delivery_id: int | None
    error_code: int
    status_time: str | None

    def __repr__(self) -> str:
        return _masked(self, "phone")


class MailingData(NamedTuple):
    """A mailing as getViberMessages and getViberMessageData show it; times are the gateway's text."""

    message_id: int
    message_type: str
    message: str
    button_caption: str
    button_link: str
    image_file: str
    status: str
    created_at: str
    scheduled_at: str
    cost: Decimal | None
    currency: str

    def __repr__(self) -> str:
        return _masked(self, "message", "button_caption", "button_link", "image_file")


class IncomingMessage(NamedTuple):
    """A reply; `received_at` is the gateway's text, in its zone.

    `id` is empty if the gateway gave none: such a reply cannot be marked. `phone` is empty if it cannot be read.
    """

    id: str
    phone: str
    message: str
    received_at: str

    def __repr__(self) -> str:
        return _masked(self, "phone", "message")


class ListCreated(NamedTuple):
    """A mailing to a list that was created and not paid for. `count_subscribers` is None if the gateway gave none."""

    message_id: int
    count_subscribers: int | None
