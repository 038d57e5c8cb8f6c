"""Programs and the sandbox's own page may send requests to a sandbox; pages of other origins may not.

A browser lets any page send requests to loopback, and names the page's origin in `Origin`. A page whose host name is
made to point to this machine (DNS rebinding) has the same origin as the sandbox, but its own name stands in `Host`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from campaigns.sandbox.models import Refusal

#: Ends of names that are never in the public DNS, so that no attacker can make them point to this machine.
_PRIVATE_ENDS: Final = (".localhost", ".test", ".internal")


class OriginGuard:
    """Checks requests to a sandbox that is bound to `host`."""

    def __init__(self, host: str) -> None:
        self._host = host.lower()
        self._open = not _is_loopback(self._host)

    def check(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Raises Refusal (403) for a request of a page of another origin, or for a name that is not the sandbox's."""
        asked = headers.get("Host", "").lower()
        if not self._is_ours(_name(asked)):
            raise Refusal(
                "The Host of this request is neither loopback nor the sandbox's own; start it with --host", 403
            )
        origin = headers.get("Origin")
        if origin is not None and origin.lower() not in {f"http://{asked}", f"https://{asked}"}:
            raise Refusal("Pages of other origins may not use the sandbox", 403)
        followed = method == "GET" and path == "/"  # a link to the page
        if headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"} and not followed:
            raise Refusal("Pages of other origins may not use the sandbox", 403)

    def _is_ours(self, name: str) -> bool:
        if not name:
            return False
        if name == self._host or _is_loopback(name):
            return True
        # A sandbox that is bound to more than loopback has other names; those that cannot be rebound are accepted.
        return self._open and (_is_address(name) or "." not in name or name.endswith(_PRIVATE_ENDS))


def _name(host: str) -> str:
    """The name in a Host header, without its port; empty for what is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "") if "@" not in host and "/" not in host else ""
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    return _is_address(name) and ipaddress.ip_address(name).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
