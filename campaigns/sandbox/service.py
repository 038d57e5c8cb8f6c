"""One sandbox behind HTTP: it answers requests for the gateway's methods, or breaks them off as ordered."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import threading
import urllib.request
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Response, request

from campaigns.sandbox.connections import BrokenOffError, drip, head_of, reset, send_raw
from campaigns.sandbox.dialects import encoded, in_dialect
from campaigns.sandbox.documents import as_json
from campaigns.sandbox.faults import BEFORE, Fault, Faults
from campaigns.sandbox.meter import Meter
from campaigns.sandbox.methods import BOTH_VERSIONS, METHODS, Methods
from campaigns.sandbox.models import Refusal, account_of
from campaigns.sandbox.parameters import Parameters, read
from campaigns.sandbox.sent_messages import SentMessages
from campaigns.sandbox.state import SandboxState

#: Opens loopback addresses without the proxies of the environment.
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_NO_TOKEN: Final = "Invalid token"
_WRONG_TOKEN: Final = "Пользователя с таким токеном не найдено"


class Service:
    """One sandbox: its state, its faults, its figures."""

    def __init__(self, state: SandboxState, *, tokens: frozenset[str] = frozenset()) -> None:
        self.state = state
        self.methods = Methods(state)
        self.sent = SentMessages(state)
        self.faults = Faults(frozenset(METHODS))
        self.meter = Meter()
        self.stopping = threading.Event()
        self._tokens = tokens

    def call(self, method: str, version: str) -> Response:
        """Answer one request for a method of the gateway, or break it off as ordered."""
        with self.meter.counting(method):
            if self.state.options.latency_s:
                self.stopping.wait(self.state.options.latency_s)
            fault = self.faults.next(method)
            if fault is not None and fault.fault in BEFORE:
                return self._before(fault)
            answer = self._answer(method, version, fault)
            return answer if fault is None else self._after(fault, answer)

    def _answer(self, method: str, version: str, fault: Fault | None) -> Response:
        traits = self.state.options.traits
        try:
            parameters = read(request, traits)
            account = self._account(parameters)
            if fault is not None and fault.fault == "hide_listing":
                return as_json({"status": "OK", "result": []})
            result = getattr(self.methods, METHODS[method])(account, parameters)
        except Refusal as refusal:
            return as_json({"error": refusal.text}, refusal.http_status)
        if version == "v1" and method in BOTH_VERSIONS:
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
        let_in = self._tokens | ({own} if (own := self.state.options.token) else set())
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
                reset()
                raise BrokenOffError

    def _after(self, fault: Fault, answer: Response) -> Response:
        """Spoil the answer to a request that was carried out."""
        body = answer.get_data()
        others = {
            "error_500_after": as_json({"error": "Server unavailable"}, 500),
            "html": Response("<html><body>It works</body></html>", mimetype="text/html"),
            "redirect": Response(status=302, headers={"Location": "/api/v1/sendBulkViber"}),
        }
        pieces = {
            "garbage": b"\x16\x03\x01 garbage\r\n\r\n",
            "cut_headers": b"HTTP/1.1 200 OK\r\nContent-Ty",
            "cut_body": head_of(body) + body[: len(body) // 2],
        }
        if fault.fault in pieces:
            send_raw(pieces[fault.fault])
        if fault.fault == "drip":
            drip(head_of(body) + body, fault.delay_s, self.stopping)
        if fault.fault in {"slow", "hang_after"}:
            self.stopping.wait(fault.delay_s)
        if fault.fault in {"hang_after", "reset_after"}:
            reset()
            raise BrokenOffError
        return others.get(fault.fault, answer)

    def _call_back(self, url: str, document: dict[str, Any]) -> None:
        """Post the answer to the callback address after the delay, in a thread. Only loopback is called."""
        if not _is_loopback(url):
            return

        def post() -> None:
            self.stopping.wait(self.state.options.callback_delay_s)
            data = urllib.request.Request(  # noqa: S310 (http to loopback, checked)
                url, json.dumps(document).encode(), {"Content-Type": "application/json"}
            )
            with contextlib.suppress(OSError, ValueError), _DIRECT.open(data, timeout=5):
                pass

        threading.Thread(target=post, daemon=True).start()


def _is_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False
