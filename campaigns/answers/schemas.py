"""The gateway's answers in: checked, and tolerant of whatever it may add, leave out or write as PHP does.

Unknown fields and unknown status words pass, and null is the same as absent. One row that cannot be understood is
counted and costs none of the others. Rows of delivery lists are read by `campaigns.answers.rows`, in a tight loop:
one schema per row costs about ten times as much.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load

from campaigns.answers.rows import BulkMailing, BulkRefusal, BulkStatus, DeliveryRows, spelled, word_of
from campaigns.answers.shapes import is_nothing, list_of, number_of, says_yes, text_of
from campaigns.answers.values import DeliveryRow, IncomingMessage, ListCreated, MailingData, Rows

T = TypeVar("T")


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
        text = text_of(value)
        if text is None:
            raise ValidationError("not text")
        return text


class _Needed(_Text):
    """Text that must say something."""

    def _deserialize(self, value: Any, *args: Any, **options: Any) -> str:
        text = super()._deserialize(value, *args, **options).strip()
        if not text:
            raise ValidationError("is empty")
        return text


class _Yes(fields.Field[bool]):
    """What says that all is well."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not says_yes(value):
            raise ValidationError("does not say OK")
        return True


class _Tolerant(Schema):
    """Unknown fields pass. A field that is null counts as absent."""

    class Meta:
        unknown = EXCLUDE

    @pre_load
    def _without_nulls(self, document: Any, **_: Any) -> Any:
        if not isinstance(document, dict):
            return document
        return {name: value for name, value in document.items() if value is not None}


class _Accepted(_Tolerant):
    success = _Yes(required=True)
    uuid = _Needed(required=True)


class _Done(_Tolerant):
    status = _Yes(required=True)


class _MailingFields(_Tolerant):
    message_id = _Number(required=True)
    message_type = _Text(load_default="")
    message = _Text(load_default="")
    button_caption = _Text(load_default="")
    button_link = _Text(load_default="")
    image_file = _Text(load_default="")
    status = _Text(load_default="")
    d_create = _Text(load_default="")
    d_schedule = _Text(load_default="")
    cost = _Text(load_default="")


class _IncomingFields(_Tolerant):
    id = _Text(load_default="")
    phone = _Text(load_default="")
    message = _Text(load_default="")
    d_receiver = _Text(load_default="")


class _OneId(_Tolerant):
    message_id = _Number(required=True)

    @pre_load
    def _first_version(self, document: Any, **_: Any) -> Any:
        """The first version of the API calls the id `viber_id`."""
        if isinstance(document, dict) and is_nothing(document.get("message_id")):
            return {**document, "message_id": document.get("viber_id")}
        return document


class _CreatedFields(_OneId):
    count_subscribers = _Number(load_default=None)


class _QuickData(_Tolerant):
    phone = _Text(load_default="")
    status = _Text(load_default="")
    error_code = fields.Raw(load_default=0)


class _BulkElement(_Tolerant):
    name = _Text(load_default="")
    message_id = fields.Raw(load_default=None)
    alphaname_id = _Text(load_default="")
    success = fields.Raw(load_default=None)
    errors = fields.Raw(load_default=None)


def _load(schema: Schema, document: Any) -> dict[str, Any]:
    try:
        return cast(dict[str, Any], schema.load(document))
    except ValidationError as error:
        places = error.messages if isinstance(error.messages, list) else list(error.messages)
    # Only places: the values may be phones and texts.
    raise UnreadableError(", ".join(str(place)[:40] for place in places))


def _result(document: Any) -> Any:
    """What the second version of the API wraps into `result`; None if that is null or absent."""
    _load(_DONE, document)
    return document.get("result")


def _one(schema: Schema, document: Any) -> dict[str, Any]:
    result = _result(document)
    # A framework writes a single record as a list of one, or the other way round.
    return _load(schema, result[0] if isinstance(result, list) and len(result) == 1 else result)


def _rows(schema: Schema, document: Any, read: Callable[[dict[str, Any]], T | None]) -> Rows[T]:
    """The rows of a list that can be understood; `read` answers None for one that cannot."""
    raw = list_of(_result(document))
    found = Rows[T]()
    for row in raw:
        try:
            value = read(_load(schema, row))
        except UnreadableError:
            value = None
        if value is not None:
            found.append(value)
    found.unreadable = len(raw) - len(found)
    return found


def _bulk_status(document: Any, region: str) -> BulkStatus:
    elements = list_of(document.get("result", document) if isinstance(document, dict) else document)
    if not isinstance(document, (dict, list)):
        raise UnreadableError("not a list")
    mailings: list[BulkMailing] = []
    refusals: list[BulkRefusal] = []
    unreadable = 0
    for position, element in enumerate(elements):
        try:
            found = _load(_BULK_ELEMENT, element)
        except UnreadableError:
            unreadable += 1
            continue
        name, message_id = found["name"], number_of(found["message_id"])
        rows = DeliveryRows(list_of(found["success"]), region)
        texts = list(_reasons(found["errors"]))
        refusals += [BulkRefusal(text, name, message_id, position) for text in texts]
        # A mailing that is listed with errors and without recipients was refused.
        if rows.raw or not texts:
            mailings.append(BulkMailing(name, message_id, found["alphaname_id"], rows, position))
    return BulkStatus(tuple(mailings), tuple(refusals), unreadable, len(elements))


def _reasons(errors: Any, place: str = "", depth: int = 0) -> Iterator[str]:
    """The single errors of `errors`: a text, a list of them, or lists by name."""
    if isinstance(errors, dict) and depth < _MOST_NESTED:
        for name, inner in errors.items():
            yield from _reasons(inner, place if name.isdecimal() else name, depth + 1)
    elif isinstance(errors, list) and depth < _MOST_NESTED:
        for inner in errors:
            yield from _reasons(inner, place, depth + 1)
    elif not is_nothing(errors):
        text = text_of(errors) or "error"
        yield f"{place}: {text}" if place else text


def _mailing(found: Mapping[str, Any]) -> MailingData:
    cost, currency = _cost(found["cost"])
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
        currency=currency,
    )


def _cost(text: str) -> tuple[Decimal | None, str]:
    """`0.04900 EUR` as amount and currency; None where there is no amount."""
    match = re.fullmatch(r"\s*([0-9]{1,12}(?:[.,][0-9]{1,12})?)\s*([^\s=;]{0,12})\s*", text)
    return (Decimal(match[1].replace(",", ".")), match[2].upper()) if match else (None, "")


def _incoming(region: str) -> Callable[[dict[str, Any]], IncomingMessage | None]:
    def read(found: dict[str, Any]) -> IncomingMessage | None:
        reply_id, phone = found["id"].strip(), found["phone"].strip()
        if not (reply_id or (phone and found["message"])):
            return None
        return IncomingMessage(reply_id, spelled(phone, region) or "", found["message"], found["d_receiver"])

    return read


def _quick_status(document: Any, region: str) -> DeliveryRow:
    found = _one(_QUICK_DATA, document)
    phone = spelled(found["phone"], region) or ""
    return DeliveryRow(phone, word_of(found["status"]), None, number_of(found["error_code"]) or 0, None)


def _marked(document: Any) -> int | None:
    match = re.search(r"[0-9]{1,9}", text_of(_result(document)) or "")
    return int(match[0]) if match else None


def _created(document: Any) -> ListCreated:
    found = _one(_CREATED, document)
    return ListCreated(found["message_id"], found["count_subscribers"])


_MOST_NESTED: Final = 8
_ACCEPTED, _DONE, _ONE_ID, _CREATED = _Accepted(), _Done(), _OneId(), _CreatedFields()
_QUICK_DATA, _MAILING, _INCOMING, _BULK_ELEMENT = _QuickData(), _MailingFields(), _IncomingFields(), _BulkElement()

#: How the answer of each method is read, given the country of phones that are written without one. Each raises
#: UnreadableError for what is not that answer.
SCHEMAS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "sendBulkViber": lambda document, _: _load(_ACCEPTED, document)["uuid"],
    "statusBulkViber": _bulk_status,
    "sendQuickViberMessage": lambda document, _: _one(_ONE_ID, document)["message_id"],
    "getViberDeliveryData": _quick_status,
    "sendViberMessageList": lambda document, _: _created(document),
    "confirmViberMessage": lambda document, _: _load(_DONE, document) and None,
    "getViberMessages": lambda document, _: _rows(_MAILING, document, _mailing),
    "getViberMessageData": lambda document, _: _mailing(_one(_MAILING, document)),
    "getViberDeliveryList": lambda document, region: DeliveryRows(list_of(_result(document)), region),
    "getNewIncomingMessages": lambda document, region: _rows(_INCOMING, document, _incoming(region)),
    "readResponseStatus": lambda document, _: _marked(document),
}
