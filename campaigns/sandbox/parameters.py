"""The parameters of a call, from query, form and JSON body alike, as the gateway's framework reads them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Request

from campaigns.sandbox.records import Refusal, Upload


@dataclass(frozen=True, slots=True)
class Parameters:
    """Named values. Text from query or form, anything from JSON; a later source wins over the query."""

    values: dict[str, Any]
    uploads: dict[str, Upload]

    def text(self, name: str, default: str | None = None) -> str:
        """The parameter as text. Raises Refusal when it is missing and has no default."""
        value = self.values.get(name)
        if value is None or value == "":
            if default is None:
                raise Refusal(f"The {name} field is required")
            return default
        if isinstance(value, dict | list):
            raise Refusal(f"The {name} must be a string")
        return str(value)

    def integer(self, name: str, default: int | None = None) -> int:
        """The parameter as an integer. Raises Refusal when it is missing or none."""
        text = self.text(name, None if default is None else str(default))
        try:
            return int(text)
        except ValueError:
            raise Refusal(f"The {name} must be an integer") from None

    def json(self, name: str) -> Any:
        """The parameter as JSON: parsed if it came as text. Raises Refusal (400) when missing or broken."""
        value = self.values.get(name)
        if isinstance(value, str):
            try:
                return orjson.loads(value)
            except orjson.JSONDecodeError:
                raise Refusal(f"The {name} is not valid JSON", 400) from None
        return value


def read(request: Request) -> Parameters:
    """Collects a request's parameters. Raises Refusal (400) for a broken JSON body."""
    values: dict[str, Any] = dict(request.args.items())
    if request.mimetype in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        values.update(request.form.items())
    else:
        values.update(_body(request.get_data()))
    uploads = {}
    for name, file in request.files.items():
        data = file.read()
        uploads[name] = Upload(file.filename or "", len(data), hashlib.sha256(data).hexdigest())
    return Parameters(values, uploads)


def _body(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal("Request body is not valid JSON", 400) from None
    if not isinstance(document, dict):
        raise Refusal("Request body must be a JSON object", 400)
    return document
