"""JSON documents in the requests and answers of the sandbox."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response, request

from campaigns.sandbox.models import Refusal
from campaigns.sandbox.validation import Invalid, phone_number


def as_json(document: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(document), status, mimetype="application/json")


def read_document() -> dict[str, Any]:
    """The JSON object in the request's body. Raises Refusal (400)."""
    try:
        document = orjson.loads(request.get_data())
    except orjson.JSONDecodeError:
        raise Refusal("The body must be JSON", 400) from None
    if not isinstance(document, dict):
        raise Refusal("The body must be an object", 400)
    return document


def read_phone(document: dict[str, Any]) -> int:
    """The `phone` of a body. Raises Refusal (400)."""
    try:
        return phone_number(document.get("phone"))
    except Invalid as invalid:
        raise Refusal(str(invalid), 400) from None
