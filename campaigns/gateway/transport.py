"""The edge to the gateway: one call out, one answer or one of two errors back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

import requests

from campaigns.errors import NotSentError, OutcomeUnknownError
from campaigns.gateway.calls import Call
from campaigns.gateway.connection import NotingAdapter
from campaigns.gateway.exchange import Exchange, RefusedToWriteError, current
from campaigns.gateway.meaning import Answer
from campaigns.gateway.sealing import JSON_HEAD, Seal, in_form, in_json, in_parts, in_query
from campaigns.jobs.values import ImageFile
from campaigns.settings import Secret
from campaigns.times.steady import boot_clock

_USER_AGENT: Final = "viber-campaigns"


@dataclass(frozen=True, slots=True)
class _Request:
    """A request without its token. `target` is its path with the query. Its repr shows nothing of what it carries."""

    address: requests.PreparedRequest
    target: str = field(repr=False)
    headers: dict[str, str]
    body: bytes = field(repr=False)


class Transport:
    """Sends calls. Safe across threads, and across forks: every process opens connections of its own.

    Paid calls get a fresh connection each; reads keep theirs alive. There are no redirects, no retries,
    and no proxies from the environment.
    """

    def __init__(
        self,
        base_url: str,
        *,
        connect_timeout_s: float,
        deadline_s: float,
        ca_file: str | None = None,
        clock: Callable[[], float] = boot_clock,
    ) -> None:
        self._base_url = base_url
        self._connect_timeout_s = connect_timeout_s
        self._deadline_s = deadline_s
        self._verify: bool | str = ca_file or True
        self._clock = clock
        self._own_adapter: NotingAdapter | None = None
        self._addresses: dict[str, requests.PreparedRequest] = {}
        self._pid = 0

    def send(self, call: Call, token: Secret, *, may_write: Callable[[], bool] = lambda: True) -> Answer:
        """Make the call within the deadline, from the look-up of the name to the last byte of the answer.

        `may_write` is asked immediately before the first byte. Raises NotSentError if not one byte left,
        OutcomeUnknownError if some did and no whole answer came.
        """
        request, seal = self._prepared(call, token)
        exchange = Exchange(
            until_s=self._clock() + self._deadline_s,
            connect_timeout_s=self._connect_timeout_s,
            clock=self._clock,
            may_write=may_write,
            seal=seal,
        )
        current.exchange = exchange
        problem, interrupt = "", None
        try:
            return self._exchanged(call, request, token)
        except RefusedToWriteError:
            problem = "the guard refused to write: the lease does not cover the deadline"
        except Exception as error:  # noqa: BLE001 (whatever it is, only the first byte counts)
            # Their messages hold addresses, and those hold tokens: only the kind is kept.
            problem = f"{'no whole answer' if exchange.wrote else 'not sent'}: {_kind(error)}"
        except BaseException as error:  # noqa: BLE001 (raised again below)
            interrupt = error
        # Outside the except clauses, so that not even __context__ leads to what was caught, nor a traceback to bodies.
        if interrupt is not None:
            raise interrupt.with_traceback(None)
        if exchange.wrote:
            raise OutcomeUnknownError(call.method, problem)
        raise NotSentError(call.method, problem)

    def _exchanged(self, call: Call, request: _Request, token: Secret) -> Answer:
        adapter, parts = self._adapter(), (request.address, request.target, request.headers, request.body)
        if call.paid:
            answer = adapter.post_alone(*parts)
        else:
            answer = adapter.post(*parts, (self._connect_timeout_s, self._deadline_s))
        return Answer(
            method=call.method,
            http_status=answer.status,
            retry_after=answer.headers.get("retry-after"),
            raw=answer.body,
            date=answer.headers.get("date"),
            token=token,
        )

    def _adapter(self) -> NotingAdapter:
        adapter = self._own_adapter
        if adapter is None or self._pid != os.getpid():
            adapter = self._own_adapter = NotingAdapter(self._verify)
            self._pid = os.getpid()
        return adapter

    def _address(self, path: str) -> requests.PreparedRequest:
        """Prepared once: there are eleven, and preparing one takes a tenth of what a whole request does."""
        address = self._addresses.get(path)
        if address is None:
            address = requests.PreparedRequest()
            address.prepare_method("POST")
            address.prepare_url(self._base_url + path, None)
            self._addresses[path] = address
        return address

    def _prepared(self, call: Call, token: Secret) -> tuple[_Request, Seal]:
        """The request without its token, and how the token joins it on the wire."""
        query, address = urlencode(call.query), self._address(call.path)
        body, content_type, seal = _body_of(call, token, first=not query)
        headers = {"User-Agent": _USER_AGENT, "Accept": "application/json"}
        if call.paid:
            headers["Connection"] = "close"
        if content_type:
            headers["Content-Type"] = content_type
        headers["Content-Length"] = str(len(body) + (0 if seal.in_head else seal.extra))
        target = f"{address.path_url}?{query}" if query else address.path_url
        return _Request(address, target, headers, body), seal


def _body_of(call: Call, token: Secret, *, first: bool) -> tuple[bytes, str, Seal]:
    """The body of a call, its content type, and how the token joins the request; `first`: the query is empty."""
    if call.token_in == "json":
        return JSON_HEAD + b'",' + call.json + b"}", "application/json", in_json(token)
    if call.token_in == "query":
        return *_form_of(call.form, call.image), in_query(token, first=first)
    seal = in_parts(token) if call.image else in_form(token)
    return *_form_of({"token": "", **call.form}, call.image), seal


def _form_of(form: Mapping[str, str], image: ImageFile | None) -> tuple[bytes, str]:
    if image is None:
        return urlencode(form).encode(), "application/x-www-form-urlencoded" if form else ""
    request = requests.PreparedRequest()
    request.prepare_headers(None)
    request.prepare_body(dict(form), {"image": (image.filename, image.content, image.content_type)})
    body = request.body
    assert isinstance(body, bytes)  # noqa: S101 (a form with a file)
    return body, request.headers["Content-Type"]


def _kind(error: BaseException) -> str:
    """The innermost kind of a failure, such as ConnectionRefusedError; never its message."""
    seen: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(seen) < 8:
        inner = cause.__cause__ or cause.__context__
        reason = getattr(cause, "reason", None)
        seen.append(type(cause).__name__)
        cause = reason if isinstance(reason, BaseException) else inner
    return seen[-1]
