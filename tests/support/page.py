"""The sandbox's page as its browser asks it, and mailings for it to show."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

from campaigns.sandbox.server import Sandbox

HTML = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def call(
    sandbox: Sandbox, method: str, path: str, document: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    parts = urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        body = None if document is None else json.dumps(document)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()


def get(sandbox: Sandbox, path: str, **query: Any) -> Any:
    status, body, _ = call(sandbox, "GET", f"/_sandbox/page/{path}?{urlencode(query)}")
    assert status == 200, body
    return json.loads(body)


def post(sandbox: Sandbox, path: str, **document: Any) -> Any:
    status, body, _ = call(sandbox, "POST", f"/_sandbox/page/{path}", document)
    return json.loads(body) if status == 200 else status


def send(sandbox: Sandbox, name: str, delivery_list: list[str], alphaname: int = 444, **content: Any) -> int:
    """Returns the mailing's id."""
    message = {
        "name": name,
        "alphaname_id": alphaname,
        "message_type": "bulk",
        "content": {"type": "text", "text": name, **content},
        "delivery_list": delivery_list,
    }
    status, body, _ = call(sandbox, "POST", "/api/v1/sendBulkViber", {"token": "tok", "messages": [message]})
    assert status == 200, body
    return max(row["message_id"] for row in sandbox.ledger())


def button(sandbox: Sandbox, phone: str) -> int:
    more = {"type": "button", "caption": "Смотреть", "button_link": "https://shop.example/1"}
    return send(sandbox, "Кнопка", [phone], image_url="https://shop.example/1.jpg", **more)
