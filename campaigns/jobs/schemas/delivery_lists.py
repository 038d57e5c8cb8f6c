"""The long lists of a job: its mailings, and the recipients of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from marshmallow import ValidationError, fields

from campaigns.jobs.schemas.json_parts import PHONE_SHAPE, Shape, link_shape, text_shape
from campaigns.jobs.schemas.row_forms import asked_columns, asked_values, row_form
from campaigns.jobs.schemas.strict import CHECKING, ERRORS_CAP, about, messages
from campaigns.recipients import BUTTON_LINK_LENGTH, RecipientFile, RowForm, row_problem
from campaigns.settings import Settings
from campaigns.text.wellformed import text_problem

#: The most mailings in a job. A job with more is probably a mistake, such as one mailing per recipient.
MAILINGS_MOST: Final = 10_000


#: The fields of a row that is an object.
ROW_FIELDS: Final = {
    "phone": about(
        "The phone, in any usual spelling.", gateway="Digits with the country's code, such as 375291111111."
    ),
    "text": about(
        "The text for this recipient. Needed in, and only allowed in, personal mailings without a content text."
    ),
    "button_link": about(
        "The button's link for this recipient. Needed with `text` if the content is of type `button`, and only allowed "
        "there.",
        gateway=f"At most {BUTTON_LINK_LENGTH} characters.",
    ),
    "values": about(
        "Values for the places of the content's text, by name: `{name: Anna, points: 150}`. Only allowed in a personal "
        "mailing whose content has a text. A recipient without a value that the text needs is excluded."
    ),
}


def row_shape(settings: Settings, form: RowForm) -> Shape:
    """The shape of a row that is an object. If rows have texts, every row must be an object."""
    return _row_shape(settings, form.fields, form.needed)


def _row_shape(settings: Settings, names: Iterable[str], needed: Iterable[str]) -> Shape:
    shapes = {
        "phone": dict(PHONE_SHAPE),
        "text": text_shape(settings.text_length),
        "button_link": link_shape(BUTTON_LINK_LENGTH),
        # Values are checked when they are filled in, and a recipient with unusable ones is excluded.
        "values": {"type": ["object", "null"]},
    }
    return {
        "type": "object",
        "properties": {name: {"description": ROW_FIELDS[name]["means"], **shapes[name]} for name in names},
        "required": list(needed),
        "additionalProperties": False,
    }


def any_row_shape(settings: Settings) -> Shape:
    """The shape of a row that is an object, in any mailing."""
    return _row_shape(settings, ROW_FIELDS, ("phone",))


class DeliveryList(fields.Field[Iterable[Any]]):
    """The recipients of a mailing. A list is checked here, in one loop; other iterables are checked while planned.

    A schema for each row would take about ten times as long.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(error_messages=messages("must be a list of recipients"), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Iterable[Any]:  # noqa: ARG002
        if isinstance(value, (Path, RecipientFile)):
            file = RecipientFile(value) if isinstance(value, Path) else value
            checking = CHECKING.get()
            values = asked_values(data, literal=checking.literal)
            return file.asking(asked_columns(data), checking.settings.phone_region, values)
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise ValidationError("must be a list of recipients")
        if not isinstance(value, (list, tuple)):
            return value
        if not value:
            raise ValidationError("must not be empty")
        form = row_form(data)
        if form is None:
            return value
        if not form.has_texts and set(map(type, value)) == {str} and text_problem("".join(value)) is None:
            return value
        self._check(value, form)
        return value

    def shape(self, settings: Settings) -> Shape:
        return {"type": "array", "minItems": 1, "items": {"anyOf": [dict(PHONE_SHAPE), any_row_shape(settings)]}}

    def _check(self, rows: Iterable[Any], form: RowForm) -> None:
        errors: dict[Any, Any] = {}
        further, text_rule = 0, CHECKING.get().text_rule
        for number, row in enumerate(rows):
            problem = row_problem(row, form, text_rule=text_rule)
            if problem is None:
                continue
            if len(errors) < ERRORS_CAP:
                errors[number] = [problem] if isinstance(problem, str) else problem
            else:
                further += 1
        if further:
            errors["_schema"] = [f"and {further} more rows with mistakes"]
        if errors:
            raise ValidationError(cast(Any, errors))


class Mailings(fields.List[Any]):
    """A list of mailings, short enough to be checked while a caller waits."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> list[Any]:
        if isinstance(value, (list, tuple)):
            if len(value) > MAILINGS_MOST:
                raise ValidationError(f"has {len(value):,} mailings, more than {MAILINGS_MOST:,}")
            wrong = [n for n, one in enumerate(value) if not isinstance(one, Mapping)]
            if len(wrong) > ERRORS_CAP:
                raise ValidationError(cast(Any, {n: ["must be an object"] for n in wrong[:ERRORS_CAP]}))
        return super()._deserialize(value, attr, data, **more)
