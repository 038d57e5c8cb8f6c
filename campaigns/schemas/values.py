"""What the gateway's answers hold, as values."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class DeliveryRow(NamedTuple):
    """One phone of an answer. `status_time` is the gateway's text, in its zone."""

    phone: str
    status: str
    delivery_id: int | None
    error_code: int
    status_time: str | None


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


class IncomingMessage(NamedTuple):
    """A reply; `received_at` is the gateway's text, in its zone."""

    id: str
    phone: str
    message: str
    received_at: str


class ListCreated(NamedTuple):
    """A mailing to a list that was created and not paid for."""

    message_id: int
    count_subscribers: int
