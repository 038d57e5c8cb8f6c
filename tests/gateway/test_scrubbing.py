"""The token is masked in the gateway's words, however they spell it."""

from __future__ import annotations

import html
import json
from urllib.parse import quote, quote_plus

import pytest

from campaigns.gateway.scrubbing import scrubbed
from campaigns.settings import Secret

TOKEN = "tok/5d1e+ü \"='😀"


@pytest.mark.parametrize(
    "spelled",
    [
        TOKEN,
        json.dumps(TOKEN),
        json.dumps(TOKEN, ensure_ascii=False),
        json.dumps(TOKEN).replace("/", "\\/"),
        json.dumps(TOKEN).replace("\\u00fc", "\\u00FC"),
        quote(TOKEN, safe=""),
        quote(TOKEN, safe="").lower(),
        quote(TOKEN),
        quote_plus(TOKEN),
        html.escape(TOKEN),
        html.escape(TOKEN).replace("&#x27;", "&#039;"),
    ],
)
def test_any_spelling(spelled: str) -> None:
    assert scrubbed(f"a {spelled} b".encode(), Secret(TOKEN)).strip(b'ab "') == b"***"


def test_everything_else_stays() -> None:
    body = b'[{"phone": "375291111111", "text": "5d1e"}]'
    assert scrubbed(body, Secret(TOKEN)) == body
    assert scrubbed(b"to be or not", Secret("to")) == b"to be or not"
