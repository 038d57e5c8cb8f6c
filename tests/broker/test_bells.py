"""Wake-ups over the real broker: what is stored stays stored, and store and broker connect alike."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from celery.app.amqp import AMQP

from campaigns.broker import options as broker
from campaigns.broker.bells import Bells, broker_problem, message
from campaigns.enqueue import enqueue
from campaigns.errors import StoreError
from campaigns.settings import Settings
from campaigns.store.commands import Redis
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import INTERACTIVE, build_services, open_store
from tests.support.amqp import Broker
from tests.support.jobs import bulk_job, phones
from tests.support.tls import CERTIFICATE, TlsFront
from workers.app import app


@contextmanager
def silent_port() -> Iterator[int]:
    """Connections are accepted, and never answered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def sent(settings: Settings, queue: str = "bulk") -> list[str]:
    """The batches that lie in a queue of a Redis broker."""
    with broker.connection(settings) as connection:
        bound = {one.name: one for one in broker.queues(settings)}[queue](connection.channel())
        found = []
        while (taken := bound.get(no_ack=True, accept=["json"])) is not None:
            found.append(taken.payload[0][0])
        return found


@pytest.fixture
def rabbit() -> Iterator[Broker]:
    with Broker() as running:
        yield running


class TestNothingFailsAfterStoring:
    """An exception would say that the job was not taken; it would be enqueued again, and messaged twice."""

    @pytest.mark.parametrize("refused", ["password", "vhost", "silent", "closed", "not AMQP"])
    def test_broker_that_refuses(
        self, refused: str, settings: Settings, rabbit: Broker, caplog: pytest.LogCaptureFixture, free_port: int
    ) -> None:
        with silent_port() as silent:
            url = {
                "password": rabbit.url(password="wrong"),
                "vhost": rabbit.url(vhost="other"),
                "silent": f"amqp://127.0.0.1:{silent}",
                "closed": f"amqp://127.0.0.1:{free_port}",
                "not AMQP": f"redis://127.0.0.1:{rabbit.port}",
            }[refused]
            with caplog.at_level(logging.WARNING, "campaigns"):
                campaign = enqueue(build_services(replace(settings, broker_url=url)), bulk_job(phones(1)))
        assert campaign.status().state == "ready"
        assert [record.message for record in caplog.records] == ["wake_up_not_sent"]
        assert "wrong" not in caplog.text

    def test_wake_up_that_raises(self, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
        def ring(*_: object) -> bool:
            raise RuntimeError("whatever it is")

        campaign = enqueue(build_services(settings, ring=ring), bulk_job(phones(1)))
        assert campaign.status().state == "ready"
        assert "bell_not_rung" in caplog.text

    def test_rabbit_takes_it_and_a_connection_that_went_stale_is_renewed(
        self, settings: Settings, rabbit: Broker
    ) -> None:
        there = replace(settings, broker_url=rabbit.url())
        ring = Bells(there)
        services = build_services(there, ring=ring)
        enqueue(services, bulk_job(phones(1)))
        rabbit.drop_connections()
        assert ring("bulk")
        ring.close()
        assert [(queue, body[0]) for queue, body in rabbit.published] == [("bulk", ["bulk"])] * 2


class TestAddress:
    """One address, one set of options, for store and broker."""

    @pytest.mark.parametrize(
        "options",
        [
            "client_name={}",
            "client_name={}&protocol=2",
            "client_name={}&protocol=3&health_check_interval=5&socket_timeout=3",
        ],
    )
    def test_options_act_on_both_sides(
        self, options: str, settings: Settings, server: EmbeddedServer, prefix: str
    ) -> None:
        name = prefix.rstrip(":")
        separator = "&" if "?" in server.url else "?"
        url = server.url + separator + options.format(name)
        services = build_services(replace(settings, redis_url=url))
        enqueue(services, bulk_job(phones(1)))
        named = [client for client in services.store.ask(Redis.client_list) if client["name"] == name]
        assert len(named) >= 2
        assert sent(services.settings) == ["bulk"]

    @pytest.mark.parametrize("side", ["store", "broker"])
    def test_tls_verifies_the_server_on_both_sides(self, side: str, settings: Settings, server: EmbeddedServer) -> None:
        with TlsFront(server.url) as front:
            unknown = f"rediss://localhost:{front.port}"
            known = f"{unknown}?ssl_ca_certs={CERTIFICATE}"
            unverified = f"{unknown}?ssl_cert_reqs=none"
            reach = _store_reached if side == "store" else _broker_reached
            assert not reach(settings, unknown)
            assert front.handshakes == 0
            assert not reach(settings, known.replace("localhost", "127.0.0.1")), "its certificate has another name"
            assert reach(settings, known)
            assert reach(settings, unverified)

    def test_rabbit_over_tls_is_verified(self, settings: Settings, rabbit: Broker) -> None:
        with TlsFront(f"redis://127.0.0.1:{rabbit.port}") as front:
            unknown = f"amqps://guest:guest@localhost:{front.port}"
            assert not _broker_reached(settings, unknown)
            assert _broker_reached(settings, f"{unknown}?ssl_ca_certs={CERTIFICATE}")
            assert _broker_reached(settings, f"{unknown}?ssl_cert_reqs=none")


def _store_reached(settings: Settings, url: str) -> bool:
    try:
        return bool(open_store(replace(settings, redis_url=url), INTERACTIVE._replace(give_up_s=0.1)).ask(Redis.ping))
    except StoreError:
        return False


def _broker_reached(settings: Settings, url: str) -> bool:
    there = replace(settings, broker_url=url)
    reached = broker_problem(there) == ""
    ring = Bells(there)
    assert ring("bulk") is reached
    ring.close()
    return reached


class TestHostsCelery:
    """Settings of the host's Celery change nothing here."""

    def test_its_variables(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        for variable in ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL"):
            monkeypatch.setenv(variable, "amqp://127.0.0.1:1")
        monkeypatch.setenv("CELERY_LOADER", "nowhere")
        monkeypatch.setenv("CELERY_CONFIG_MODULE", "nowhere")
        enqueue(build_services(settings), bulk_job(phones(1)))
        assert sent(settings) == ["bulk"]
        assert "127.0.0.1:1" not in app.connection_for_write().as_uri()
        assert "127.0.0.1:1" not in app.connection_for_read().as_uri()
        assert "127.0.0.1:1" not in app.connection().as_uri()

    def test_a_message_is_what_celery_would_write(self) -> None:
        """So that a Celery of a later version which changes its protocol is noticed."""
        body, headers, properties = message("campaigns.work", ["b-1"])
        theirs = AMQP(app).as_task_v2("id", "campaigns.work", args=["b-1"], ignore_result=True)
        assert set(headers) <= set(theirs.headers)
        assert {name for name, value in theirs.headers.items() if value not in (None, 0, {}, [])} <= set(headers)
        assert set(properties) == set(theirs.properties)
        assert body == '[["b-1"], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
        assert headers["argsrepr"] == theirs.headers["argsrepr"]
