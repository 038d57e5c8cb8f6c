"""The doctor before a server that does not let it in: what is wrong with certificates and permissions, and what to do."""

from __future__ import annotations

import pytest
from redis import Redis

from campaigns.store.embedded import EmbeddedServer
from tests.cli.conftest import Run
from tests.support.tls import CERTIFICATE, TlsFront


def test_each_closed_door_has_its_own_remedy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedServer() as server, TlsFront(server.url, clients=CERTIFICATE) as front:
        with Redis.from_url(server.url) as redis:
            redis.execute_command("ACL", "SETUSER", "mute", "on", "nopass", "~*", "-@all", "+hello", "+auth", "+client")
        unknown = f"rediss://localhost:{front.port}/0"
        doors = {
            unknown: ("CERTIFICATE_VERIFY_FAILED", "set ssl_ca_certs"),
            f"{unknown}?ssl_ca_certs={CERTIFICATE}": ("localhost", "add ssl_certfile and ssl_keyfile"),
            server.url.replace("redis://", "redis://mute:x@"): ("'get'", "allow the user in CAMPAIGNS_REDIS_URL"),
        }
        for url, (found, remedy) in doors.items():
            monkeypatch.setenv("CAMPAIGNS_REDIS_URL", url)
            reported = run("doctor", "--json").stdout
            assert found in reported
            assert remedy in reported
