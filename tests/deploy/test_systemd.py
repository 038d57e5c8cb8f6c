"""The units of systemd: what their user may do, when they end, and what systemd itself says of them."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

import celeryconfig
from campaigns.health.liveness import Limits
from campaigns.settings import Settings
from tests.deploy.files import ASIDE, SYSTEMD, Unit, procfile, read_unit, units

#: What closes to a process that was taken over everything it has no use for.
HARDENED = {
    "CapabilityBoundingSet": [""],
    "NoNewPrivileges": ["yes"],
    "PrivateDevices": ["yes"],
    "PrivateTmp": ["yes"],
    "PrivateUsers": ["yes"],
    "ProtectHome": ["yes"],
    "ProtectKernelModules": ["yes"],
    "ProtectProc": ["invisible"],
    "ProtectSystem": ["strict"],
    "MemoryDenyWriteExecute": ["yes"],
    "RestrictAddressFamilies": ["AF_INET AF_INET6 AF_UNIX"],
    "RestrictNamespaces": ["yes"],
    "SystemCallFilter": ["@system-service", "~@privileged @resources"],
    "UMask": ["0077"],
}


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units in a folder of their own, with a command that exists on every machine."""
    folder = tmp_path / "units"
    shutil.copytree(SYSTEMD, folder)
    for path in folder.glob("*.service"):
        text = path.read_text("utf-8").replace("/opt/viber-campaigns/.venv/bin/celery", "/bin/true")
        path.write_text(text.replace("/opt/viber-campaigns/.venv/bin/campaigns", "/bin/true"), "utf-8")
    return folder


def analyzed(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    """What systemd-analyze says of the services in `folder`; None where there is none that reads files."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None or int(subprocess.check_output([analyze, "--version"], text=True).split()[1]) < 250:
        return None
    files = [str(path) for path in sorted(folder.glob("*.service"))]
    env = {**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"}
    return subprocess.run([analyze, *arguments, *files], env=env, capture_output=True, text=True, check=False)


def test_one_unit_for_each_process_and_each_is_wanted() -> None:
    assert set(units()) == {*procfile(), *ASIDE}
    target = (SYSTEMD / "viber-campaigns.target").read_text("utf-8")
    wanted = next(line for line in target.splitlines() if line.startswith("Wants=")).removeprefix("Wants=").split()
    assert wanted == [f"viber-campaigns-{name}.service" for name in procfile()]
    for unit in units().values():
        assert unit["Install"]["WantedBy"] == unit["Unit"]["PartOf"] == ["viber-campaigns.target"]


@pytest.mark.parametrize("name", [*procfile(), *sorted(ASIDE)])
def test_what_a_unit_may_do(name: str) -> None:
    service = units()[name]["Service"]
    assert {directive: service[directive] for directive in HARDENED} == HARDENED


def test_systemd_finds_little_exposed(installed: Path) -> None:
    """3.0 of 10 or less; what is left is mostly that they use the network."""
    result = analyzed(installed, "security", "--offline=true", "--threshold=30", "--no-pager")
    assert result is None or result.returncode == 0, result.stdout


def test_systemd_reads_every_line(installed: Path) -> None:
    result = analyzed(installed, "verify")
    if result is not None:
        # It complains about other units of the machine too, and it ends with 0 after most of its complaints.
        assert [line for line in result.stderr.splitlines() if "viber-campaigns" in line] == []


def test_their_user_is_made() -> None:
    lines = (SYSTEMD / "sysusers.conf").read_text("utf-8").splitlines()
    made = [line.split()[1] for line in lines if line.startswith("u ")]
    assert {unit["Service"]["User"][0] for unit in units().values()} == set(made) == {"viber-campaigns"}
    sysusers = shutil.which("systemd-sysusers")
    if sysusers is not None:
        subprocess.run([sysusers, "--dry-run", str(SYSTEMD / "sysusers.conf")], capture_output=True, check=True)


def test_what_is_in_common_overrides_nothing() -> None:
    """systemd reads it after the unit, so a value of the unit's own would be lost."""
    common: Unit = {}
    read_unit(SYSTEMD / "viber-campaigns-.service.d" / "common.conf", common)
    for path in SYSTEMD.glob("*.service"):
        alone: Unit = {}
        read_unit(path, alone)
        assert not alone["Service"].keys() & common["Service"].keys()


def test_the_command_runs_as_the_units_do() -> None:
    """`campaigns` of the steps: same user, settings and signs of life, and a name for the record."""
    script = SYSTEMD / "campaigns"
    assert os.access(script, os.X_OK)
    subprocess.run(["/bin/sh", "-n", str(script)], check=True)
    words = shlex.split(script.read_text("utf-8"), comments=True)
    service = units()["beat"]["Service"]
    assert {f"User={service['User'][0]}", f"EnvironmentFile={service['EnvironmentFile'][0]}"} <= set(words)
    assert service["Environment"][0] in words
    assert words[words.index("$@") - 1] == "/opt/viber-campaigns/.venv/bin/campaigns"
    assert any(word.startswith("LOGNAME=") for word in words)


def test_the_user_stands_in_the_unit_itself() -> None:
    """Installed without the folder beside it, it does not run as root."""
    for path in SYSTEMD.glob("*.service"):
        alone: Unit = {}
        read_unit(path, alone)
        assert alone["Service"]["User"] == ["viber-campaigns"]


def test_the_settings_are_some(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("of-an-account\n", "utf-8")
    text = (SYSTEMD / "environment").read_text("utf-8").replace("#CAMPAIGNS_", "CAMPAIGNS_")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    env = dict(line.split("=", 1) for line in lines)
    settings = Settings.from_env({**env, "CAMPAIGNS_TOKEN_FILE": str(token)})
    assert settings.token("default").reveal() == "of-an-account"
    assert settings.callback_base_url is not None


def test_no_process_is_stopped_amid_a_request() -> None:
    for unit in units().values():
        assert int(unit["Service"]["TimeoutStopSec"][0]) > celeryconfig.worker_soft_shutdown_timeout
        assert unit["Service"]["KillMode"] == ["mixed"]


def test_the_watchdog_allows_what_liveness_does() -> None:
    """A worker that waits for work to be overdue, and a try to reach the broker, are silent for less."""
    limits = Limits()
    for name, unit in units().items():
        assert unit["Service"]["Restart"] == ["always"]
        if name == "metrics":  # which says nothing to systemd
            assert "WatchdogSec" not in unit["Service"]
            continue
        (silence,) = unit["Service"]["WatchdogSec"]
        assert limits.work_s < int(silence) < limits.broker_s
