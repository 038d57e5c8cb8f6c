"""The receiver of callbacks, as a WSGI application: mount it in a host program or run `campaigns callbacks`.

Set `CAMPAIGNS_CALLBACK_BASE_URL` to the address at which the gateway reaches it, such as `https://example.com/viber`,
for the workers and for the receiver. Without this setting no request asks for a callback.

    # Django, Flask, anything with WSGI: DispatcherMiddleware(app, {"/viber": callbacks.application})

It answers 204 (callback noted), 404 (unknown address), 405 (neither POST nor GET) or 503 (the store cannot be
reached). It makes no requests to the gateway and needs no token. The signed address alone proves that the request
arrived, so bodies of any size and form are accepted; the first MiB of a body is searched for a uuid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from campaigns.errors import StoreError
from campaigns.flow.tracking.callbacks import take_callback
from campaigns.services import Services
from campaigns.wiring import default_services

#: Bytes of a callback's body that a server in front of this one should let through. A body with a row for each of
#: 100,000 recipients, the most in one request, has about 15 MB.
LONGEST: Final = 33_554_432
#: Bytes of a body that are searched for a uuid.
SEARCHED: Final = 1_048_576

_STATUS: Final = {
    204: "204 No Content",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    503: "503 Service Unavailable",
}


class Callbacks:
    """A WSGI application. It calls `services` at its first request."""

    def __init__(self, services: Callable[[], Services] = default_services) -> None:
        self._services = services

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        code = self._take(environ)
        headers = [("Content-Length", "0")] if code != 204 else []
        if code == 405:
            headers.append(("Allow", "GET, POST"))
        start_response(_STATUS[code], headers)
        return [b""]

    def _take(self, environ: dict[str, Any]) -> int:
        if environ["REQUEST_METHOD"] not in {"GET", "POST"}:
            return 405
        if environ["REQUEST_METHOD"] == "GET":
            body = str(environ.get("QUERY_STRING", "")).encode("latin-1", "replace")[:SEARCHED]
        else:
            body = _beginning(environ)
        try:
            return 204 if take_callback(self._services(), str(environ.get("PATH_INFO", "")), body) else 404
        except StoreError:
            return 503


def _beginning(environ: Mapping[str, Any]) -> bytes:
    """The first MiB of the body; empty if it has no stated length or breaks off, since the address alone suffices."""
    declared = str(environ.get("CONTENT_LENGTH") or "")
    if declared.isascii() and declared.isdecimal():
        # Python refuses to convert a number of thousands of digits.
        length = SEARCHED if len(declared) > len(str(SEARCHED)) else min(int(declared), SEARCHED)
    else:
        length = SEARCHED if environ.get("wsgi.input_terminated") and not declared else 0
    try:
        return bytes(environ["wsgi.input"].read(length)) if length else b""
    except (OSError, ValueError):
        return b""


#: For servers that take a module and a name: `campaigns.callbacks:application`.
application = Callbacks()
