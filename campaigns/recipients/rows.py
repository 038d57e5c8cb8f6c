"""Rows: what is wrong with one element of a delivery list. Pure."""

from __future__ import annotations

from typing import Any

from campaigns import wellformed
from campaigns.unknown_fields import unknown_field
from campaigns.wellformed import TextRule, text_problem

BUTTON_LINK_LENGTH = 150
_UNKNOWN_MOST = 10
#: For a caller who does not know the settings.
_ANY_TEXT = TextRule(1_000_000, literal=True)


def row_problem(
    row: object, *, personal: bool, linked: bool, text_rule: TextRule = _ANY_TEXT
) -> dict[str, list[str]] | str | None:
    """What is wrong with a row of sendBulkViber's `delivery_list`, if anything: by field, or as a whole.

    In a personal mailing text and button link belong to each recipient, in a bulk mailing to the content.
    """
    if isinstance(row, (str, int)) and not isinstance(row, bool):
        if personal:
            return "must be an object with phone and text in a personal mailing"
        return _phone_problem(row)
    if not isinstance(row, dict):
        return "must be a phone" + (" with a text: {phone, text}" if personal else "")
    errors: dict[str, list[str]] = {}
    phone = row.get("phone")
    if not isinstance(phone, (str, int)) or isinstance(phone, bool):
        errors["phone"] = ["is missing"]
    elif (problem := _phone_problem(phone)) is not None:
        errors["phone"] = [problem]
    allowed = row_fields(personal=personal, linked=linked)
    for name in [name for name in row if name not in allowed][:_UNKNOWN_MOST]:
        errors[str(name)] = [_not_allowed(name, allowed, personal=personal)]
    if personal:
        errors |= text_problems(row, text_rule)
        if linked and (problem := link_problem(row.get("button_link"))) is not None:
            errors["button_link"] = [problem]
    return errors or None


def row_fields(*, personal: bool, linked: bool) -> tuple[str, ...]:
    """The fields of a row that is an object."""
    if not personal:
        return ("phone",)
    return ("phone", "text", "button_link") if linked else ("phone", "text")


def _phone_problem(phone: str | int) -> str | None:
    """Why what stands for a phone cannot even be written down; whether it is a phone is asked later."""
    if isinstance(phone, str):
        return text_problem(phone)
    return "is no phone: too large a number" if abs(phone) >= 2**63 else None


def text_problems(row: dict[str, Any], text_rule: TextRule = _ANY_TEXT) -> dict[str, list[str]]:
    """What is wrong with a row's text."""
    text = row.get("text")
    if text is None:
        return {"text": ["is missing: in a personal mailing each recipient has one"]}
    if not isinstance(text, str) or not text.strip():
        return {"text": ["must be text that is not empty"]}
    problem = text_rule.problem(text)
    return {} if problem is None else {"text": [problem]}


def link_problem(link: object, most: int = BUTTON_LINK_LENGTH) -> str | None:
    """What is wrong with a link, if anything."""
    return "is missing" if link is None else wellformed.link_problem(link, most)


def _not_allowed(name: object, allowed: tuple[str, ...], *, personal: bool) -> str:
    if name == "button_link" and personal:
        return "belongs to mailings whose content is a button"
    if name in {"text", "button_link"}:
        return "belongs to the content in a bulk mailing"
    return unknown_field(name, allowed)
