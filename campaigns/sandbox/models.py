"""The values that the sandbox keeps: contents, mailings, replies, requests. A million phones take 8 MB."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

#: Money is counted in hundred-thousandths of a euro, the unit of the gateway's "0.04900 EUR".
UNITS_PER_EURO: Final = 100_000

BULK: Final = "bulk"
LIST: Final = "list"
QUICK: Final = "quick"


def money(units: int) -> str:
    """An amount as the gateway writes it: 0.04900 EUR."""
    sign, units = ("-", -units) if units < 0 else ("", units)
    return f"{sign}{units // UNITS_PER_EURO}.{units % UNITS_PER_EURO:05d} EUR"


def account_of(token: str) -> str:
    """The account of a token: a digest, so that the token itself is kept nowhere."""
    return hashlib.sha256(token.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded picture: kept by name, size and digest, never its bytes."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a message shows. `type` is TEXT, IMAGE or BUTTON."""

    type: str
    text: str = ""
    image_url: str = ""
    caption: str = ""
    button_link: str = ""
    upload: Upload | None = None


@dataclass(frozen=True, slots=True)
class Forwarding:
    """A quick message is forwarded as SMS if it is not delivered `after_minutes` after its start."""

    after_minutes: int
    alphaname_id: int | None


@dataclass(frozen=True, slots=True)
class Override:
    """A status that the recipient caused over the control endpoint."""

    status: str
    at_ms: int
    error_code: int = 0


@dataclass(slots=True)
class Mailing:
    """One mailing. `start_ms` is None until it is paid for; the delivery n has id `first_delivery_id + n`.

    `texts` and `links` hold one entry per recipient of a personal mailing; in other mailings they are None.
    """

    message_id: int
    kind: str
    account: str
    name: str
    sender_id: int
    content: Content
    phones: array[int]
    first_delivery_id: int
    created_ms: int
    unit_cost: int
    uuid: str | None = None
    texts: Sequence[str] | None = None
    links: Sequence[str] | None = None
    schedule_ms: int | None = None
    paid_ms: int | None = None
    start_ms: int | None = None
    forwarding: Forwarding | None = None
    overrides: dict[int, Override] = field(default_factory=dict)
    pressed_ms: dict[int, int] = field(default_factory=dict)
    pending_replies: list[tuple[float, int, str]] = field(default_factory=list)
    incoming_ids: list[int] = field(default_factory=list)

    @property
    def cost(self) -> int:
        return self.unit_cost * len(self.phones)

    def places(self, phone: int) -> Iterator[int]:
        """Where a phone stands in `phones`; raw requests may name it more than once."""
        start = 0
        while True:
            try:
                found = self.phones.index(phone, start)
            except ValueError:
                return
            yield found
            start = found + 1

    def word(self, now_ms: int) -> str:
        """The mailing's own status word: NEW until paid, CONFIRMED until its time, SENT."""
        if self.start_ms is None:
            return "NEW"
        return "SENT" if self.start_ms <= now_ms else "CONFIRMED"


@dataclass(slots=True)
class Incoming:
    """A reply. It is new until `marked`."""

    id: int
    message_id: int
    phone: int
    text: str
    received_ms: int
    marked: bool = False


@dataclass(slots=True)
class Request:
    """What one sendBulkViber made: per mailing the message id, or the text of what is wrong with it."""

    uuid: str
    account: str
    accepted_ms: int
    callback_url: str = ""
    results: list[int | str] = field(default_factory=list)


class Refusal(Exception):  # noqa: N818 - an answer, not an error of the sandbox
    """An error as an answer: {"error": text} with `http_status`."""

    def __init__(self, text: str, http_status: int = 200) -> None:
        self.text = text
        self.http_status = http_status
        super().__init__(text)
