"""An authority of one's own and certificates of clients: the same options for store and broker, checked at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from campaigns.broker import options as broker
from campaigns.settings import Settings, addresses
from campaigns.store import connections
from campaigns.store.embedded import EmbeddedServer
from campaigns.store.keys import Keys
from tests.support.tls import CERTIFICATE, TlsFront

OTHER_KEY: Final = CERTIFICATE.with_name("other-key.pem")


@pytest.mark.parametrize("scheme", ["rediss://h/0", "sentinels://h/mymaster/0", "amqps://h/v"])
def test_files_that_could_not_be_used_are_refused_with_the_option_and_the_reason(scheme: str, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("no certificate")
    wrong = {
        f"ssl_ca_certs={rubbish}": "'ssl_ca_certs' whose file does not hold it as PEM",
        f"ssl_ca_certs={OTHER_KEY}": "'ssl_ca_certs' whose file does not hold it as PEM",
        f"ssl_ca_certs={tmp_path}": "'ssl_ca_certs' whose file",
        f"ssl_certfile={tmp_path / 'gone.pem'}": "'ssl_certfile' that names a file that does not exist",
        f"ssl_keyfile={CERTIFICATE}": "'ssl_keyfile' without 'ssl_certfile'",
        f"ssl_certfile={rubbish}": "must hold the key, too",
        f"ssl_certfile={CERTIFICATE}&ssl_keyfile={rubbish}": "'ssl_certfile' or 'ssl_keyfile' whose file",
        f"ssl_certfile={CERTIFICATE}&ssl_keyfile={OTHER_KEY}": "whose key does not belong to 'ssl_certfile'",
    }
    for options, reason in wrong.items():
        with pytest.raises(ValueError, match=reason):
            addresses.broker_url(f"{scheme}?{options}")
    own = f"ssl_ca_certs={CERTIFICATE}&ssl_certfile={CERTIFICATE}&ssl_keyfile={CERTIFICATE}"
    assert addresses.broker_url(f"{scheme}?{own}")


def test_store_and_broker_show_their_certificate_to_a_server_that_wants_one() -> None:
    with EmbeddedServer() as server, TlsFront(server.url, clients=CERTIFICATE) as front:
        known = f"rediss://localhost:{front.port}/0?ssl_ca_certs={CERTIFICATE}"
        with_certificate = f"{known}&ssl_certfile={CERTIFICATE}&ssl_keyfile={CERTIFICATE}"
        assert not _store_reached(known)
        assert _store_reached(with_certificate)
        assert not _broker_reached(known)
        assert _broker_reached(with_certificate)


def _store_reached(url: str) -> bool:
    pool = connections.pool_of(addresses.store_url(url), Keys("campaigns:"), {"socket_timeout": 5})
    with Redis(connection_pool=pool) as redis:
        try:
            return bool(redis.ping())
        except RedisError:
            return False
        finally:
            pool.disconnect()


def _broker_reached(url: str) -> bool:
    with broker.connection(Settings(redis_url="redis://127.0.0.1:1/0", broker_url=url)) as connection:
        try:
            connection.default_channel.client.ping()
        except (OperationalError, *connection.connection_errors):
            return False
        return True
