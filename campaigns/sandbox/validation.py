"""The contract's rules on what a message may hold. Pure."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from campaigns.sandbox.models import Content, Refusal
from campaigns.sandbox.parameters import Parameters

BUTTON_LINK_LENGTH: Final = 150
#: A picture address that ends like this stands for a picture of the wrong size.
WRONG_SIZE: Final = "wrong-size.jpg"

_PHONE = re.compile(r"[1-9][0-9]{8,14}")


class Invalid(Exception):  # noqa: N818 - a finding about the caller's data, not an error of the sandbox
    """A mistake in a mailing, in the gateway's words."""


@dataclass(frozen=True, slots=True)
class BulkMailing:
    """One element of sendBulkViber's `messages` that keeps the rules."""

    name: str
    alphaname_id: int
    content: Content
    phones: array[int]
    texts: Sequence[str] | None
    links: Sequence[str] | None
    schedule_ms: int | None


def phone_number(value: Any) -> int:
    """Digits with country code. Raises Invalid for anything else."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if _PHONE.fullmatch(text) is None:
        raise Invalid("Phone is not valid")
    return int(text)


def is_url(text: Any) -> bool:
    """Whether it is an http or https address with a host."""
    if not isinstance(text, str) or any(character.isspace() for character in text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


def read_time(text: str, layout: str, zone: ZoneInfo) -> int:
    """A time without zone as Unix milliseconds. Raises Invalid when it has another layout."""
    try:
        return round(datetime.strptime(text, layout).replace(tzinfo=zone).timestamp() * 1000)
    except ValueError:
        raise Invalid("Schedule time is not valid") from None


def read_bulk(message: Any, name: str, zone: ZoneInfo) -> BulkMailing:
    """sendBulkViber: one mailing. Raises Invalid with what statusBulkViber will say about it."""
    if not isinstance(message, dict):
        raise Invalid("Message is not valid")
    kind, content = message.get("message_type"), message.get("content")
    if kind not in {"bulk", "personal"}:
        raise Invalid("Message type is not valid")
    if not isinstance(content, dict) or content.get("type") not in {"text", "image", "button"}:
        raise Invalid("Content type is not valid")
    alphaname = str(message.get("alphaname_id", ""))
    if not alphaname.isascii() or not alphaname.isdigit() or len(alphaname) > 18:
        raise Invalid("Alphaname is not valid")
    rows = message.get("delivery_list")
    if not isinstance(rows, list) or not rows:
        raise Invalid("Delivery list is empty")
    schedule = message.get("schedule_time")
    schedule_ms = read_time(str(schedule), "%Y-%m-%dT%H:%M:%S", zone) if schedule else None
    personal = kind == "personal"
    shown = _bulk_content(content, personal)
    texts: list[str] | None = None
    links: list[str] | None = None
    if personal:
        texts, links = _personal_parts(rows, shown.type)
        rows = [row.get("phone") for row in rows]
    phones = array("Q", map(phone_number, rows))
    return BulkMailing(name, int(alphaname), shown, phones, texts, links, schedule_ms)


def _bulk_content(content: dict[str, Any], personal: bool) -> Content:
    kind = content["type"]
    image_url = content.get("image_url") or ""
    if kind == "image" and personal:
        raise Invalid("Image can only be used with message type bulk")
    if kind in {"image", "button"}:
        _check_picture(image_url)
    if kind == "button" and not content.get("caption"):
        raise Invalid("Button caption is required")
    if not personal:
        if kind != "image" and not content.get("text"):
            raise Invalid("Text is required")
        if kind == "button":
            _check_link(content.get("button_link"))
    return Content(
        kind.upper(),
        "" if personal else str(content.get("text") or ""),
        str(image_url) if kind != "text" else "",
        str(content.get("caption") or "") if kind == "button" else "",
        str(content.get("button_link") or "") if kind == "button" and not personal else "",
    )


def _personal_parts(rows: list[Any], kind: str) -> tuple[list[str], list[str] | None]:
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not row["text"]:
            raise Invalid("Text is required")
        if kind == "BUTTON":
            _check_link(row.get("button_link"))
    links = [row["button_link"] for row in rows] if kind == "BUTTON" else None
    return [row["text"] for row in rows], links


def _check_picture(url: Any) -> None:
    if not is_url(url):
        raise Invalid("Content url is not valid")
    if url.endswith(WRONG_SIZE):
        raise Invalid("Optimal image size 800x800 px")


def _check_link(link: Any) -> None:
    if not is_url(link):
        raise Invalid("Button link is not valid")
    if len(link) > BUTTON_LINK_LENGTH:
        raise Invalid(f"Button link is longer than {BUTTON_LINK_LENGTH} characters")


def read_form(parameters: Parameters) -> Content:
    """The content of sendQuickViberMessage and sendViberMessageList. Raises Refusal."""
    kind = parameters.text("type_message", "TEXT")
    if kind not in {"TEXT", "IMAGE", "BUTTON"}:
        raise Refusal("The type_message must be TEXT, IMAGE or BUTTON")
    text = parameters.text("message", None if kind == "TEXT" else "")
    image_url, upload = parameters.text("image_url", ""), parameters.uploads.get("image")
    button = parameters.text("button", None if kind == "BUTTON" else "")
    link = parameters.text("button_link", None if kind == "BUTTON" else "")
    if kind == "IMAGE" and not image_url and upload is None:
        raise Refusal("The image_url or image field is required")
    try:
        if image_url:
            _check_picture(image_url)
        if kind == "BUTTON":
            _check_link(link)
    except Invalid as invalid:
        raise Refusal(str(invalid)) from None
    return Content(kind, text, image_url, button, link, upload)
