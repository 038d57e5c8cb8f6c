"""Rows: checks single elements of a delivery list. Pure."""

from __future__ import annotations

from types import NoneType
from typing import Any, NamedTuple

from campaigns.text import wellformed
from campaigns.text.unknown_fields import unknown_field
from campaigns.text.wellformed import TextRule, text_problem

BUTTON_LINK_LENGTH = 150
_UNKNOWN_MOST = 10
#: For callers that have no settings.
_ANY_TEXT = TextRule(1_000_000, literal=True)


class RowForm(NamedTuple):
    """The fields that the rows of a mailing have.

    `personal`: each row has a text of its own and, if `linked`, a link. `templated`: each has values instead, which
    fill the texts of the content.
    """

    personal: bool = False
    linked: bool = False
    templated: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that a row may have if it is an object."""
        if self.templated:
            return ("phone", "values")
        if not self.personal:
            return ("phone",)
        return ("phone", "text", "button_link") if self.linked else ("phone", "text")

    @property
    def needed(self) -> tuple[str, ...]:
        """The fields that it must have."""
        return ("phone",) if self.templated else self.fields

    @property
    def has_texts(self) -> bool:
        """Whether each row has the text that its recipient reads."""
        return self.personal and not self.templated


def row_problem(row: object, form: RowForm, *, text_rule: TextRule = _ANY_TEXT) -> dict[str, list[str]] | str | None:
    """The mistakes in a row of sendBulkViber's `delivery_list`: by field, as one reason for the whole row, or None.

    In a personal mailing the text and the button link belong to each recipient, in a bulk mailing to the content.
    """
    if isinstance(row, (str, int)) and not isinstance(row, bool):
        if form.has_texts:
            return "must be an object with phone and text in a personal mailing"
        return _phone_problem(row)
    if not isinstance(row, dict):
        return "must be a phone" + (" with a text: {phone, text}" if form.has_texts else "")
    errors: dict[str, list[str]] = {}
    phone = row.get("phone")
    if not isinstance(phone, (str, int)) or isinstance(phone, bool):
        errors["phone"] = ["is missing"]
    elif (problem := _phone_problem(phone)) is not None:
        errors["phone"] = [problem]
    allowed = form.fields
    for name in [name for name in row if name not in allowed][:_UNKNOWN_MOST]:
        errors[str(name)] = [_not_allowed(name, form)]
    if form.templated and not isinstance(row.get("values"), (dict, NoneType)):
        errors["values"] = ["must be an object such as {name: Anna}"]
    if form.has_texts:
        errors |= text_problems(row, text_rule)
        if form.linked and (problem := link_problem(row.get("button_link"))) is not None:
            errors["button_link"] = [problem]
    return errors or None


def _phone_problem(phone: str | int) -> str | None:
    """Why a phone cannot be stored, or None. Whether it is a valid phone is checked later."""
    if isinstance(phone, str):
        return text_problem(phone)
    return "is too large a number for a phone" if abs(phone) >= 2**63 else None


def text_problems(row: dict[str, Any], text_rule: TextRule = _ANY_TEXT) -> dict[str, list[str]]:
    """The mistakes in a row's text; empty if none."""
    text = row.get("text")
    if text is None:
        return {"text": ["is missing: in a personal mailing each recipient has one"]}
    if not isinstance(text, str) or not text.strip():
        return {"text": ["must be text that is not empty"]}
    problem = text_rule.problem(text)
    return {} if problem is None else {"text": [problem]}


def link_problem(link: object, most: int = BUTTON_LINK_LENGTH) -> str | None:
    """The mistake in a link, or None."""
    return "is missing" if link is None else wellformed.link_problem(link, most)


def _not_allowed(name: object, form: RowForm) -> str:
    if name in {"text", "button_link"} and form.templated:
        return "belongs to the content, or leave content.text out and give every recipient a text"
    if name == "button_link" and form.personal:
        return "belongs to mailings whose content is a button"
    if name in {"text", "button_link"}:
        return "belongs to the content in a bulk mailing"
    if name == "values":
        return "fills nothing here: it belongs to a personal mailing whose content has a text"
    return unknown_field(name, form.fields)
