"""Addresses of store and broker: every mistake is a setting with a name, a reason and a remedy, and shows no password."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

import pytest

from campaigns.broker import options as broker
from campaigns.errors import SettingsError
from campaigns.settings import Settings, addresses, sentinels

BOTH = {
    "reddis://h/0": "did you mean redis://",
    "redis//h/0": "must be a URL that starts with",
    "valkey://h/0": "write redis://",
    "valkeys://h/0": "write rediss://",
    "sentinel://h/0": "does not name the primary",
    "sentinel://h:26379": "does not name the primary",
    "sentinel://h/?x=1": "does not name the primary",
    "sentinel://h,/mymaster": "no readable hosts",
    "sentinel://h:99999/mymaster": "no readable hosts",
    "sentinel://:s3cret/b@h/mymaster/0": "write / as %2F",
    "sentinel://:s3cret@h/mymaster/first": "a database that is not a number",
    "sentinel://h/mymaster?sentinel_password=": "remove it",
    "sentinel://h/mymaster?sentinel_token=s3cret": "cannot be set here, 'sentinel_token'",
    "sentinel://h/mymaster?ssl_ca_certs=/no": "needs rediss:// or sentinels://",
    "sentinels://h/mymaster?ssl_ca_certs=/no": "names a file that does not exist",
    "sentinel://h/mymaster?sentinel_password=a&sentinel_password=b": "'sentinel_password' twice",
    "sentinel://a:26379;sentinel://b:26379": "write sentinel://HOST:26379,HOST:26379/NAME/0",
    "redis+sentinel://a:26379/mymaster/0": "write sentinel://",
    "redis+socket:///run/x.sock": "write unix:///PATH?db=0",
    "redis://:s3cret#b@h/0": "write it as %23",
    "redis://:s3cret/b@h/0": "write / as %2F",
    "redis://:12/s3cret@h/0": "write / as %2F",
    "redis://:s3cret?b@h/0": "? as %3F",
    "redis://:s3cret b@h/0": "a space as %20",
    "redis://[::1/0": "HOST:6379",
    "redis://h:99999/0": "HOST:6379",
    "redis://h:0/0": "port 0",
    "redis://h/first": "a database that is not a number",
    "redis://h/0/1": "a database that is not a number",
    "redis://h/0?foo=s3cret": "cannot be set here, 'foo'",
    "redis://h/0?decode_responses=true": "cannot be set here, 'decode_responses'",
    "redis://h/0?credential_provider=os.abort": "cannot be set here",
    "redis://h/0?S3cret": "cannot be set here",
    "redis://h/0?protocol=4": "'protocol' with a value that cannot be used",
    "redis://h/0?socket_timeout=0": "'socket_timeout' with a value",
    "redis://h/0?socket_timeout=nan": "'socket_timeout' with a value",
    "redis://h/0?health_check_interval=often": "'health_check_interval' with a value",
    "redis://h/0?db=1&db=2": "'db' twice",
    "redis://h/0?ssl_ca_certs=/no": "needs rediss:// or sentinels://",
    "rediss://h/0?ssl_ca_certs=/no/such": "names a file that does not exist",
    "rediss://h/0?ssl_cert_reqs=perhaps": "'ssl_cert_reqs' with a value",
    "unix://run/redis.sock": "three slashes",
}
BROKER_ONLY = {
    "memory://": "amqps://",
    "amqp://u:s3cret/w@h/v": "write / as %2F",
    "amqp://h/v?confirm=1": "cannot be set here, 'confirm'",
    "amqp://h/v?heartbeat=x": "'heartbeat' with a value",
    "amqp://h/v?queue_type=stream": "'queue_type' that is not one of classic, quorum",
    "amqp://h/v?ssl_ca_certs=/no": "needs amqps://",
    "amqps://h/v?ssl_cert_reqs=perhaps": "not one of none, optional, required",
    "amqps://a/v;amqps://b/v": "ssl_server_hostname",
    "amqp://a/v;amqps://b/v": "give them the same",
    "redis://a/0;redis://b/0": "amqp://",
}


@pytest.mark.parametrize(
    ("variable", "url", "reason"),
    [
        *(("CAMPAIGNS_REDIS_URL", url, reason) for url, reason in BOTH.items()),
        *(("CAMPAIGNS_BROKER_URL", url, reason) for url, reason in (BOTH | BROKER_ONLY).items()),
    ],
)
def test_a_bad_address_is_a_setting_with_reason_and_remedy(variable: str, url: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({variable: url})
    assert list(caught.value.problems) == [variable]
    assert reason in caught.value.problems[variable]
    assert "s3cret" not in str(caught.value).lower()


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("redis://", {}),
        ("REDIS://h", {"host": "h"}),
        (" redis://h:7/3\n", {"host": "h", "port": 7, "db": 3}),
        ("redis://u:p%23%2F@h", {"host": "h", "username": "u", "password": "p#/"}),
        ("redis://:a;b@h", {"host": "h", "password": "a;b"}),
        ("redis://[::1]:7", {"host": "::1", "port": 7}),
        ("redis://h?health_check_interval=5&protocol=3", {"host": "h", "health_check_interval": 5, "protocol": 3}),
        ("redis://h?client_name=a%26b&max_connections=7", {"host": "h", "client_name": "a&b", "max_connections": 7}),
        ("unix://:p@/run/x.sock?db=2", {"path": "/run/x.sock", "password": "p", "db": 2}),
        ("rediss://h?ssl_cert_reqs=CERT_NONE", {"host": "h", "ssl_cert_reqs": "none"}),
        (
            "sentinel://u:p%2F@h:7,g/mymaster/3?sentinel_password=q",
            {"host": "h", "username": "u", "password": "p/", "db": 3},
        ),
        ("sentinels://h/mymaster?ssl_cert_reqs=CERT_NONE", {"host": "h", "ssl_cert_reqs": "none"}),
    ],
)
def test_options_that_redis_knows_are_taken(url: str, options: dict[str, object]) -> None:
    settings = Settings.from_env({"CAMPAIGNS_REDIS_URL": url, "CAMPAIGNS_BROKER_URL": url})
    assert settings.broker_url == settings.redis_url
    found = addresses.redis_options(settings.redis_url)
    found.pop("connection_class", None)
    assert found == options


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://:hidden@h:7/3", "h:7"),
        ("unix://:hidden@/run/x.sock", "/run/x.sock"),
        ("amqp://u:hidden@a/v;amqp://u:hidden@b:7/v", "a, b:7"),
        ("rediss://:hid%3Bden@[::1]:7", "[::1]:7"),
        ("sentinel://u:hidden@a:7,[::1]/m%20m/0?sentinel_password=hidden", "m m of a:7, [::1]:26379"),
    ],
)
def test_a_place_has_no_password(url: str, place: str) -> None:
    assert addresses.place(addresses.broker_url(url)) == place


def test_rabbitmq_over_tls_is_verified_unless_the_address_says_otherwise() -> None:
    tls = addresses.amqp(addresses.broker_url("amqps://u:p@h/v")).tls
    assert tls == {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": "h"}
    without = addresses.amqp(addresses.broker_url("amqps://u:p@h/v?ssl_cert_reqs=none&heartbeat=9"))
    assert without == addresses.Amqp("amqps://u:p@h/v", {"cert_reqs": ssl.CERT_NONE}, 9.0, "")
    assert addresses.amqp(addresses.broker_url("amqp://h")).tls is False


@pytest.mark.parametrize("kind", ["", "classic", "quorum"])
def test_rabbitmq_declares_queues_of_the_type_that_is_asked_for(kind: str) -> None:
    address = "amqp://u:p@h/v" + (f"?queue_type={kind}" if kind else "")
    assert addresses.amqp(addresses.broker_url(address)) == addresses.Amqp("amqp://u:p@h/v", False, None, kind)
    settings = Settings.from_env({"CAMPAIGNS_BROKER_URL": address})
    assert {(queue.queue_arguments or {}).get("x-queue-type", "") for queue in broker.queues(settings)} == {kind}


def test_sentinels_are_asked_with_their_own_login() -> None:
    url = addresses.store_url(
        "sentinel://u:p@a:7,[::1]/mymaster/3?sentinel_username=s&sentinel_password=p%26w&protocol=2"
    )
    assert sentinels.read(url) == sentinels.Sentinels(
        hosts=(("a", 7), ("::1", 26379)),
        name="mymaster",
        server="redis://u:p@a/3?protocol=2",
        login={"username": "s", "password": "p&w"},
    )
    assert urlsplit(url).port == 7, "kombu reads it by urllib"
    assert not addresses.is_tls(url)
    assert addresses.is_tls(url.replace("sentinel:", "sentinels:"))
