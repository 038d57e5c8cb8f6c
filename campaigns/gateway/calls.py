"""The eleven methods as values: each parameter where the contract puts it. Pure.

The token is not here. A call says where it goes, and the transport puts it in at the last moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import orjson

from campaigns.jobs.values import ImageFile

Place = Literal["query", "form", "json"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `json` are the members of a JSON object after the token, ready to send.

    Its repr shows nothing of what it carries: phones and texts.
    """

    method: str
    path: str
    token_in: Place
    paid: bool = False
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: bytes = field(default=b"", repr=False)
    image: ImageFile | None = None


def send_bulk_viber(messages: bytes, callback_url: str | None) -> Call:
    """sendBulkViber, as the JSON document of the contract's sample request. `messages` is a JSON array."""
    callback = b'"callback_url":' + orjson.dumps(callback_url) + b"," if callback_url else b""
    return Call(
        "sendBulkViber",
        "/api/v1/sendBulkViber",
        "json",
        paid=True,
        json=callback + b'"messages":' + messages,
    )


def status_bulk_viber(uuid: str) -> Call:
    """statusBulkViber: all in the query."""
    return Call("statusBulkViber", "/api/v1/statusBulkViber", "query", query={"uuid": uuid})


def send_quick_viber_message(fields: Mapping[str, str], image: ImageFile | None) -> Call:
    """sendQuickViberMessage: a form, with the image as a file if there is one."""
    path = "/api/v2/sendQuickViberMessage"
    return Call("sendQuickViberMessage", path, "form", paid=True, form=fields, image=image)


def get_viber_delivery_data(message_id: int) -> Call:
    """getViberDeliveryData: a form."""
    return _of_message("getViberDeliveryData", message_id)


def send_viber_message_list(fields: Mapping[str, str], image: ImageFile | None) -> Call:
    """sendViberMessageList: a form. It creates and costs nothing."""
    return Call("sendViberMessageList", "/api/v2/sendViberMessageList", "form", form=fields, image=image)


def confirm_viber_message(message_id: int) -> Call:
    """confirmViberMessage: the token in the query, the id in the form. It takes money."""
    return _of_message("confirmViberMessage", message_id, token_in="query", paid=True)


def get_viber_messages(offset: int, rows: int) -> Call:
    """getViberMessages: the token in the query, the portion in the form."""
    return Call(
        "getViberMessages",
        "/api/v2/getViberMessages",
        "query",
        form={"limit_offset": str(offset), "limit_rows": str(rows)},
    )


def get_viber_message_data(message_id: int) -> Call:
    """getViberMessageData: the token in the query, the id in the form."""
    return _of_message("getViberMessageData", message_id, token_in="query")


def get_viber_delivery_list(message_id: int) -> Call:
    """getViberDeliveryList: a form."""
    return _of_message("getViberDeliveryList", message_id)


def get_new_incoming_messages(message_id: int) -> Call:
    """getNewIncomingMessages: a form."""
    return _of_message("getNewIncomingMessages", message_id)


def read_response_status(ids: Sequence[str]) -> Call:
    """readResponseStatus: a form, the ids divided by commas."""
    return Call(
        "readResponseStatus",
        "/api/v2/readResponseStatus",
        "form",
        form={"incoming_messages": ",".join(ids)},
    )


def _of_message(method: str, message_id: int, token_in: Place = "form", *, paid: bool = False) -> Call:
    return Call(method, f"/api/v2/{method}", token_in, paid=paid, form={"message_id": str(message_id)})
