"""What the rows of a mailing consist of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def asked_columns(mailing: Any) -> set[str] | None:
    """Which fields a file of recipients has to have for a mailing."""
    form = row_form(mailing)
    if form is None:
        return None
    personal, linked = form
    return {"phone"} | ({"text"} if personal else set()) | ({"button_link"} if personal and linked else set())


def row_form(mailing: Any) -> tuple[bool, bool] | None:
    """Whether the rows are personal, and whether they carry a link; None if the mailing does not say what it is.

    What is wrong with the mailing is told then, and not once more for every row.
    """
    if not isinstance(mailing, Mapping) or "messages" in mailing:
        return None
    if "message_type" not in mailing and "content" not in mailing and "vibername_id" in mailing:
        return False, False
    content = mailing.get("content")
    kind = str(content.get("type")).casefold() if isinstance(content, Mapping) else ""
    message_type = str(mailing.get("message_type")).casefold()
    if message_type not in {"personal", "bulk"} or kind not in {"text", "image", "button"}:
        return None
    if (message_type, kind) == ("personal", "image"):
        return None
    return message_type == "personal", kind == "button"
