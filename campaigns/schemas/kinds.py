"""The schemas of the three kinds of job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, cast

from marshmallow import ValidationError, fields, validates_schema

from campaigns.recipients import BUTTON_LINK_LENGTH, mobile_phone
from campaigns.schemas.aliases import Alias, without_token
from campaigns.schemas.delivery_lists import DeliveryList, Mailings
from campaigns.schemas.fields import CorrelationId, Flag, Key, Line, Link, Text, When, Whole, Word
from campaigns.schemas.images import Image
from campaigns.schemas.mailings import NAME_LENGTH, MailingSchema
from campaigns.schemas.paces import Pace
from campaigns.schemas.strict import CHECKING, StrictSchema, messages
from campaigns.settings import DEFAULT_ACCOUNT

_TOKEN = {"token": "is refused: a job names an account, never a token"}


class _Common(StrictSchema):
    REFUSED = _TOKEN

    kind = Word("bulk", "quick", "list")
    account = Alias(load_default=DEFAULT_ACCOUNT, error_messages=messages("must be an alias"))
    name = Line(most=NAME_LENGTH, load_default=None)
    key = Key(load_default=None)
    correlation_id = CorrelationId(load_default=None)
    on_unknown = Word("hold", "resend", load_default=None)
    literal_text = Flag(load_default=False)
    max_recipients = Whole(load_default=None)
    rate, weight = Pace(load_default=None), Whole(1, 100, load_default=1)
    max_cost = fields.Decimal(
        load_default=None, allow_nan=False, error_messages=messages("must be an amount such as 12.50")
    )

    def elsewhere(self) -> dict[str, str]:
        """As of any object, and the names that other kinds of job have."""
        kinds: dict[str, list[str]] = {}
        for kind, schema in KINDS.items():
            for name in schema.shared().fields:
                kinds.setdefault(name, []).append(kind)
        others = {name: f"a job of kind {' or '.join(having)}" for name, having in kinds.items()}
        return others | super().elsewhere()

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
        fields.Nested(MailingSchema, error_messages=messages("must be an object")),
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
        without = nameless(mailings)
        for number, mailing in enumerate(mailings):
            name = (mailing.get("name") if isinstance(mailing, Mapping) else None) or default_name(
                number, without, original.get("name")
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


#: The schema of each kind of job.
KINDS: Final[dict[str, type[StrictSchema]]] = {"bulk": _Bulk, "quick": _Quick, "list": _List}


def default_name(number: int, without: int, job_name: object = None) -> str:
    """The name of a mailing that has none: the job's, with a number if several mailings are `without` a name."""
    if isinstance(job_name, str) and job_name.strip():
        return job_name if without == 1 else f"{job_name} {number + 1}"
    return f"mailing {number + 1}"


def nameless(mailings: Iterable[Any]) -> int:
    """How many mailings have no name."""
    return sum(not (isinstance(mailing, Mapping) and mailing.get("name")) for mailing in mailings)
