"""The sandbox over HTTP: the eleven methods, and `/_sandbox/...` to control and to look behind the scenes."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import struct
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from campaigns.sandbox.controls import add_controls, as_json
from campaigns.sandbox.dialects import encoded, in_dialect
from campaigns.sandbox.faults import BEFORE, Fault, Faults
from campaigns.sandbox.guard import Guard
from campaigns.sandbox.meter import Meter
from campaigns.sandbox.methods import Methods
from campaigns.sandbox.page import add_page
from campaigns.sandbox.parameters import Parameters, read
from campaigns.sandbox.records import Refusal, account_of
from campaigns.sandbox.truth import Truth
from campaigns.sandbox.world import World

_V1: Final = ("sendBulkViber", "statusBulkViber")
#: Under /api/v1/ too, where the id in the answer has another name.
_BOTH: Final = ("sendQuickViberMessage", "sendViberMessageList")
_METHODS: Final[dict[str, str]] = {
    "sendBulkViber": "send_bulk_viber",
    "statusBulkViber": "status_bulk_viber",
    "sendQuickViberMessage": "send_quick_viber_message",
    "getViberDeliveryData": "get_viber_delivery_data",
    "sendViberMessageList": "send_viber_message_list",
    "confirmViberMessage": "confirm_viber_message",
    "getViberMessages": "get_viber_messages",
    "getViberMessageData": "get_viber_message_data",
    "getViberDeliveryList": "get_viber_delivery_list",
    "getNewIncomingMessages": "get_new_incoming_messages",
    "readResponseStatus": "read_response_status",
}
METHODS: Final = frozenset(_METHODS)
#: Proxies of the environment are for other addresses than loopback.
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_SAID: Final = {404: "Page not found", 405: "Method not allowed", 500: "Server unavailable"}
_NO_TOKEN: Final = "Invalid token"
_WRONG_TOKEN: Final = "Пользователя с таким токеном не найдено"


class BrokenOffError(ConnectionError):
    """The connection is to end here; werkzeug takes it for one that was dropped."""


class Service:
    """One sandbox: its world, its faults, its figures."""

    def __init__(self, world: World, *, tokens: frozenset[str] = frozenset()) -> None:
        self.world = world
        self.methods = Methods(world)
        self.truth = Truth(world)
        self.faults = Faults(METHODS)
        self.meter = Meter()
        self.stopping = threading.Event()
        self._tokens = tokens

    def call(self, method: str, version: str) -> Response:
        """Answer one request for a method of the gateway, or break it off as ordered."""
        with self.meter.counting(method):
            if self.world.options.latency_s:
                self.stopping.wait(self.world.options.latency_s)
            fault = self.faults.next(method)
            if fault is not None and fault.fault in BEFORE:
                return self._before(fault)
            answer = self._answer(method, version, fault)
            return answer if fault is None else self._after(fault, answer)

    def _answer(self, method: str, version: str, fault: Fault | None) -> Response:
        traits = self.world.options.traits
        try:
            parameters = read(request, traits)
            account = self._account(parameters)
            if fault is not None and fault.fault == "hide_listing":
                return as_json({"status": "OK", "result": []})
            result = getattr(self.methods, _METHODS[method])(account, parameters)
        except Refusal as refusal:
            return as_json({"error": refusal.text}, refusal.http_status)
        if version == "v1" and method in _BOTH:
            result["result"]["viber_id"] = result["result"].pop("message_id")
        if method == "sendBulkViber" and (url := parameters.text("callback_url", "")):
            self._call_back(url, {"uuid": result["uuid"], "success": "OK"})
        answer = as_json(in_dialect(method, result, traits))
        answer.set_data(encoded(answer.get_data(), traits))
        return answer

    def _account(self, parameters: Parameters) -> str:
        token = parameters.text("token", "")
        if not token:
            raise Refusal(_NO_TOKEN, 401)
        let_in = self._tokens | ({own} if (own := self.world.options.token) else set())
        if let_in and token not in let_in:
            raise Refusal(_WRONG_TOKEN, 401)
        return account_of(token)

    def _before(self, fault: Fault) -> Response:
        match fault.fault:
            case "refuse":
                return as_json({"error": fault.text or "Content is not valid"}, 400)
            case "refuse_account":
                return as_json({"error": fault.text or _NO_TOKEN}, 401)
            case "no_money":
                return as_json({"error": fault.text or "Insufficient funds"})
            case "too_many":
                answer = as_json({"error": "Too many requests"}, 429)
                if fault.retry_after is not None:
                    answer.headers["Retry-After"] = fault.retry_after
                return answer
            case "error_500_before":
                return as_json({"error": "Server unavailable"}, 500)
            case _:
                if fault.fault == "hang_before":
                    self.stopping.wait(fault.delay_s)
                _reset()
                raise BrokenOffError

    def _after(self, fault: Fault, answer: Response) -> Response:
        """The request was carried out; what becomes of its answer."""
        body = answer.get_data()
        others = {
            "error_500_after": as_json({"error": "Server unavailable"}, 500),
            "html": Response("<html><body>It works</body></html>", mimetype="text/html"),
            "redirect": Response(status=302, headers={"Location": "/api/v1/sendBulkViber"}),
        }
        pieces = {
            "garbage": b"\x16\x03\x01 garbage\r\n\r\n",
            "cut_headers": b"HTTP/1.1 200 OK\r\nContent-Ty",
            "cut_body": _head(body) + body[: len(body) // 2],
        }
        if fault.fault in pieces:
            _raw(pieces[fault.fault])
        if fault.fault == "drip":
            self._drip(_head(body) + body, fault.delay_s)
        if fault.fault in {"slow", "hang_after"}:
            self.stopping.wait(fault.delay_s)
        if fault.fault in {"hang_after", "reset_after"}:
            _reset()
            raise BrokenOffError
        return others.get(fault.fault, answer)

    def _drip(self, data: bytes, most_s: float) -> None:
        connection = request.environ["werkzeug.socket"]
        until = time.monotonic() + most_s
        with contextlib.suppress(OSError):
            for byte in data:
                connection.sendall(bytes([byte]))
                if time.monotonic() > until or self.stopping.wait(1.0):
                    break
        _raw(b"")

    def _call_back(self, url: str, document: dict[str, Any]) -> None:
        """Post the answer to the callback address, in its own time, and to loopback only."""
        if not _is_loopback(url):
            return

        def post() -> None:
            self.stopping.wait(self.world.options.callback_delay_s)
            data = urllib.request.Request(  # noqa: S310 (http to loopback, checked)
                url, json.dumps(document).encode(), {"Content-Type": "application/json"}
            )
            with contextlib.suppress(OSError, ValueError), _DIRECT.open(data, timeout=5):
                pass

        threading.Thread(target=post, daemon=True).start()


def create_app(service: Service, host: str) -> Flask:
    """The WSGI application of one sandbox that is bound to `host`."""
    # Static files are the page's own affair: Flask would serve them without its headers.
    app = Flask("campaigns.sandbox", static_folder=None)
    guard = Guard(host)
    app.before_request(lambda: guard.check(request.method, request.path, dict(request.headers)))
    for method in _METHODS:
        for version in ("v1",) if method in _V1 else ("v1", "v2") if method in _BOTH else ("v2",):
            path = f"/api/{version}/{method}"
            app.add_url_rule(path, path, _calling(service, method, version), methods=["GET", "POST"])
    add_controls(app, service)
    add_page(app, service)
    # So that a connection that is broken off reaches the server, which ends it, instead of becoming a 500.
    app.config["PROPAGATE_EXCEPTIONS"] = True

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Response:
        status = error.code or 500
        return as_json({"error": _SAID.get(status) or error.name}, status)

    @app.errorhandler(RecursionError)
    def too_deep(_: RecursionError) -> Response:
        return as_json({"error": "The request is nested too deep"}, 400)

    @app.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return as_json({"error": refusal.text}, refusal.http_status if refusal.http_status >= 400 else 400)

    return app


def _calling(service: Service, method: str, version: str) -> Callable[[], Response]:
    return lambda: service.call(method, version)


def _head(body: bytes) -> bytes:
    return (f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()


def _raw(data: bytes) -> None:
    """Write to the connection as it is, and end it."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)
    raise BrokenOffError


def _reset() -> None:
    """Let the connection end, at once and without a farewell."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _is_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False
