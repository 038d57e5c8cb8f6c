"""Who may talk to a sandbox."""

from __future__ import annotations

import pytest

from campaigns.sandbox.models import Refusal
from campaigns.sandbox.origin_guard import OriginGuard

LOCAL = "127.0.0.1"
ANYWHERE = "0.0.0.0"


def refused(bound: str, headers: dict[str, str], method: str = "POST", path: str = "/_sandbox/reset") -> bool:
    try:
        OriginGuard(bound).check(method, path, headers)
    except Refusal as refusal:
        assert refusal.http_status == 403
        return True
    return False


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8025", "localhost:8025", "LOCALHOST", "127.8.0.1", "[::1]:8025", "a.localhost"]
)
@pytest.mark.parametrize("bound", [LOCAL, ANYWHERE, "localhost", "::1"])
def test_loopback_is_always_ours(host: str, bound: str) -> None:
    assert not refused(bound, {"Host": host})


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8025", "127.0.0.1.evil.example", "localhost.evil.example",
                                  "evil.example@127.0.0.1", "127.0.0.1/evil.example", "", "[", "10.0.0.5", "sandbox"])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_names_are_not(host: str, method: str) -> None:
    """So a name that is made to point to this machine leads nowhere, not even to reading."""
    assert refused(LOCAL, {"Host": host}, method, "/")


@pytest.mark.parametrize(
    ("host", "wrong"),
    [("10.0.0.5:8025", False), ("[fd00::5]:8025", False), ("sandbox:8025", False), ("host.docker.internal", False),
     ("evil.example:8025", True), ("sandbox.by", True)],
)  # fmt: skip
def test_bound_to_more_than_loopback(host: str, wrong: bool) -> None:
    """Names that nobody can make point here are believed: addresses, names without a dot, private ones."""
    assert refused(ANYWHERE, {"Host": host}) is wrong


def test_the_name_it_was_bound_to() -> None:
    assert not refused("sandbox.by", {"Host": "sandbox.by:8025"})


@pytest.mark.parametrize(
    ("origin", "wrong"),
    [("http://127.0.0.1:8025", False), ("http://127.0.0.1:3000", True), ("http://localhost:8025", True),
     ("https://evil.example", True), ("null", True), ("", True), ("file://", True)],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/_sandbox/reset", "/_sandbox/page/reply", "/api/v2/sendQuickViberMessage"])
def test_origins(origin: str, path: str, wrong: bool) -> None:
    """Only the sandbox's own page, even against others on this machine."""
    assert refused(LOCAL, {"Host": "127.0.0.1:8025", "Origin": origin}, path=path) is wrong


@pytest.mark.parametrize(
    ("site", "method", "path", "wrong"),
    [("none", "GET", "/_sandbox/summary", False), ("same-origin", "POST", "/_sandbox/reset", False),
     ("cross-site", "GET", "/", False), ("same-site", "GET", "/", False), ("cross-site", "POST", "/", True),
     ("cross-site", "GET", "/api/v1/sendBulkViber", True), ("same-site", "GET", "/_sandbox/page/state", True)],
)  # fmt: skip
def test_what_browsers_say_of_a_request(site: str, method: str, path: str, wrong: bool) -> None:
    """A link to the page may be followed; a picture or a form elsewhere sends nothing."""
    assert refused(LOCAL, {"Host": "127.0.0.1:8025", "Sec-Fetch-Site": site}, method, path) is wrong
