"""The receiver of callbacks, as a WSGI application: mount it in a host program or run `campaigns callbacks`.

Set `CAMPAIGNS_CALLBACK_BASE_URL` to the address under which the gateway reaches it, such as
`https://example.com/viber`, on the machines of the workers and on its own. Without it no callback is asked for.

    # Django, Flask, anything with WSGI: DispatcherMiddleware(app, {"/viber": callbacks.application})

Answers: 204 noted, 404 no such address, 405 neither POST nor GET, 503 the store cannot be reached. It asks the
gateway nothing, and needs no token. The address is the sign that a request arrived, so a body of any size and form
is noted; only its first MiB is searched for a uuid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from campaigns.errors import StoreError
from campaigns.flow.tracking.callbacks import take_callback
from campaigns.services import Services
from campaigns.wiring import default_services

#: Bytes of a callback's body that a server in front of this should let through: with a row for each of 100,000
#: recipients, the most that one request may carry, a body has about 15 MB.
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
        if environ["REQUEST_METHOD"] == "GET":
            body = str(environ.get("QUERY_STRING", "")).encode("latin-1", "replace")[:SEARCHED]
        else:
            body = _beginning(environ)
        try:
            return 204 if take_callback(self._services(), str(environ.get("PATH_INFO", "")), body) else 404
        except StoreError:
            return 503


def _beginning(environ: Mapping[str, Any]) -> bytes:
    """The first MiB of the body; nothing if its length is not told, or if it breaks off: the address counts alone."""
    declared = str(environ.get("CONTENT_LENGTH") or "")
    if declared.isascii() and declared.isdecimal():
        # A number of thousands of digits is more than Python reads.
        length = SEARCHED if len(declared) > len(str(SEARCHED)) else min(int(declared), SEARCHED)
    else:
        length = SEARCHED if environ.get("wsgi.input_terminated") and not declared else 0
    try:
        return bytes(environ["wsgi.input"].read(length)) if length else b""
    except (OSError, ValueError):
        return b""


#: For servers that are given a module and a name: `campaigns.callbacks:application`.
application = Callbacks()
