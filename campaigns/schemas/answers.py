"""The gateway's answers in: checked, and tolerant of whatever it may add.

Unknown fields and unknown status words pass. Rows of delivery lists are read by `campaigns.schemas.rows`, in a
tight loop: one schema per row costs about ten times as much. A row that cannot be understood is counted and costs
none of the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields
from marshmallow.validate import Equal, Regexp

from campaigns.schemas.rows import BulkMailing, BulkStatus, DeliveryRows, number_of, word_of
from campaigns.schemas.values import (
    DeliveryRow,
    IncomingMessage,
    ListCreated,
    MailingData,
)


class UnreadableError(Exception):
    """A document is not the answer that the contract documents."""


class _Number(fields.Field[int]):
    """An id or a count, as a number or as its digits."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        number = number_of(value)
        if number is None:
            raise ValidationError("not a number")
        return number


class _Text(fields.Field[str]):
    """Text; a number is taken by its digits, nothing at all as empty."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if isinstance(value, (dict, list)):
            raise ValidationError("not text")
        return "" if value is None else str(value)


class _Rows(fields.Field[DeliveryRows]):
    """A delivery list."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> DeliveryRows:
        if not isinstance(value, list):
            raise ValidationError("not a list")
        return DeliveryRows(value)


class _Tolerant(Schema):
    class Meta:
        unknown = EXCLUDE


class _Accepted(_Tolerant):
    success = fields.String(required=True, validate=Equal("OK"))
    uuid = fields.String(required=True, validate=Regexp(r"\s*\S"))


class _Done(_Tolerant):
    status = fields.String(required=True, validate=Equal("OK"))


class _MailingFields(_Tolerant):
    message_id = _Number(required=True)
    message_type = _Text(load_default="")
    message = _Text(load_default="")
    button_caption = _Text(load_default="")
    button_link = _Text(load_default="")
    image_file = _Text(load_default="")
    status = _Text(required=True)
    d_create = _Text(load_default="")
    d_schedule = _Text(load_default="")
    cost = _Text(load_default="")


class _IncomingFields(_Tolerant):
    id = _Text(required=True)
    phone = _Text(required=True)
    message = _Text(load_default="")
    d_receiver = _Text(load_default="")


class _OneId(_Tolerant):
    message_id = _Number(required=True)


class _CreatedFields(_OneId):
    count_subscribers = _Number(required=True)


class _QuickData(_Tolerant):
    phone = _Text(required=True)
    status = _Text(required=True)
    error_code = _Text(load_default="0")


class _QuickSent(_Done):
    result = fields.Nested(_OneId, required=True)


class _Created(_Done):
    result = fields.Nested(_CreatedFields, required=True)


class _QuickStatus(_Done):
    result = fields.Nested(_QuickData, required=True)


class _Listing(_Done):
    result = fields.List(fields.Nested(_MailingFields), required=True)


class _Data(_Done):
    result = fields.Nested(_MailingFields, required=True)


class _Deliveries(_Done):
    result = _Rows(required=True)


class _Incoming(_Done):
    result = fields.List(fields.Nested(_IncomingFields), required=True)


class _Marked(_Done):
    result = _Text(load_default="")


class _BulkElement(_Tolerant):
    name = _Text(load_default="")
    message_id = _Number(load_default=None, allow_none=True)
    alphaname_id = _Text(load_default="")
    success = _Rows(load_default=None, allow_none=True)
    errors = fields.List(_Text(), load_default=list)


def _load(schema: Schema, document: Any) -> dict[str, Any]:
    try:
        return cast(dict[str, Any], schema.load(document))
    except ValidationError as error:
        places = error.messages if isinstance(error.messages, list) else list(error.messages)
    # Only places: the values may be phones and texts.
    raise UnreadableError(", ".join(str(place) for place in places))


def _bulk_status(document: Any) -> BulkStatus:
    if not isinstance(document, list):
        raise UnreadableError("not a list")
    mailings, errors = [], []
    for element in document:
        found = _load(_BULK_ELEMENT, element)
        errors += found["errors"]
        if found["success"] is not None:
            mailings.append(BulkMailing(found["name"], found["message_id"], found["alphaname_id"], found["success"]))
    return BulkStatus(tuple(mailings), tuple(errors))


def _mailing(found: Mapping[str, Any]) -> MailingData:
    amount, _, currency = found["cost"].strip().partition(" ")
    cost = Decimal(amount) if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12})?", amount) else None
    return MailingData(
        message_id=found["message_id"],
        message_type=found["message_type"],
        message=found["message"],
        button_caption=found["button_caption"],
        button_link=found["button_link"],
        image_file=found["image_file"],
        status=found["status"],
        created_at=found["d_create"],
        scheduled_at=found["d_schedule"],
        cost=cost,
        currency=currency.strip(),
    )


def _incoming(document: Any) -> list[IncomingMessage]:
    return [
        IncomingMessage(row["id"], row["phone"], row["message"], row["d_receiver"])
        for row in _load(_INCOMING, document)["result"]
    ]


def _quick_status(document: Any) -> DeliveryRow:
    found = _load(_QUICK_STATUS, document)["result"]
    return DeliveryRow(found["phone"], word_of(found["status"]), None, number_of(found["error_code"]) or 0, None)


def _marked(document: Any) -> int | None:
    match = re.search(r"[0-9]{1,9}", _load(_MARKED, document)["result"])
    return int(match[0]) if match else None


def _created(document: Any) -> ListCreated:
    found = _load(_CREATED, document)["result"]
    return ListCreated(found["message_id"], found["count_subscribers"])


_ACCEPTED, _DONE, _QUICK_SENT, _CREATED = _Accepted(), _Done(), _QuickSent(), _Created()
_QUICK_STATUS, _LISTING, _DATA, _DELIVERIES = _QuickStatus(), _Listing(), _Data(), _Deliveries()
_INCOMING, _MARKED, _BULK_ELEMENT = _Incoming(), _Marked(), _BulkElement()

#: How the answer of each method is read. Each raises UnreadableError for what is not that answer.
SCHEMAS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "sendBulkViber": lambda document: _load(_ACCEPTED, document)["uuid"],
    "statusBulkViber": _bulk_status,
    "sendQuickViberMessage": lambda document: _load(_QUICK_SENT, document)["result"]["message_id"],
    "getViberDeliveryData": _quick_status,
    "sendViberMessageList": _created,
    "confirmViberMessage": lambda document: _load(_DONE, document) and None,
    "getViberMessages": lambda document: [_mailing(row) for row in _load(_LISTING, document)["result"]],
    "getViberMessageData": lambda document: _mailing(_load(_DATA, document)["result"]),
    "getViberDeliveryList": lambda document: _load(_DELIVERIES, document)["result"],
    "getNewIncomingMessages": _incoming,
    "readResponseStatus": _marked,
}
