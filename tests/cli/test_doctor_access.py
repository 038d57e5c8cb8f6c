"""Who may use the server: the doctor tries it without a password, where other machines can reach it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from campaigns.cli.doctor.access import check_access, is_reachable, without_login
from campaigns.cli.doctor.findings import OK, WARN, Finding
from campaigns.settings import Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import INTERACTIVE, connect, open_store


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server of which others believe that they can reach it, with a user `me`.

    The `-` in front of an address lets a server run that does not have it.
    """
    with EmbeddedServer(tmp_path_factory.mktemp("own")) as server, connect(Settings(redis_url=server.url)) as redis:
        redis.config_set("protected-mode", "no")
        redis.config_set("bind", "127.0.0.1 -192.0.2.1")
        redis.acl_setuser("me", enabled=True, passwords=["+pass4"], keys=["*"], channels=["*"], categories=["+@all"])
        yield server


def examined(url: str) -> dict[str, Finding]:
    settings = Settings(redis_url=url)
    timeouts = INTERACTIVE._replace(give_up_s=0.0)
    return {finding.what: finding for finding in check_access(open_store(settings), settings, timeouts)}


def with_login(server: EmbeddedServer, login: str) -> str:
    return server.url.replace("redis://", f"redis://{login}")


@pytest.fixture
def default_off(own_server: EmbeddedServer) -> Iterator[None]:
    """As deploy/redis.acl has it: nobody can log in as `default`, who has all rights."""
    with connect(Settings(redis_url=with_login(own_server, "me:pass4@"))) as redis:
        redis.execute_command("ACL", "SETUSER", "default", "off")
        yield
        redis.execute_command("ACL", "SETUSER", "default", "on", "~*", "&*", "+@all")


@pytest.mark.parametrize("login", ["", "me:pass4@"])
def test_no_password(own_server: EmbeddedServer, login: str) -> None:
    """Also where these processes have one: others need none."""
    (finding,) = examined(with_login(own_server, login)).values()
    assert finding.verdict == WARN
    assert "obeys clients without a password" in finding.found
    assert "deploy/redis.acl" in finding.remedy
    assert "pass4" not in str(finding)


@pytest.mark.usefixtures("default_off")
def test_a_password(own_server: EmbeddedServer) -> None:
    (finding,) = examined(with_login(own_server, "me:pass4@")).values()
    assert (finding.verdict, finding.found) == (OK, "only with a password or certificate")


@pytest.mark.usefixtures("default_off")
@pytest.mark.parametrize("right", ["-@all", "-@write", "-hset", "resetkeys"])
def test_default_without_rights(own_server: EmbeddedServer, right: str) -> None:
    """It is off, and would lose the ledger at a restart of many servers."""
    with connect(Settings(redis_url=with_login(own_server, "me:pass4@"))) as redis:
        redis.execute_command("ACL", "SETUSER", "default", right)
    found = examined(with_login(own_server, "me:pass4@"))
    assert found["user default"].verdict == WARN
    assert "ACL SETUSER default" in found["user default"].remedy


@pytest.mark.usefixtures("default_off")
def test_a_user_that_may_not_ask(own_server: EmbeddedServer) -> None:
    """The doctor says nothing of `default` then."""
    with connect(Settings(redis_url=with_login(own_server, "me:pass4@"))) as redis:
        redis.acl_setuser(
            "few",
            enabled=True,
            passwords=["+p"],
            keys=["*"],
            channels=["*"],
            categories=["+@all", "-@dangerous"],
            commands=["+info"],
        )
        redis.execute_command("ACL", "SETUSER", "default", "-@all")
    assert list(examined(with_login(own_server, "few:p@"))) == ["access to the server"]


def test_an_address_without_what_shows_who_asks() -> None:
    tls = "rediss://u:p@store.example:6380/0?ssl_certfile=/c&ssl_ca_certs=/ca&password=p&ssl_keyfile=/k"
    assert without_login(tls) == "rediss://store.example:6380/0?ssl_ca_certs=%2Fca"
    assert without_login("redis://store:6379/0") == "redis://store:6379/0"
    assert without_login("sentinel://u:p@a:1,b:2/main/0") == "sentinel://a:1,b:2/main/0"
    assert without_login("unix://u:p@/run/s?db=1") == "unix:///run/s?db=1"


@pytest.mark.parametrize(
    ("url", "bound", "reached"),
    [
        ("redis://127.0.0.1:6379/0", "", False),
        ("redis://localhost:6379/0", "127.0.0.1 -::1", False),
        ("redis://localhost:6379/0", "* -::*", True),
        ("redis://[::1]:6379/0", "127.0.0.1 10.0.0.5", True),
        ("unix:///run/redis.sock", "", False),
        ("unix:///run/redis.sock", "0.0.0.0", True),
        ("redis://10.0.0.5:6379/0", "", True),
        ("rediss://store:6379/0", "", True),
        ("sentinel://127.0.0.1:26379/main/0", "", True),
    ],
)
def test_which_servers_others_can_reach(url: str, bound: str, reached: bool) -> None:
    assert is_reachable(url, bound) is reached


def test_protected_mode(own_server: EmbeddedServer) -> None:
    """Without a password, such a server takes clients of its own machine only."""
    with connect(Settings(redis_url=own_server.url)) as redis:
        redis.config_set("protected-mode", "yes")
        found = examined(own_server.url)
        redis.config_set("protected-mode", "no")
    assert [finding.found for finding in found.values()] == ["only from its own machine"]
