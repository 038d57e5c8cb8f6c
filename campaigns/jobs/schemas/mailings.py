"""The schema of a mailing, which is one element of sendBulkViber's `messages`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from marshmallow import ValidationError, fields, validates_schema

from campaigns.jobs.schemas.delivery_lists import DeliveryList, row_shape
from campaigns.jobs.schemas.fields import Line, Link, LinkTemplate, Text, TextTemplate, When, Whole, Word
from campaigns.jobs.schemas.json_parts import PHONE_SHAPE, Shape, having, in_any_case, link_shape, where
from campaigns.jobs.schemas.strict import CHECKING, StrictSchema, about, messages
from campaigns.jobs.templates import Template, template_problem
from campaigns.recipients import BUTTON_LINK_LENGTH, RowForm, link_problem
from campaigns.settings import Settings

NAME_LENGTH: Final = 255

_CONTENT_FIELDS: Final = ("text", "image_url", "caption", "button_link")
#: The fields that the content must have, by type and message_type (sendBulkViber); others are refused. In a personal
#: mailing whose content has a text, the content is that of a bulk mailing, and recipients have values that fill it.
_CONTENT: Final = {
    ("text", "bulk"): {"text"},
    ("text", "personal"): set[str](),
    ("image", "bulk"): {"image_url"},
    ("button", "bulk"): {"text", "image_url", "caption", "button_link"},
    ("button", "personal"): {"image_url", "caption"},
}


class ContentSchema(StrictSchema):
    """The message that the recipients of a mailing see."""

    type = Word(
        "text",
        "image",
        "button",
        required=True,
        metadata=about("The type, which decides on the other fields.", gateway="`image` only in a bulk mailing."),
    )
    text = TextTemplate(
        metadata=about(
            "The text for all recipients. Needed in a bulk mailing of type `text` or `button`. In a personal mailing "
            "it is a template: `Hello {name|friend}, you have {points} points` takes `name` and `points` from each "
            "recipient's `values`, or from the columns of a file, and `friend` if there is no name. The filled text "
            "must keep to the limit `CAMPAIGNS_TEXT_LENGTH`. Without it, each recipient has a text of their own."
        )
    )
    image_url = Link(
        metadata=about(
            "The address of the image. Needed for the types `image` and `button`.",
            gateway="The address must be public. The gateway may refuse some sizes; it recommends 800x800 pixels.",
        )
    )
    caption = Text(metadata=about("The text on the button. Needed for the type `button`."))
    button_link = LinkTemplate(
        most=BUTTON_LINK_LENGTH,
        metadata=about(
            "The address that the button opens. Needed with `text` in content of type `button`. In a personal "
            "mailing it is a template too: the value in `https://example.com/{code}` is percent-encoded, except for "
            "a place at the beginning of the address. Without `text`, each recipient has a link of their own.",
            gateway=f"At most {BUTTON_LINK_LENGTH} characters.",
        ),
    )


class MailingSchema(StrictSchema):
    """One mailing: its sender, content and recipients."""

    alphaname_id = Whole(required=True, metadata=about("The id of the sender's name at the gateway."))
    name = Line(
        most=NAME_LENGTH,
        metadata=about(
            "The name of the mailing. The default is the job's name, with a number if several mailings have none.",
            gateway="It reports errors by this name, so the mailings of a job must have different ones.",
        ),
    )
    message_type = Word(
        "personal",
        "bulk",
        required=True,
        metadata=about("`bulk`: all recipients get the same; `personal`: each recipient has a text of their own."),
    )
    schedule_time = When(
        metadata=about(
            "When it goes out; at once if absent. It stays here until shortly before that time. A time without a "
            "zone is in the gateway's zone, the setting `CAMPAIGNS_GATEWAY_TIMEZONE`.",
            gateway="Written `YYYY-MM-DDTHH:mm:ss`, without a zone.",
        )
    )
    content = fields.Nested(
        ContentSchema,
        required=True,
        error_messages=messages("must be an object"),
        metadata=about("The message."),
    )
    delivery_list = DeliveryList(
        required=True,
        metadata=about(
            "The recipients: phones, or objects with the fields of a recipient. `enqueue` also takes any iterable, "
            "or the path of a file of recipients."
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
        personal = message_type == "personal"
        templated = personal and content.get("text") is not None
        errors = _text_problems(content, templated=templated)
        needed = _CONTENT.get((kind, "bulk" if templated else message_type))
        if needed is not None:
            errors |= {name: ["is missing"] for name in sorted(needed) if content.get(name) is None}
            unfit = [name for name in _CONTENT_FIELDS if name in content and name not in needed]
            errors |= {name: [_misplaced(name, kind, personal=personal)] for name in unfit}
        if errors:
            raise ValidationError(cast(Any, {"content": errors}))

    def rules(self, settings: Settings) -> list[Shape]:
        image_to_persons = where(_form("image", "personal"), having(content=having(type=False)))
        templates = [_template_rule(settings, kind) for kind, message_type in _CONTENT if message_type == "personal"]
        return [image_to_persons, *(_rule(settings, *form) for form in _CONTENT), *templates]


def _text_problems(content: Mapping[Any, Any], *, templated: bool) -> dict[str, list[str]]:
    """The mistakes in the text and the link of a content, which may be templates."""
    rule, found = CHECKING.get().text_rule, dict[str, str | None]()
    text, link = content.get("text"), content.get("button_link")
    fills = templated and not rule.literal
    if isinstance(text, str):
        template = Template.of_text(text, literal=not fills)
        if not template.places:
            found["text"] = template_problem(text) if fills else None
            found["text"] = found["text"] or rule.problem(text)
        else:
            found["text"] = rule.template_problem("".join(template.pieces)) or template_problem(text)
    if isinstance(link, str):
        template = Template.of_link(link, literal=not fills)
        found["button_link"] = template_problem(link) if template.places else link_problem(link)
    return {name: [problem] for name, problem in found.items() if problem is not None}


def _form(kind: str, message_type: str) -> Shape:
    """A mailing of this type and message_type."""
    content = having("type", type=in_any_case(kind))
    return having("content", "message_type", content=content, message_type=in_any_case(message_type))


def _rule(settings: Settings, kind: str, message_type: str) -> Shape:
    """The rule for the content and the rows of such a mailing."""
    personal = message_type == "personal"
    row = row_shape(settings, RowForm(personal, linked=kind == "button"))
    if personal:
        own_texts = {"allOf": [_form(kind, message_type), {"not": having(content=having("text"))}]}
        return where(own_texts, having(content=_content(kind, message_type), delivery_list={"items": row}))
    texts = having(text={"maxLength": settings.text_length}, button_link=link_shape(BUTTON_LINK_LENGTH))
    content = {"allOf": [_content(kind, message_type), texts]}
    rows = {"anyOf": [dict(PHONE_SHAPE), row]}
    return where(_form(kind, message_type), having(content=content, delivery_list={"items": rows}))


def _template_rule(settings: Settings, kind: str) -> Shape:
    """The rule for a personal mailing whose content has a text."""
    of_values = {"allOf": [_form(kind, "personal"), having(content=having("text"))]}
    rows = {"anyOf": [dict(PHONE_SHAPE), row_shape(settings, RowForm(personal=True, templated=True))]}
    return where(of_values, having(content=_content(kind, "bulk"), delivery_list={"items": rows}))


def _content(kind: str, message_type: str) -> Shape:
    needed = _CONTENT[kind, message_type]
    return having(*sorted(needed), without=[name for name in _CONTENT_FIELDS if name not in needed])


def _misplaced(name: str, kind: str, *, personal: bool) -> str:
    if personal and name == "button_link":
        return "belongs to each recipient in a personal mailing, unless the content has a text"
    return f"has no place in content of type {kind}"
