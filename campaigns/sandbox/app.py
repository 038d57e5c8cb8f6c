"""The sandbox's WSGI application: the eleven methods, `/_sandbox/...` for control, and the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from campaigns.sandbox.control_api import add_controls
from campaigns.sandbox.documents import as_json
from campaigns.sandbox.methods import BOTH_VERSIONS, METHODS, V1
from campaigns.sandbox.models import Refusal
from campaigns.sandbox.origin_guard import OriginGuard
from campaigns.sandbox.page_api import add_page
from campaigns.sandbox.service import Service

_SAID: Final = {404: "Page not found", 405: "Method not allowed", 500: "Server unavailable"}


def create_app(service: Service, host: str) -> Flask:
    """The WSGI application of one sandbox that is bound to `host`."""
    # The page serves its files itself, because Flask would serve static files without the page's headers.
    app = Flask("campaigns.sandbox", static_folder=None)
    guard = OriginGuard(host)
    app.before_request(lambda: guard.check(request.method, request.path, dict(request.headers)))
    for method in METHODS:
        for version in ("v1",) if method in V1 else ("v1", "v2") if method in BOTH_VERSIONS else ("v2",):
            path = f"/api/{version}/{method}"
            app.add_url_rule(path, path, _calling(service, method, version), methods=["GET", "POST"])
    add_controls(app, service)
    add_page(app, service)
    # BrokenOffError must reach the server, which ends the connection; Flask would answer it with a 500.
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
