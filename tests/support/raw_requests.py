"""Raw requests to the sandbox: its parameters stand in the query, in a form or in JSON."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from campaigns.sandbox.server import Sandbox

TOKEN = {"token": "tok"}


def raw(
    sandbox: Sandbox,
    path: str,
    *,
    query: Any = None,
    form: Any = None,
    document: Any = None,
    verb: str = "POST",
    encoding: str = "utf-8",
) -> tuple[int, Any, dict[str, str]]:
    """The status, the document and the headers of the answer."""
    parts = urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    body, headers = None, {}
    if form is not None:
        body, headers = urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"}
    if document is not None:
        body, headers = json.dumps(document), {"Content-Type": "application/json"}
    target = path + ("?" + urlencode(query) if query else "")
    try:
        connection.request(verb, target, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read().decode(encoding)), dict(answer.getheaders())
    finally:
        connection.close()


Call = Callable[[Sandbox, str, dict[str, Any]], Any]


def by_query(sandbox: Sandbox, path: str, parameters: dict[str, Any]) -> Any:
    flat = {name: json.dumps(v) if isinstance(v, list) else v for name, v in parameters.items()}
    return raw(sandbox, path, query=flat)[1]


def by_form(sandbox: Sandbox, path: str, parameters: dict[str, Any]) -> Any:
    flat = {name: json.dumps(v) if isinstance(v, list) else v for name, v in parameters.items()}
    return raw(sandbox, path, form=flat)[1]


def by_json(sandbox: Sandbox, path: str, parameters: dict[str, Any]) -> Any:
    return raw(sandbox, path, document=parameters)[1]
