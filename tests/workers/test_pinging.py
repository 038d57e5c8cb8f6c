"""Beat's pings to a dead man's switch: one at a time, with a deadline, never in the way."""

from __future__ import annotations

import logging
import socket
import threading
import time

import pytest

from tests.conftest import Processes
from tests.gateway.wire import answering, serving
from tests.support.holes import free_ports, silent_port
from tests.support.processes import celery
from tests.support.waiting import wait_until
from workers.pinging import Pinger


def under_way() -> int:
    return sum(thread.name == "ping" for thread in threading.enumerate())


def test_it_asks_for_the_page_once_a_minute() -> None:
    clock_s = [1000.0]
    with serving(answering(b"OK")) as wire:
        pinger = Pinger(f"{wire.url}/ping/5d1e?a=b", monotonic=lambda: clock_s[0])
        for clock_s[0] in (1000.0, 1030.0, 1059.9, 1060.0):
            pinger.ping()
            wait_until(lambda: not under_way())
    lines = [request.split(b"\r\n")[0] for request in wire.requests]
    assert lines == [b"GET /ping/5d1e?a=b HTTP/1.1"] * 2


def test_a_switch_that_does_not_answer_holds_nothing_up() -> None:
    """No other ping begins while one is under way, and it ends at its deadline."""
    with silent_port() as port:
        pinger = Pinger(f"http://127.0.0.1:{port}/5d1e", every_s=0, deadline_s=1)
        began_s = time.monotonic()
        for _ in range(100):
            pinger.ping()
        assert time.monotonic() - began_s < 1
        assert under_way() == 1
        wait_until(lambda: not under_way(), 20)


def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    def drip(line: socket.socket, _: bytes) -> None:
        for piece in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000:
            line.send(bytes([piece]))
            time.sleep(0.1)

    with serving(drip) as wire:
        pinger = Pinger(wire.url, deadline_s=0.5)
        pinger.ping()
        wait_until(lambda: not under_way(), 20)


@pytest.mark.parametrize("status", ["500 Oh", "404 Not Found", "", "nonsense"])
def test_failures_are_logged_without_the_address(status: str, caplog: pytest.LogCaptureFixture) -> None:
    port = free_ports(1)[0]
    with serving(answering(b"", status)) as wire, caplog.at_level(logging.DEBUG):
        Pinger(f"{wire.url if status else f'http://127.0.0.1:{port}'}/5d1e").ping()
        wait_until(lambda: not under_way())
    assert caplog.messages == ["ping_refused" if status[:1].isdigit() else "ping_failed"]
    assert not any("5d1e" in str(vars(record)) for record in caplog.records)


def test_beat_pings_while_its_ticks_are_carried_out(processes: Processes) -> None:
    with serving(answering(b"OK")) as pinged, serving(answering(b"OK")) as silent:
        processes.start("beat", celery("beat"), processes.env | {"CAMPAIGNS_PING_URL": pinged.url})
        away = {
            "CAMPAIGNS_PING_URL": silent.url,
            "CAMPAIGNS_BROKER_URL": processes.env["CAMPAIGNS_REDIS_URL"],
            "CAMPAIGNS_REDIS_URL": f"redis://127.0.0.1:{free_ports(1)[0]}/0",
        }
        without_store = processes.start("beat", celery("beat", "--loglevel", "INFO"), processes.env | away)
        without_store.wait_for("tick_failed", 60)
        wait_until(lambda: pinged.requests)
    assert silent.requests == []
