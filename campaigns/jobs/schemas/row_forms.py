"""The form of the rows of a mailing, judged from a mailing that is not checked yet. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campaigns.jobs.templates import Template
from campaigns.recipients import RowForm


def asked_columns(mailing: Any) -> set[str] | None:
    """The fields that a file of recipients needs for a mailing, without those that fill its texts."""
    form = row_form(mailing)
    return {name for name in form.fields if name != "values"} if form is not None else None


def asked_values(mailing: Any, *, literal: bool = False) -> tuple[str, ...] | None:
    """The names of the places in a mailing's texts; None if no values fill them."""
    form = row_form(mailing)
    if form is None or not form.templated:
        return None
    content = mailing["content"]
    text = Template.of_text(str(content["text"]), literal=literal)
    link = Template.of_link(str(content.get("button_link") or ""), literal=literal)
    return tuple(dict.fromkeys((*text.names, *link.names)))


def row_form(mailing: Any) -> RowForm | None:
    """The form of the rows; None if the mailing's own fields do not determine it.

    The mistake in the mailing is then reported once, and not again for every row.
    """
    if not isinstance(mailing, Mapping) or "messages" in mailing:
        return None
    if "message_type" not in mailing and "content" not in mailing and "vibername_id" in mailing:
        return RowForm()
    content = mailing.get("content")
    kind = str(content.get("type")).casefold() if isinstance(content, Mapping) else ""
    message_type = str(mailing.get("message_type")).casefold()
    if message_type not in {"personal", "bulk"} or kind not in {"text", "image", "button"}:
        return None
    if (message_type, kind) == ("personal", "image"):
        return None
    personal = message_type == "personal"
    return RowForm(personal, kind == "button", personal and content is not None and content.get("text") is not None)
