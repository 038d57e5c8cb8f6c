"""compose.yaml: every process, asked for its own progress, with a token where it needs one and rights nowhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import celeryconfig
from campaigns import __version__
from campaigns.settings import Settings
from tests.deploy.files import ASIDE, DEPLOY, compose, compose_processes, procfile, queues_of

#: What compose.yaml may say of a service. Compose itself refuses a word that it does not know.
WORDS = {
    "build", "cap_drop", "command", "depends_on", "environment", "healthcheck", "image", "ports", "profiles",
    "read_only", "restart", "secrets", "security_opt", "stop_grace_period", "tmpfs", "user", "volumes",
}  # fmt: skip


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def test_every_word_is_known() -> None:
    assert set(compose()) - {"name", "services", "volumes", "secrets"} == {
        "x-shut-in", "x-settings", "x-process", "x-worker", "x-health",
    }  # fmt: skip
    assert {word for service in services().values() for word in service} <= WORDS


def test_every_process_and_what_stands_aside() -> None:
    assert set(compose_processes()) == {*procfile(), *ASIDE}
    profiles = {name: service["profiles"] for name, service in services().items() if "profiles" in service}
    assert profiles == {name: [name] for name in (*ASIDE, "sandbox")}


@pytest.mark.parametrize("name", ["store", "sandbox", *sorted(ASIDE), *procfile()])
def test_a_container_is_shut_in(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert service["image"] in {f"viber-campaigns:{__version__}", "valkey/valkey:8-bookworm"}
    if name != "store":
        assert [place.partition(":")[0] for place in service["tmpfs"]] == ["/tmp"]


def test_each_is_asked_for_its_own_progress() -> None:
    for name, service in compose_processes().items():
        queues = queues_of(service["command"])
        asked = ["campaigns", "alive", *(["--queues", ",".join(queues)] if queues else [name])]
        if name == "metrics":
            # It answers for itself, also while there is no store.
            port = service["command"].split()[-1]
            asked = ["python", "-c", f"from urllib.request import urlopen; urlopen('http://127.0.0.1:{port}/')"]
        assert service["healthcheck"]["test"] == ["CMD", *asked]
        # Python needs a second of processor time, which may be several of the clock.
        assert service["healthcheck"]["timeout"] == "10s"


def test_no_process_is_stopped_amid_a_request() -> None:
    for service in compose_processes().values():
        assert int(service["stop_grace_period"].removesuffix("s")) > celeryconfig.worker_soft_shutdown_timeout


def test_settings_are_read_and_only_workers_have_tokens(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("of-an-account\n", "utf-8")
    for service in compose_processes().values():
        env = {name: _without_variables(value) for name, value in service["environment"].items()}
        if queues_of(service["command"]):
            (secret,) = service["secrets"]
            assert env["CAMPAIGNS_TOKEN_FILE"] == f"/run/secrets/{secret}"
            assert secret in compose()["secrets"]
            assert Settings.from_env({**env, "CAMPAIGNS_TOKEN_FILE": str(token)}).token("default")
        else:
            assert "secrets" not in service
            assert not Settings.from_env(env).accounts


def test_what_is_mounted_and_built_exists() -> None:
    for service in services().values():
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        for place in service.get("volumes", []):
            source = place.partition(":")[0]
            assert (DEPLOY / source).is_file() if source.startswith(".") else source in compose()["volumes"]


def _without_variables(text: str) -> str:
    """What compose makes of it where nothing is set: `${NAME:-default}` is its default."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)
