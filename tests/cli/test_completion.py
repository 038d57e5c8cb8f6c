"""What Tab completes, in a real shell where there is one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.conftest import environment
from tests.support.jobs import bulk_job, phones
from tests.support.processes import ROOT
from tests.support.stage import Stage
from tests.support.waiting import wait_until


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(run: Run, shell: str) -> None:
    script = run("completion", shell)
    assert script.exit_code == 0, script.output
    assert f"_CAMPAIGNS_COMPLETE={shell}_complete" in script.stdout
    assert "campaigns" in script.stdout


def test_campaigns_and_accounts(run: Run, stage: Stage) -> None:
    campaign = stage.enqueue(bulk_job(phones(1), name="Spring"))

    def completed(words: str, shell: str = "bash") -> str:
        at = {
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
            "_CAMPAIGNS_COMPLETE": f"{shell}_complete",
        }
        return run(env=at, prog_name="campaigns").stdout.rstrip("\n")

    # On a busy machine Redis may tell too late, and then nothing is completed: whoever sees that presses Tab again.
    wait_until(lambda: completed("campaigns status ") == f"plain,{campaign.id}")
    wait_until(lambda: completed(f"campaigns export {campaign.id[:5]}") == f"plain,{campaign.id}")
    assert completed("campaigns status x") == ""
    assert completed("campaigns resume-account d") == "plain,default"
    wait_until(lambda: "ready  Spring" in completed("campaigns status ", "zsh"))
    assert "--dry-run" in completed("campaigns send --d")


def complete(env: dict[str, str], words: str) -> tuple[str, str, float]:
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "campaigns.cli"],
        env=env | {"COMP_WORDS": words, "COMP_CWORD": "2", "_CAMPAIGNS_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return ended.stdout.rstrip("\n"), ended.stderr, time.monotonic() - began


def test_without_redis_it_is_silent_and_does_not_wait(free_port: int) -> None:
    env = environment(f"redis://127.0.0.1:{free_port}/0", "http://127.0.0.1:9", "x:")
    *_, without_looking_s = complete(env, "campaigns resume-account ")
    said, complained, lasted_s = complete(env, "campaigns status ")
    assert (said, complained) == ("", "")
    # The client by itself tries for ten seconds. How long the command takes to start depends on the machine.
    assert lasted_s - without_looking_s < 6


def test_with_wrong_settings_it_is_silent() -> None:
    said, complained, _ = complete(environment("nowhere", "http://127.0.0.1:9", "x:"), "campaigns resume-account ")
    assert (said, complained) == ("", "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_in_bash(stage: Stage, prefix: str, tmp_path: Path) -> None:
    campaign = stage.enqueue(bulk_job(phones(1)))
    settings = stage.services.settings
    command = tmp_path / "campaigns"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m campaigns.cli "$@"\n')
    command.chmod(0o755)
    env = environment(settings.redis_url, settings.gateway_url, prefix)
    script = """
        eval "$(campaigns completion bash)"
        COMP_WORDS=(campaigns status "") COMP_CWORD=2
        _campaigns_completion campaigns
        echo "${COMPREPLY[@]}"
    """

    def pressed() -> bool:
        ended = subprocess.run(
            ["bash", "-c", script],
            env=env | {"PATH": f"{tmp_path}:{env['PATH']}", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.stderr == ""
        assert ended.stdout in {"\n", f"{campaign.id}\n"}
        return ended.stdout != "\n"

    wait_until(pressed)
