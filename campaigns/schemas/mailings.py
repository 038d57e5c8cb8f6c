"""The schema of a mailing, which is one element of sendBulkViber's `messages`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from marshmallow import ValidationError, fields, validates_schema

from campaigns.recipients import BUTTON_LINK_LENGTH
from campaigns.schemas.delivery_lists import DeliveryList, row_shape
from campaigns.schemas.fields import Line, Link, Text, When, Whole, Word
from campaigns.schemas.json_parts import PHONE_SHAPE, Shape, having, in_any_case, where
from campaigns.schemas.strict import StrictSchema, about, messages
from campaigns.settings import Settings

NAME_LENGTH: Final = 255

_CONTENT_FIELDS: Final = ("text", "image_url", "caption", "button_link")
#: Which of them a mailing's content must have, by type and message_type (sendBulkViber). No others may be there.
_CONTENT: Final = {
    ("text", "bulk"): {"text"},
    ("text", "personal"): set[str](),
    ("image", "bulk"): {"image_url"},
    ("button", "bulk"): {"text", "image_url", "caption", "button_link"},
    ("button", "personal"): {"image_url", "caption"},
}


class ContentSchema(StrictSchema):
    """What the recipients of a mailing see."""

    type = Word(
        "text",
        "image",
        "button",
        required=True,
        metadata=about("Which of the other fields there are.", gateway="`image` only in a bulk mailing."),
    )
    text = Text(
        metadata=about(
            "What everybody reads. Needed in a bulk mailing of type `text` or `button`; in a personal mailing each "
            "recipient has one instead."
        )
    )
    image_url = Link(
        metadata=about(
            "The image. Needed for the types `image` and `button`.",
            gateway="The address must be open to the public. The gateway may refuse the size: it names 800x800 pixels "
            "as the best.",
        )
    )
    caption = Text(metadata=about("What stands on the button. Needed for the type `button`."))
    button_link = Link(
        most=BUTTON_LINK_LENGTH,
        metadata=about(
            "Where the button leads. Needed in a bulk mailing of type `button`; in a personal mailing each recipient "
            "has one instead.",
            gateway=f"At most {BUTTON_LINK_LENGTH} characters.",
        ),
    )


class MailingSchema(StrictSchema):
    """One mailing: what is sent, from whom and to whom."""

    alphaname_id = Whole(required=True, metadata=about("The id of the sender's name at the gateway."))
    name = Line(
        most=NAME_LENGTH,
        metadata=about(
            "What the mailing is called. Without it, it takes the job's name, with a number where several have none.",
            gateway="Errors come back by this name, so no two mailings of a job may share one.",
        ),
    )
    message_type = Word(
        "personal",
        "bulk",
        required=True,
        metadata=about("`bulk`: everybody gets the same; `personal`: each recipient has a text of their own."),
    )
    schedule_time = When(
        metadata=about(
            "When it goes out; at once without it. It stays here until shortly before. A time without a zone is in "
            "the gateway's, the setting `CAMPAIGNS_GATEWAY_TIMEZONE`.",
            gateway="Written `YYYY-MM-DDTHH:mm:ss`, without a zone.",
        )
    )
    content = fields.Nested(
        ContentSchema,
        required=True,
        error_messages=messages("must be an object"),
        metadata=about("What is sent."),
    )
    delivery_list = DeliveryList(
        required=True,
        metadata=about(
            "Who gets it: phones, or objects with the fields of a recipient. `enqueue` takes any iterable, and a path "
            "to a file of recipients."
        ),
    )

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
        for name in _CONTENT_FIELDS:
            if name in content and name not in needed:
                errors[name] = [_misplaced(name, kind, message_type)]
        if errors:
            raise ValidationError(cast(Any, {"content": errors}))

    def rules(self, settings: Settings) -> list[Shape]:
        image_to_persons = where(_form("image", "personal"), having(content=having(type=False)))
        return [image_to_persons, *(_rule(settings, *form) for form in _CONTENT)]


def _form(kind: str, message_type: str) -> Shape:
    """A mailing of this type and message_type."""
    content = having("type", type=in_any_case(kind))
    return having("content", "message_type", content=content, message_type=in_any_case(message_type))


def _rule(settings: Settings, kind: str, message_type: str) -> Shape:
    """What its content has to have and its rows have to be."""
    needed = _CONTENT[kind, message_type]
    content = having(*sorted(needed), without=[name for name in _CONTENT_FIELDS if name not in needed])
    personal = message_type == "personal"
    row = row_shape(settings, personal=personal, linked=kind == "button")
    rows = row if personal else {"anyOf": [dict(PHONE_SHAPE), row]}
    return where(_form(kind, message_type), having(content=content, delivery_list={"items": rows}))


def _misplaced(name: str, kind: str, message_type: str) -> str:
    if message_type == "personal" and name in {"text", "button_link"}:
        return "belongs to each recipient in a personal mailing"
    return f"has no place in content of type {kind}"
