"""Jobs in: every rule of the gateway's contract is checked before anything is stored, all errors at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast

from marshmallow import ValidationError, fields, validates_schema

from campaigns.errors import JobError
from campaigns.jobs import BulkJob, Job, ListJob, Mailing, QuickJob
from campaigns.recipients import BUTTON_LINK_LENGTH, mobile_phone
from campaigns.schemas.aliases import Alias, without_token
from campaigns.schemas.fields import (
    CHECKING,
    Checking,
    DeliveryList,
    Flag,
    Image,
    Line,
    Link,
    Mailings,
    StrictSchema,
    Text,
    When,
    Whole,
    Word,
    messages,
)
from campaigns.schemas.paces import Pace
from campaigns.settings import DEFAULT_ACCOUNT, Settings
from campaigns.times import to_d_schedule
from campaigns.wellformed import oddities

_NAME_LENGTH = 255
_TOKEN = {"token": "is refused: a job names an account, never a token"}

#: Which fields a mailing's content must have, by type and message_type (sendBulkViber). No others may be there.
_CONTENT: Final = {
    ("text", "bulk"): {"text"},
    ("text", "personal"): set[str](),
    ("image", "bulk"): {"image_url"},
    ("button", "bulk"): {"text", "image_url", "caption", "button_link"},
    ("button", "personal"): {"image_url", "caption"},
}


def load_job(data: Mapping[str, Any], *, settings: Settings, now: datetime) -> Job:
    """The checked form of a job. Raises JobError with every error and its place. Consumes no lazy recipients."""
    if not isinstance(data, Mapping):
        raise JobError({"job": ["must be an object"]})
    kind = data.get("kind", "bulk")
    schema = _SCHEMAS.get(kind) if isinstance(kind, str) else None
    if schema is None:
        raise JobError({"kind": [f"must be one of {', '.join(_SCHEMAS)}"]})
    # What JSON or Redis could not carry is told first: the rules below would stumble over it.
    if tree := oddities(data):
        raise JobError(tree)
    token = CHECKING.set(
        Checking(
            settings,
            now,
            _is_set(data.get("literal_text")),
            kind == "quick" and _is_set(data.get("forwarding_message")),
        )
    )
    try:
        values = cast(dict[str, Any], schema.shared().load(dict(data)))
    except ValidationError as error:
        tree = cast(Any, error.messages)
    else:
        return _BUILDERS[kind](values, settings)
    finally:
        CHECKING.reset(token)
    raise JobError(tree)


def _is_set(flag: object) -> bool:
    return flag in (True, "1")


class _Content(StrictSchema):
    type = Word("text", "image", "button", required=True)
    text = Text()
    image_url = Link()
    caption = Text()
    button_link = Link(most=BUTTON_LINK_LENGTH)


class _Mailing(StrictSchema):
    alphaname_id = Whole(required=True)
    name = Line(most=_NAME_LENGTH)
    message_type = Word("personal", "bulk", required=True)
    schedule_time = When()
    content = fields.Nested(_Content, required=True, error_messages=messages("must be an object"))
    delivery_list = DeliveryList(required=True)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _content_fits(self, _data: Any, original: Any, **_: Any) -> None:
        content = original.get("content") if isinstance(original, Mapping) else None
        if not isinstance(content, Mapping):
            return
        kind = str(content.get("type")).casefold()
        message_type = str(original.get("message_type")).casefold()
        if (kind, message_type) == ("image", "personal"):
            raise ValidationError({"content": {"type": ["image is allowed only in a bulk mailing"]}})
        needed = _CONTENT.get((kind, message_type))
        if needed is None:
            return
        errors = {name: ["is missing"] for name in sorted(needed) if content.get(name) is None}
        for name in ("text", "image_url", "caption", "button_link"):
            if name in content and name not in needed:
                errors[name] = [_misplaced(name, kind, message_type)]
        if errors:
            raise ValidationError(cast(Any, {"content": errors}))


def _misplaced(name: str, kind: str, message_type: str) -> str:
    if message_type == "personal" and name in {"text", "button_link"}:
        return "belongs to each recipient in a personal mailing"
    return f"has no place in content of type {kind}"


class _Common(StrictSchema):
    REFUSED = _TOKEN

    kind = Word("bulk", "quick", "list")
    account = Alias(load_default=DEFAULT_ACCOUNT, error_messages=messages("must be an alias"))
    name = Line(most=_NAME_LENGTH, load_default=None)
    on_unknown = Word("hold", "resend", load_default=None)
    literal_text = Flag(load_default=False)
    max_recipients = Whole(load_default=None)
    rate, weight = Pace(load_default=None), Whole(1, 100, load_default=1)
    max_cost = fields.Decimal(
        load_default=None, allow_nan=False, error_messages=messages("must be an amount such as 12.50")
    )

    @validates_schema(skip_on_field_errors=False)
    def _amounts(self, data: Any, **_: Any) -> None:
        errors, cost = without_token(data.get("account")), data.get("max_cost")
        if isinstance(cost, Decimal) and cost <= 0:
            errors["max_cost"] = ["must be more than 0"]
        if errors:
            raise ValidationError(errors)


class _Bulk(_Common):
    callback_url = Link(load_default=None)
    messages = Mailings(
        fields.Nested(_Mailing, error_messages=messages("must be an object")),
        required=True,
        error_messages=messages("must be a list of mailings"),
    )

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _names_differ(self, _data: Any, original: Any, **_: Any) -> None:
        mailings = original.get("messages")
        if not isinstance(mailings, (list, tuple)):
            return
        if not mailings:
            raise ValidationError({"messages": ["must not be empty"]})
        seen: dict[str, int] = {}
        errors = {}
        nameless = _nameless(mailings)
        for number, mailing in enumerate(mailings):
            name = (mailing.get("name") if isinstance(mailing, Mapping) else None) or default_name(
                number, nameless, original.get("name")
            )
            if isinstance(name, str) and seen.setdefault(name, number) != number:
                errors[number] = {"name": [f"is the name of messages[{seen[name]}] too; errors come back by name"]}
        if errors:
            raise ValidationError(cast(Any, {"messages": errors}))


class _Message(_Common):
    """What sendQuickViberMessage and sendViberMessageList have in common."""

    vibername_id = Whole(required=True)
    type_message = Word("TEXT", "IMAGE", "BUTTON", load_default="TEXT")
    message = Text()
    image_url = Link()
    image = Image()
    button = Text()
    button_link = Link(most=BUTTON_LINK_LENGTH)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _content_fits(self, _data: Any, original: Any, **_: Any) -> None:
        kind = str(original.get("type_message", "TEXT")).upper()
        there = {name for name in ("message", "image_url", "image", "button", "button_link") if original.get(name)}
        errors: dict[str, list[str]] = {}
        if kind == "TEXT" and "message" not in there:
            errors["message"] = ["is missing: type_message is TEXT"]
        if kind == "IMAGE" and not there & {"image", "image_url"}:
            errors["image_url"] = ["is missing, and so is image: type_message is IMAGE"]
        if {"image", "image_url"} <= there:
            errors["image"] = ["give either image or image_url"]
        for name in ("button", "button_link"):
            if kind == "BUTTON" and name not in there:
                errors[name] = ["is missing: type_message is BUTTON"]
        allowed = {"TEXT": {"message"}, "IMAGE": {"image", "image_url", "message"}}.get(kind, there)
        for name in sorted(there - allowed):
            errors.setdefault(name, [f"has no place in a message of type {kind}"])
        if errors:
            raise ValidationError(cast(Any, errors))


class _Quick(_Message):
    phone = fields.Raw()
    delivery_list = DeliveryList()
    forwarding_message = Flag()
    forwarding_time = Whole(5, 60)
    alphaname_id = Whole()

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _recipients(self, _data: Any, original: Any, **_: Any) -> None:
        errors: dict[str, list[str]] = {}
        if ("phone" in original) == ("delivery_list" in original):
            errors["phone"] = ["give either phone or delivery_list"]
        elif "phone" in original:
            region = CHECKING.get().settings.phone_region
            if mobile_phone(original["phone"], region) is None:
                errors["phone"] = ["is not a mobile phone number"]
        if original.get("forwarding_message") not in (True, "1"):
            for name in ("forwarding_time", "alphaname_id"):
                if name in original:
                    errors[name] = ["is of use only with forwarding_message: 1"]
        if errors:
            raise ValidationError(cast(Any, errors))


class _List(_Message):
    list_id = Whole(required=True)
    d_schedule = When()


_SCHEMAS: Final[dict[str, type[StrictSchema]]] = {"bulk": _Bulk, "quick": _Quick, "list": _List}


def default_name(number: int, nameless: int, job_name: object = None) -> str:
    """The name of a mailing that has none: the job's, with a number if the job has `nameless` several of them."""
    if isinstance(job_name, str) and job_name.strip():
        return job_name if nameless == 1 else f"{job_name} {number + 1}"
    return f"mailing {number + 1}"


def _nameless(mailings: Iterable[Any]) -> int:
    return sum(not (isinstance(mailing, Mapping) and mailing.get("name")) for mailing in mailings)


def _common(values: Mapping[str, Any]) -> dict[str, Any]:
    same = ("account", "name", "on_unknown", "max_recipients", "max_cost", "literal_text", "weight")
    return {**{name: values[name] for name in same}, "spacing_ms": values["rate"]}


def _bulk(values: dict[str, Any], _settings: Settings) -> BulkJob:
    nameless = _nameless(values["messages"])
    mailings = tuple(
        Mailing(
            name=mailing.get("name") or default_name(number, nameless, values["name"]),
            alphaname_id=str(mailing["alphaname_id"]),
            message_type=mailing["message_type"],
            content=mailing["content"],
            schedule_ms=mailing.get("schedule_time"),
            delivery_list=mailing["delivery_list"],
        )
        for number, mailing in enumerate(values["messages"])
    )
    return BulkJob(mailings=mailings, callback_url=values["callback_url"], **_common(values))


def _form(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    fields_of_form = {"vibername_id": str(values["vibername_id"])}
    for name in ("type_message", "message", "image_url", "button", "button_link", *names):
        if values.get(name) is not None:
            value = values[name]
            fields_of_form[name] = str(int(value)) if isinstance(value, bool) else str(value)
    return fields_of_form


def _quick(values: dict[str, Any], _settings: Settings) -> QuickJob:
    form = _form(values, ("forwarding_message", "forwarding_time", "alphaname_id"))
    rows = values["delivery_list"] if "delivery_list" in values else [values["phone"]]
    return QuickJob(fields=form, image=values.get("image"), delivery_list=rows, **_common(values))


def _list(values: dict[str, Any], settings: Settings) -> ListJob:
    form = _form(values, ("list_id",))
    if values["name"]:
        form["name"] = values["name"]
    schedule_ms = values.get("d_schedule")
    if schedule_ms is not None:
        form["d_schedule"] = to_d_schedule(schedule_ms, settings.gateway_timezone)
    return ListJob(fields=form, image=values.get("image"), schedule_ms=schedule_ms, **_common(values))


_BUILDERS: Final[dict[str, Callable[[dict[str, Any], Settings], Job]]] = {"bulk": _bulk, "quick": _quick, "list": _list}
