"""The receiver of callbacks, as a WSGI application: mount it in a host program or run `campaigns callbacks`.

Set `CAMPAIGNS_CALLBACK_BASE_URL` to the address under which the gateway reaches it, such as
`https://example.com/viber`, on the machines of the workers and on its own. Without it no callback is asked for.

    # Django, Flask, anything with WSGI: DispatcherMiddleware(app, {"/viber": callbacks.application})

Answers: 204 noted, 404 no such address, 405 neither POST nor GET, 413 more than 64 KiB, 503 the store cannot be
reached. It asks the gateway nothing, and needs no token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from campaigns.errors import StoreError
from campaigns.flow.callbacks import take_callback
from campaigns.flow.services import Services
from campaigns.wiring import default_services

#: Bytes of a callback's body.
LONGEST: Final = 65_536

_STATUS: Final = {
    204: "204 No Content",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    413: "413 Content Too Large",
    503: "503 Service Unavailable",
}


class Callbacks:
    """A WSGI application. `services` builds what it works with when it is first called."""

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
        length = str(environ.get("CONTENT_LENGTH") or "0")
        if not length.isdecimal() or int(length) > LONGEST:
            return 413
        body = environ["wsgi.input"].read(int(length))
        if environ["REQUEST_METHOD"] == "GET":
            body = str(environ.get("QUERY_STRING", "")).encode("latin-1", "replace")[:LONGEST]
        try:
            return 204 if take_callback(self._services(), str(environ.get("PATH_INFO", "")), body) else 404
        except StoreError:
            return 503


#: For servers that are given a module and a name: `campaigns.callbacks:application`.
application = Callbacks()
