"""The doctor finds the fault that was planted in server, broker, gateway or settings, no other, and names what to do."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from rich.console import Console

from campaigns.cli.doctor.examination import examine
from campaigns.cli.doctor.findings import FAIL, OK, WARN
from campaigns.cli.doctor.server import of_replicas, of_version
from campaigns.cli.doctor.table import findings_table
from campaigns.sandbox.server import Sandbox
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from campaigns.store.embedded import EmbeddedServer
from campaigns.store.keys import Keys
from campaigns.wiring import connect
from tests.cli.conftest import Run, found, only
from tests.support.holes import full_port, silent_port
from tests.support.stage import Stage


@contextmanager
def configured(stage: Stage, **options: Any) -> Iterator[None]:
    """The server with other options, as CONFIG SET has them."""
    redis = stage.services.store.redis
    names = {name.replace("_", "-"): value for name, value in options.items()}
    before = {name: redis.config_get(name)[name] for name in names}
    for name, value in names.items():
        redis.config_set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            redis.config_set(name, value)


def test_all_well(run: Run, alive: Stage) -> None:
    assert found(run) == {}
    assert run("doctor").stdout.splitlines()[-1] == "all well"
    assert alive.sandbox.summary()["requests"] == {"getViberMessages": 2}  # and nothing that costs


@pytest.mark.parametrize(
    ("options", "what", "verdict", "words", "remedy"),
    [
        ({"maxmemory_policy": "allkeys-lru"}, "eviction", "fail", "deletes campaigns", "maxmemory-policy noeviction"),
        ({"appendfsync": "everysec"}, "persistence", "warn", "appendfsync is everysec", "appendfsync always"),
        ({"appendonly": "no"}, "persistence", "warn", "appendonly is off", "appendonly yes"),
    ],
)
def test_the_server_is_set_wrongly(
    run: Run, alive: Stage, options: dict[str, str], what: str, verdict: str, words: str, remedy: str
) -> None:
    with configured(alive, **options):
        only(run, what, verdict, words, remedy)


def test_memory_is_short(run: Run, alive: Stage, prefix: str) -> None:
    store = alive.services.store
    # So much that a connection more or less makes no difference.
    store.ask(Redis.setrange, f"{prefix}much", 50_000_000, b"x")
    used = store.ask(Redis.info, "memory")["used_memory"]
    with configured(alive, maxmemory=int(used / 0.88)):
        only(run, "memory", "warn", " of ", "raise maxmemory")
    store.ask(Redis.delete, f"{prefix}much")


def test_the_server_is_old() -> None:
    assert of_version("redis", "6.0.16").verdict == "fail"
    assert of_version("redis", "6.2.0").verdict == "ok"
    assert of_version("valkey", "9.1.0").verdict == "ok"


def test_no_token(run: Run, alive: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAMPAIGNS_TOKEN")
    only(run, "token", "fail", "no account has one", "set CAMPAIGNS_TOKEN")


def test_a_wrong_token(run: Run, alive: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox(tokens=frozenset({"another"})) as strict:
        monkeypatch.setenv("CAMPAIGNS_GATEWAY_URL", strict.url)
        only(run, "token of default", "fail", "HTTP 401", "check CAMPAIGNS_TOKEN")


def test_an_account_whose_limit_is_used_up(run: Run, alive: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it was not asked is no fault of the token, and says what to do."""
    monkeypatch.setenv("CAMPAIGNS_RATE_LIMIT", "1/3600")
    run("doctor")
    rows = [json.loads(line) for line in run("doctor", "--json").stdout.splitlines()]
    (found,) = [row for row in rows if row["what"] == "token of default"]
    assert found["verdict"] == "skip"
    assert found["found"] == "not asked: the account's limit of requests is used up at the moment"
    assert found["remedy"]


def test_the_gateway_is_down(run: Run, alive: Stage) -> None:
    alive.sandbox.stop()
    only(run, "gateway", "fail", "not sent: ConnectionRefusedError", "check CAMPAIGNS_GATEWAY_URL")


def test_the_gateway_fails(run: Run, alive: Stage) -> None:
    alive.sandbox.fault("error_500_before", "getViberMessages")
    only(run, "gateway", "fail", "HTTP 500", "check CAMPAIGNS_GATEWAY_URL")


def test_the_gateway_hangs(run: Run, alive: Stage) -> None:
    alive.sandbox.fault("hang_before", "getViberMessages", delay_s=8)
    only(run, "gateway", "fail", "no whole answer", "check CAMPAIGNS_GATEWAY_URL")


def test_the_broker_is_down(run: Run, alive: Stage, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPAIGNS_BROKER_URL", f"redis://u:broker-secret@127.0.0.1:{free_port}/0")
    ill = found(run)
    assert list(ill) == ["broker"]
    assert f"127.0.0.1:{free_port}" in ill["broker"][1]
    assert "set CAMPAIGNS_BROKER_URL to its address" in ill["broker"][2]
    assert "broker-secret" not in str(ill)


def test_a_broker_of_its_own(run: Run, alive: Stage, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPAIGNS_BROKER_URL", server.url.replace("/0", "/1"))
    assert found(run) == {}


def test_clocks_differ(alive: Stage, prefix: str) -> None:
    settings = alive.services.settings
    ahead = Store(connect(settings), Keys(prefix), now_ms=lambda: round(time.time() * 1000) + 9_000)
    ill = [f for f in examine(settings, ahead) if f.verdict in {"warn", "fail"}]
    assert [(f.verdict, f.what) for f in ill] == [("warn", "clock")]
    assert "this machine 9.0 s from the server's" in ill[0].found
    assert "NTP" in ill[0].remedy


@pytest.mark.parametrize("hole", ["closed", "silent", "full"])
def test_nobody_answers(run: Run, hole: str, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the server, not the broker, not the gateway: all three are told, in time."""
    holes: dict[str, Callable[[], Any]] = {"silent": silent_port, "full": full_port, "closed": lambda: _just(free_port)}
    with holes[hole]() as port:
        monkeypatch.setenv("CAMPAIGNS_REDIS_URL", f"redis://u:store-secret@127.0.0.1:{port}/0")
        monkeypatch.setenv("CAMPAIGNS_BROKER_URL", f"redis://u:store-secret@127.0.0.1:{port}/1")
        monkeypatch.setenv("CAMPAIGNS_GATEWAY_URL", f"http://127.0.0.1:{port}")
        ill = found(run)
    assert {what: verdict for what, (verdict, _, _) in ill.items()} == dict.fromkeys(
        ("server", "broker", "gateway"), "fail"
    )
    assert "CAMPAIGNS_REDIS_URL" in ill["server"][2]
    assert "store-secret" not in str(ill)


@contextmanager
def _just(port: int) -> Iterator[int]:
    yield port


def test_only_the_server_hangs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs no server is looked at all the same."""
    with silent_port() as port:
        monkeypatch.setenv("CAMPAIGNS_REDIS_URL", f"redis://127.0.0.1:{port}/0")
        only(run, "server", "fail", f"127.0.0.1:{port}", "start Redis or Valkey")
        assert '"token of default"' in run("doctor", "--json").stdout


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_fits_the_screen(stage: Stage, columns: int) -> None:
    written = io.StringIO()
    Console(width=columns, file=written).print(findings_table(examine(stage.services.settings)))
    lines = written.getvalue().splitlines()
    assert max(len(line) for line in lines) <= columns
    assert "\x1b" not in written.getvalue()
    assert lines[-1] == "7 problems"
    began = [line for line in lines if line[:4].strip() in {"ok", "warn", "fail", "skip"}]
    assert {line[4:6] for line in began} == {"  "}
    assert len({len(line) - len(line[4:].lstrip()) for line in began}) == 1


def test_in_a_pipe_nothing_is_wrapped_or_padded(run: Run, stage: Stage) -> None:
    lines = run("doctor").stdout.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    assert lines[-1] == "7 problems"
    assert {line[:4].strip() for line in lines[:-1]} == {"ok", "fail", ""}


@pytest.mark.parametrize(
    ("there", "wanted", "verdict"), [(0, 0, OK), (1, 1, OK), (1, 0, WARN), (2, 1, WARN), (0, 1, FAIL), (1, 2, FAIL)]
)
def test_replicas_are_as_many_as_the_setting_asks_for(there: int, wanted: int, verdict: str) -> None:
    assert of_replicas({"role": "master", "connected_slaves": there}, wanted).verdict == verdict
