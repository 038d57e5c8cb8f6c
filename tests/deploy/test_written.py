"""The steps of deploy/README.md, read: `python -m tests.deploy.debian` types them in a fresh Debian."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.deploy.debian.image import instructions
from tests.deploy.debian.written import acl_steps, fetches, rolling_restart, systemd_steps
from tests.deploy.files import ASIDE, ROOT, procfile, units


@pytest.mark.parametrize("block", [*systemd_steps(), *acl_steps()], ids=[*systemd_steps()._fields, "acl", "acl-after"])
def test_a_block_can_be_typed(block: str) -> None:
    subprocess.run(["/bin/sh", "-n"], input=block, text=True, check=True)
    for name in re.findall(r"(?<!\S)deploy/\S+", block):
        assert list(ROOT.glob(name)), name


def test_blocks_are_what_they_are_taken_for() -> None:
    steps = systemd_steps()
    assert fetches(steps.store)
    assert fetches(steps.project)
    assert not any(map(fetches, steps[2:]))
    assert "TOKEN_FILE" in steps.settings
    assert "campaigns send" in steps.sandbox
    assert "enable --now viber-campaigns.target" in steps.start
    assert steps.ask.strip() == "campaigns doctor"
    assert all(f"viber-campaigns-{name}" in steps.aside for name in ASIDE)


def test_the_rolling_restart_names_every_process() -> None:
    assert re.findall(r"\w+", rolling_restart().partition(" in ")[2].partition(";")[0]) == list(procfile())


def test_the_token_lies_where_the_units_look() -> None:
    (settings,) = units()["quick"]["Service"]["EnvironmentFile"]
    (line,) = re.findall(r"^CAMPAIGNS_TOKEN_FILE=(.*)$", (ROOT / "deploy/systemd/environment").read_text("utf-8"), re.M)
    assert settings in systemd_steps().settings
    assert f"TOKEN_FILE {line}\n" in systemd_steps().settings


def test_the_image_can_be_made_by_hand() -> None:
    known = {"FROM", "WORKDIR", "RUN", "COPY", "ENV", "USER", "STOPSIGNAL", "HEALTHCHECK", "CMD"}
    assert {name for name, _ in instructions()} <= known
