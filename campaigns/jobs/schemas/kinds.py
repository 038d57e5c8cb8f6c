"""The schemas of the three kinds of job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from marshmallow import ValidationError, fields, validates_schema

from campaigns.jobs.schemas.canary_fields import CANARY_FIELDS
from campaigns.jobs.schemas.cap_fields import CAP_FIELDS
from campaigns.jobs.schemas.delivery_lists import DeliveryList, Mailings, row_shape
from campaigns.jobs.schemas.every_kind import EveryKind
from campaigns.jobs.schemas.fields import Flag, Kind, Link, Phone, Text, When, Whole, Word
from campaigns.jobs.schemas.images import Image
from campaigns.jobs.schemas.json_parts import PHONE_SHAPE, Shape, having, in_any_case, where
from campaigns.jobs.schemas.mailings import MailingSchema
from campaigns.jobs.schemas.strict import StrictSchema, about, messages
from campaigns.recipients import BUTTON_LINK_LENGTH, RowForm
from campaigns.settings import Settings
from campaigns.times.windows import RECIPIENT


class _Known(EveryKind):
    """One of the kinds of job; it recognises fields of the other kinds, which people mix up."""

    def elsewhere(self) -> dict[str, str]:
        """The names of any object, and those of fields of other kinds of job."""
        kinds: dict[str, list[str]] = {}
        for kind, schema in KINDS.items():
            for name in schema.shared().fields:
                kinds.setdefault(name, []).append(kind)
        others = {name: f"a job of kind {' or '.join(found)}" for name, found in kinds.items()}
        return others | super().elsewhere()


class BulkSchema(_Known):
    """Mailings for sendBulkViber: one message for many recipients, or a different one for each."""

    kind = Kind("bulk", load_default="bulk", metadata=about("The kind of job. A job without a kind is of this one."))
    callback_url = Link(
        load_default=None,
        metadata=about(
            "An address of yours that the gateway calls. The default, with the setting "
            "`CAMPAIGNS_CALLBACK_BASE_URL`, is that of `campaigns callbacks`.",
            gateway="Called with the outcome of the request once it has been processed.",
        ),
    )
    messages = Mailings(
        fields.Nested(MailingSchema, error_messages=messages("must be an object")),
        required=True,
        error_messages=messages("must be a list of mailings"),
        metadata=about(
            "The mailings, one or more.", gateway="It may refuse some mailings of a request and send the others."
        ),
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


class _Message(_Known):
    """The fields that sendQuickViberMessage and sendViberMessageList share."""

    vibername_id = Whole(
        required=True,
        metadata=about("The id of the sender's name at the gateway.", gateway="Its method getVibernames lists them."),
    )
    type_message = Word(
        "TEXT",
        "IMAGE",
        "BUTTON",
        load_default="TEXT",
        metadata=about("The type of the message.", gateway="TEXT if it is not given."),
    )
    message = Text(metadata=about("The text of the message. Needed for TEXT, optional for IMAGE and BUTTON."))
    image_url = Link(
        metadata=about(
            "The image's address, for IMAGE and BUTTON. IMAGE needs this or `image`.",
            gateway="It prefers an address to an image file.",
        )
    )
    image = Image(
        metadata=about(
            "The image itself, for IMAGE and BUTTON, instead of `image_url`: in JSON its bytes as base64. "
            "`enqueue` also takes a `pathlib.Path`, bytes or a binary file; in a file for `campaigns send` text is a "
            "path."
        )
    )
    button = Text(metadata=about("The text on the button. Needed for BUTTON."))
    button_link = Link(
        most=BUTTON_LINK_LENGTH,
        metadata=about(
            "The address that the button opens. Needed for BUTTON.",
            gateway=f"At most {BUTTON_LINK_LENGTH} characters, as sendBulkViber has it; other methods name no limit.",
        ),
    )

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

    def rules(self, settings: Settings) -> list[Shape]:
        either_image = {"anyOf": [having("image_url"), having("image")]}
        return [
            *super().rules(settings),
            where(_of_type("TEXT"), having("message", without=("image_url", "image", "button", "button_link"))),
            where(_of_type("IMAGE"), either_image | having(without=("button", "button_link"))),
            where(_of_type("BUTTON"), having("button", "button_link")),
            {"not": having("image_url", "image")},
        ]


def _of_type(name: str) -> Shape:
    """A message of this type. A message without a type is TEXT."""
    return having(*(() if name == "TEXT" else ("type_message",)), type_message=in_any_case(name))


class QuickSchema(_Message):
    """One message for one or several phones, with a request of sendQuickViberMessage for each phone."""

    kind = Kind("quick", required=True, metadata=about("The kind of job."))
    phone = Phone(
        error_messages=messages("is not a mobile phone number"),
        metadata=about("The recipient's phone. Give either this or `delivery_list`."),
    )
    delivery_list = DeliveryList(
        metadata=about(
            "The recipients' phones. Give either this or `phone`. `enqueue` also takes any iterable, or the path of a "
            "file of recipients."
        )
    )
    forwarding_message = Flag(
        metadata=about(
            "Whether the message goes out as SMS if it is not delivered in time.",
            gateway="1 or 0. The SMS is sent if the status is not Delivered within `forwarding_time`.",
        )
    )
    forwarding_time = Whole(
        5,
        60,
        metadata=about(
            "The minutes until the SMS. Only with `forwarding_message`.", gateway="5 to 60; 60 if it is not given."
        ),
    )
    alphaname_id = Whole(metadata=about("The id of the SMS sender's name. Only with `forwarding_message`."))

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _recipients(self, _data: Any, original: Any, **_: Any) -> None:
        errors: dict[str, list[str]] = {}
        if ("phone" in original) == ("delivery_list" in original):
            errors["phone"] = ["give either phone or delivery_list"]
        if original.get("forwarding_message") not in (True, "1"):
            for name in ("forwarding_time", "alphaname_id"):
                if name in original:
                    errors[name] = ["can only be used with forwarding_message: 1"]
        if errors:
            raise ValidationError(cast(Any, errors))

    def rules(self, settings: Settings) -> list[Shape]:
        row = row_shape(settings, RowForm())
        sms = {"maxLength": min(settings.text_length, settings.sms_text_length)}
        return [
            *super().rules(settings),
            {"oneOf": [having("phone"), having("delivery_list")]},
            having(delivery_list={"items": {"anyOf": [dict(PHONE_SHAPE), row]}}),
            where(
                having("forwarding_message", forwarding_message={"enum": [True, 1, "1"]}),
                having(message=sms, button=sms),
                having(without=("forwarding_time", "alphaname_id")),
            ),
        ]


class ListSchema(_Message):
    """A mailing to a list that the gateway keeps, for sendViberMessageList and confirmViberMessage.

    The mailing is created, compared with the limits of the job, and only then confirmed, which is the paid step.
    """

    kind = Kind("list", required=True, metadata=about("The kind of job."))
    list_id = Whole(
        required=True,
        metadata=about("The id of the list at the gateway.", gateway="Its method getSubscriberLists lists them."),
    )
    d_schedule = When(
        metadata=about(
            "When it goes out; at once if absent. It stays here until shortly before that time. A time without a "
            "zone is in the gateway's zone, the setting `CAMPAIGNS_GATEWAY_TIMEZONE`. Seconds are rounded up to a "
            "full minute.",
            gateway="Written `YYYY-MM-DD HH:MM`, without a zone.",
        )
    )

    def rules(self, settings: Settings) -> list[Shape]:
        """Also forbids a canary, a cap and recipients' zones, because only the gateway knows who is on the list."""
        neither = having(**{name: {"type": "null"} for name in (*CANARY_FIELDS, *CAP_FIELDS)})
        return [*super().rules(settings), having(send_zone={"not": {"const": RECIPIENT}}), neither]


#: The schema of each kind of job.
KINDS: Final[dict[str, type[StrictSchema]]] = {"bulk": BulkSchema, "quick": QuickSchema, "list": ListSchema}


def default_name(number: int, without: int, job_name: object = None) -> str:
    """The name for mailing `number` (from 0) that has none: the job's, with a number if several are `without` one."""
    if isinstance(job_name, str) and job_name.strip():
        return job_name if without == 1 else f"{job_name} {number + 1}"
    return f"mailing {number + 1}"


def nameless(mailings: Iterable[Any]) -> int:
    """How many mailings have no name."""
    return sum(not (isinstance(mailing, Mapping) and mailing.get("name")) for mailing in mailings)
