"""The sandbox's web page: its files, served at `/`, and its own endpoints at `/_sandbox/page/...`.

The page orders faults and changes options by the endpoints of control_api.py, as every client does.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

from flask import Flask, Response, request

from campaigns.sandbox.conversations import Conversations
from campaigns.sandbox.dialects import sentences
from campaigns.sandbox.documents import as_json, read_document, read_phone
from campaigns.sandbox.faults import AFTER, BEFORE
from campaigns.sandbox.models import Refusal, money
from campaigns.sandbox.options import units
from campaigns.sandbox.service import Service

_FILES: Final = {
    "index.html": "text/html",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "chats.js": "text/javascript",
    "panel.js": "text/javascript",
    "dom.js": "text/javascript",
}
_HEADERS: Final = {
    # No content from other origins, no inline scripts or styles, and no text that becomes HTML.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_PREFIX: Final = "/_sandbox/page/"
_MOST_CONVERSATIONS: Final = 200
_MOST_MESSAGES: Final = 1000
_LONGEST_REPLY: Final = 10_000


def add_page(app: Flask, service: Service) -> None:
    """Give the application its page."""
    page = PageApi(service)
    rules: dict[str, tuple[str, Callable[[], Response]]] = {
        "state": ("GET", page.state),
        "conversations": ("GET", page.conversations),
        "thread": ("GET", page.thread),
        "read": ("POST", page.read),
        "press": ("POST", page.press),
        "reply": ("POST", page.reply),
        "block": ("POST", page.block),
    }
    for path, (method, view) in rules.items():
        app.add_url_rule(_PREFIX + path, f"page.{path}", view, methods=[method])
    folder = files("campaigns.sandbox") / "static"
    for name, mimetype in _FILES.items():
        path = "/" if name == "index.html" else _PREFIX + name
        app.add_url_rule(path, f"page.{name}", _serving((folder / name).read_bytes(), mimetype))

    @app.after_request
    def protect(response: Response) -> Response:
        if request.path == "/" or request.path.startswith("/_sandbox/"):
            response.headers.update(_HEADERS)
        return response


class PageApi:
    """One method per endpoint."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._state = service.state
        self._conversations = Conversations(service.sent)

    def state(self) -> Response:
        """Money, requests and faults."""
        options = self._state.options
        return as_json(
            {
                **self._service.sent.figures(),
                **self._service.meter.figures(),
                "cost": options.cost,
                "first_balance": money(units(options.balance)),
                "dialect": options.dialect,
                "dialects": sentences(),
                "speed": options.speed,
                "faults": self._service.faults.progress(),
                "methods": self._service.faults.methods,
                "kinds": {"before": sorted(BEFORE), "after": sorted(AFTER)},
                "mailing_names": self._conversations.names(),
            }
        )

    def conversations(self) -> Response:
        """`?phone=&mailing=&offset=&limit=`: see Conversations.page."""
        return as_json(
            self._conversations.page(
                "".join(filter(str.isdigit, request.args.get("phone", ""))),
                request.args.get("mailing", ""),
                _number("offset", 0),
                min(_number("limit", 50), _MOST_CONVERSATIONS),
            )
        )

    def thread(self) -> Response:
        """`?phone=&sender=&limit=`: see Conversations.thread."""
        phone = read_phone({"phone": request.args.get("phone")})
        return as_json(self._conversations.thread(phone, _number("sender"), min(_number("limit", 50), _MOST_MESSAGES)))

    def read(self) -> Response:
        """The recipient opens a conversation: `phone`, `sender_id`."""
        document = read_document()
        return as_json({"read": self._state.read(read_phone(document), _id(document, "sender_id"))})

    def press(self) -> Response:
        """The recipient presses a message's button: `phone`, `message_id`."""
        document = read_document()
        self._state.press(read_phone(document), _id(document, "message_id"))
        return as_json({})

    def reply(self) -> Response:
        """The recipient writes, and so has read: `phone`, `message_id`, `text`."""
        document = read_document()
        text = document.get("text")
        if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST_REPLY:
            raise Refusal(f"The text must have between 1 and {_LONGEST_REPLY} characters", 400)
        phone = read_phone(document)
        mailing, _ = self._state.latest_to(phone, _id(document, "message_id"))
        self._state.read(phone, mailing.sender_id)
        return as_json({"id": self._state.reply(mailing, phone, text)})

    def block(self) -> Response:
        """The recipient blocks, or with `"blocked": false` no longer: `phone`."""
        document = read_document()
        phone, blocked = read_phone(document), document.get("blocked", True)
        if blocked is True:
            self._state.block(phone)
        elif blocked is False:
            self._state.unblock(phone)
        else:
            raise Refusal("blocked must be true or false", 400)
        return as_json({"blocked": blocked})


def _serving(data: bytes, mimetype: str) -> Callable[[], Response]:
    return lambda: Response(data, mimetype=mimetype)


def _number(name: str, default: int | None = None) -> int:
    """A whole number of the query, not below zero. Raises Refusal (400)."""
    text = request.args.get(name, "" if default is None else str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Refusal(f"{name} must be a whole number", 400)
    return int(text)


def _id(document: dict[str, Any], name: str) -> int:
    value = document.get(name)
    if type(value) is not int:
        raise Refusal(f"{name} must be a whole number", 400)
    return value
