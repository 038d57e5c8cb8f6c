"""The schema of a mailing, which is one element of sendBulkViber's `messages`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from marshmallow import ValidationError, fields, validates_schema

from campaigns.recipients import BUTTON_LINK_LENGTH
from campaigns.schemas.delivery_lists import DeliveryList
from campaigns.schemas.fields import Line, Link, Text, When, Whole, Word
from campaigns.schemas.strict import StrictSchema, messages

NAME_LENGTH: Final = 255

#: Which fields a mailing's content must have, by type and message_type (sendBulkViber). No others may be there.
_CONTENT: Final = {
    ("text", "bulk"): {"text"},
    ("text", "personal"): set[str](),
    ("image", "bulk"): {"image_url"},
    ("button", "bulk"): {"text", "image_url", "caption", "button_link"},
    ("button", "personal"): {"image_url", "caption"},
}


class ContentSchema(StrictSchema):
    type = Word("text", "image", "button", required=True)
    text = Text()
    image_url = Link()
    caption = Text()
    button_link = Link(most=BUTTON_LINK_LENGTH)


class MailingSchema(StrictSchema):
    alphaname_id = Whole(required=True)
    name = Line(most=NAME_LENGTH)
    message_type = Word("personal", "bulk", required=True)
    schedule_time = When()
    content = fields.Nested(ContentSchema, required=True, error_messages=messages("must be an object"))
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
