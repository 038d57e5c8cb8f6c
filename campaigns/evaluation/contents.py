"""What each mailing of a campaign sends, as its job says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from campaigns.ledger import Campaign


@dataclass(frozen=True, slots=True)
class Content:
    """What a mailing sends; what it does not have is empty.

    `type` is `text`, `image` or `button`. `text` is the text or the template; a `personal` mailing without one sends
    each recipient a text of their own. `image` is an address, or `file` where the job has an image file. `button` is
    the text on the button, `link` the address that it opens.
    """

    type: str
    message_type: str
    text: str = field(repr=False)
    image: str
    button: str
    link: str


def contents_of(campaign: Campaign) -> list[tuple[str, Content]]:
    """The name and the content of each mailing, in the order of the job. A mailing without a name has the
    campaign's."""
    job = campaign.job
    if "messages" in job:
        return [(str(found["name"]), _of_mailing(found)) for found in job["messages"]]
    return [(campaign.name, _of_message(job))]


def _of_mailing(mailing: Mapping[str, Any]) -> Content:
    content = mailing["content"]
    return Content(
        type=str(content.get("type", "")).lower(),
        message_type=str(mailing["message_type"]),
        text=content.get("text", ""),
        image=content.get("image_url", ""),
        button=content.get("caption", ""),
        link=content.get("button_link", ""),
    )


def _of_message(job: Mapping[str, Any]) -> Content:
    fields = job.get("fields") or {}
    return Content(
        type=str(fields.get("type_message", "TEXT")).lower(),
        message_type="bulk",
        text=fields.get("message", ""),
        image=fields.get("image_url", "") or ("file" if job.get("image") else ""),
        button=fields.get("button", ""),
        link=fields.get("button_link", ""),
    )
