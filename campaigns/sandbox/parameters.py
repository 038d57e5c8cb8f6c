"""The parameters of a call, from query, form and JSON body alike, as the gateway's framework reads them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from flask import Request

from campaigns.sandbox.dialects import Traits, received
from campaigns.sandbox.models import Refusal, Upload

#: PHP reads brackets no deeper than this, by default.
_DEEPEST: Final = 64
_MOST_DIGITS: Final = 18
_BRACKETED: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
_BRACKET: Final = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Named values. Text from query or form, anything from JSON; a later source wins over the query."""

    values: dict[str, Any]
    uploads: dict[str, Upload]
    traits: Traits = frozenset()

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

    def integer(self, name: str, default: int | None = None, *, least: int | None = None) -> int:
        """The parameter as an integer. Raises Refusal when it is missing, none, or below `least`."""
        text = self.text(name, None if default is None else str(default))
        digits = text.strip().removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
            raise Refusal(f"The {name} must be an integer")
        number = int(text)
        if least is not None and number < least:
            raise Refusal(f"The {name} must be at least {least}")
        return number

    def texts(self, name: str) -> list[str]:
        """Values separated by commas, or an array of them. Raises Refusal when there is none."""
        value = listed(self.values.get(name))
        if isinstance(value, list):
            parts = [str(part) for part in value if not isinstance(part, dict | list)]
        else:
            parts = self.text(name).split(",")
        found = [part.strip() for part in parts if part.strip()]
        if not found:
            raise Refusal(f"The {name} field is required")
        return found

    def json(self, name: str) -> Any:
        """The parameter as JSON: parsed if it came as text. Raises Refusal (400) if it is not JSON."""
        value = self.values.get(name)
        if isinstance(value, str):
            try:
                value = received(orjson.loads(value), self.traits)
            except orjson.JSONDecodeError:
                raise Refusal(f"The {name} is not valid JSON", 400) from None
        return listed(value)


def read(request: Request, traits: Traits = frozenset()) -> Parameters:
    """Collects a request's parameters. Raises Refusal (400) for a broken JSON body."""
    values = bracketed(request.args.items(multi=True))
    if request.mimetype in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        values.update(bracketed(request.form.items(multi=True)))
    else:
        values.update(_body(request.get_data()))
    uploads = {}
    for name, file in request.files.items():
        data = file.read()
        uploads[name] = Upload(file.filename or "", len(data), hashlib.sha256(data).hexdigest())
    return Parameters(received(values, traits), uploads, traits)


def bracketed(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Fields of a query or form as PHP reads them: `a[b][]=1` makes an array, and the last of equal names wins."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        found = _BRACKETED.fullmatch(name)
        if found is None:
            values[name] = value
            continue
        path = _BRACKET.findall(found[2])
        if len(path) <= _DEEPEST:
            _put(values, [found[1], *path], value)
    return values


def _put(values: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        key = _key(values, part)
        if not isinstance(values.get(key), dict):
            values[key] = {}
        values = values[key]
    values[_key(values, path[-1])] = value


def _key(values: dict[str, Any], part: str) -> str:
    """The key itself, or for empty brackets the next number."""
    return part or str(max((int(key) for key in values if _is_number(key)), default=-1) + 1)


def listed(value: Any) -> Any:
    """An array as PHP has it: one whose keys are all numbers is a list, in the order in which it came."""
    if isinstance(value, dict):
        inner = {name: listed(found) for name, found in value.items()}
        return list(inner.values()) if inner and all(map(_is_number, inner)) else inner
    return [listed(found) for found in value] if isinstance(value, list) else value


def _is_number(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) <= _MOST_DIGITS


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
