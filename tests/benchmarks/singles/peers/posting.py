"""The one request of a message, as an application makes it: `requests`, with a connection that each thread keeps."""

from __future__ import annotations

import os
import threading

import requests

REDIS_URL = os.environ.get("PEER_REDIS", "redis://127.0.0.1:1/0")
GATEWAY = os.environ.get("PEER_GATEWAY", "http://127.0.0.1:1") + "/api/v2/sendQuickViberMessage"
_local = threading.local()


def form(phone: str, text: str) -> dict[str, str]:
    """The fields of the request."""
    return {"token": "t" * 40, "vibername_id": "7", "type_message": "TEXT", "phone": phone, "message": text}


def post(phone: str, text: str) -> None:
    """Send one message. Raises requests' exceptions."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    _local.session.post(GATEWAY, data=form(phone, text), timeout=30).raise_for_status()
