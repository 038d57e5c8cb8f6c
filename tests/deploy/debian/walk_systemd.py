"""The steps for systemd, typed in a fresh Debian, then a campaign during which every service is restarted and killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.deploy.debian.root import Root, StepError, booted
from tests.deploy.debian.traffic import SETTINGS, Traffic, accepted
from tests.deploy.debian.written import acl_steps, fetches, rolling_restart, systemd_steps
from tests.deploy.files import ASIDE, ROOT, procfile

#: Where the project is checked out in there.
CHECKOUT: Final = "/root/viber-campaigns"
PYTHON: Final = "/opt/viber-campaigns/.venv/bin/python"
PASSWORD: Final = "word-of-the-walk"
ADDRESS: Final = "redis://127.0.0.1:6379"
RESTRICTED: Final = f"redis://campaigns:{PASSWORD}@127.0.0.1:6379"
SERVICES: Final = (*(f"viber-campaigns-{name}" for name in (*procfile(), *sorted(ASIDE))), "redis-server")
_LINES: Final = {
    "CAMPAIGNS_GATEWAY_URL": "http://127.0.0.1:8025",
    "CAMPAIGNS_CALLBACK_BASE_URL": "http://127.0.0.1:8026",
    **SETTINGS,
}


def walk(folder: Path) -> None:
    """Raises StepError at the first line that fails, and at the first thing that is not as promised."""
    check_out(folder)
    with booted(folder) as root:
        try:
            install(root)
            follow(root)
        except StepError:
            said(root.run("journalctl --no-pager --lines 200 --unit 'viber-campaigns*' --unit redis-server"))
            raise


def check_out(folder: Path) -> None:
    """As `git clone` gives it: what is committed, and nothing else."""
    command = ["git", "clone", "--quiet", f"file://{ROOT}", str(folder / CHECKOUT[1:])]
    subprocess.run(command, check=True)


def install(root: Root) -> None:
    """Type the steps until all units run, with the sandbox in the gateway's place."""
    steps = systemd_steps()
    (root.folder / CHECKOUT[1:] / "TOKEN_FILE").write_text("token-of-the-walk\n", "utf-8")
    root.run("apt-get update", network=True)
    for block in (steps.store, steps.project, steps.settings):
        typed(root, block)
    with (root.folder / "etc/viber-campaigns/environment").open("a", encoding="utf-8") as settings:
        settings.writelines(f"{name}={value}\n" for name, value in _LINES.items())
    for block in (steps.sandbox, steps.start):
        typed(root, block)
    wait_until(lambda: bool(typed(root, steps.ask)))
    typed(root, steps.aside)
    restrict(root)


def restrict(root: Root) -> None:
    """Let them in as a user of the store with least privilege, who finds what was written before."""
    before, after = acl_steps()
    typed(root, before)
    replace(root.folder / "etc/redis/viber-campaigns.acl", "user campaigns on", f"user campaigns on >{PASSWORD}")
    replace(root.folder / "etc/viber-campaigns/environment", ADDRESS, RESTRICTED)
    typed(root, after)
    wait_until(lambda: bool(typed(root, systemd_steps().ask)))
    expect("finished" in typed(root, "campaigns list"), "the store has lost the first campaign")


def replace(path: Path, old: str, new: str) -> None:
    """Edit a file. Raises StepError if it does not say `old`."""
    text = path.read_text("utf-8")
    expect(old in text, f"{path.name} does not say {old}")
    path.write_text(text.replace(old, new), "utf-8")


def follow(root: Root) -> None:
    """Hand in a campaign; restart all, kill all; count who got what."""
    traffic = Traffic(
        lambda lines, stdin: root.run(lines, where=CHECKOUT, stdin=stdin.replace(ADDRESS, RESTRICTED)), PYTHON
    )
    before = traffic.sent()
    said(f"before the campaign the sandbox has sent {before.total()}")
    campaign = traffic.campaign()
    hand_in(traffic)
    typed(root, rolling_restart())
    hand_in(traffic)
    for service in SERVICES:
        end(root, service, traffic)
    said(f"all were ended; the campaign has {counted(traffic.status(campaign))}")
    wait_until(lambda: is_over(traffic, campaign), timeout_s=300)
    judge(root, traffic, campaign, before.total())


def hand_in(traffic: Traffic) -> None:
    traffic.quick()
    traffic.submitted()


def end(root: Root, service: str, traffic: Traffic) -> None:
    """SIGTERM, then SIGKILL to its first process: systemd has to start it again by itself each time."""
    for by in ("SIGTERM", "SIGKILL"):
        old = first_process(root, service)
        root.run(f"systemctl kill --kill-whom main --signal {by} {service}")
        wait_until(lambda old=old: first_process(root, service) not in {"0", old})  # type: ignore[misc]
        said(f"{service} was ended by {by}, and runs again")
    if service != "redis-server":
        hand_in(traffic)


def first_process(root: Root, service: str) -> str:
    return root.run(f"systemctl show --property MainPID --value {service}").strip()


def is_over(traffic: Traffic, campaign: str) -> bool:
    return bool(traffic.status(campaign)["state"] == "finished" and set(traffic.sent()) >= set(traffic.phones))


def judge(root: Root, traffic: Traffic, campaign: str, before: int) -> None:
    """Everybody got each message once, and the command, the exporter and the report say so."""
    sent = traffic.sent()
    twice = sorted(phone for phone in traffic.phones if sent[phone] != 1)
    expect(not twice, f"not messaged once: {twice}")
    expect(sent.total() == before + len(traffic.phones), f"the sandbox sent {sent.total()}")
    status = traffic.status(campaign)
    expect(status["balanced"] and not status["double_sends"], json.dumps(status))
    wait_until(lambda: bool(typed(root, "campaigns doctor")))
    said(typed(root, "campaigns alive").strip())
    wait_until(lambda: accepted(lambda lines, stdin: root.run(lines, stdin=stdin), PYTHON) == sent.total())
    rows = typed(root, f"campaigns report {campaign} --json").splitlines()
    expect(len({json.loads(row)["phone"] for row in rows}) == len(rows) == status["total"], f"{len(rows)} rows")
    watched = root.run(
        "systemctl show --property WatchdogUSec --value viber-campaigns-metrics viber-campaigns-beat"
    ).split()
    expect(watched in (["0", "3min"], ["infinity", "3min"]), f"the watchdogs of metrics and beat: {watched}")
    verified = root.run("systemd-analyze verify /etc/systemd/system/viber-campaigns-*.service 2>&1")
    expect("viber-campaigns" not in verified, verified)
    said(f"{sent.total()} messages, each once; the campaign: {counted(status)}")


def typed(root: Root, block: str) -> str:
    """What a block of the documents prints, typed at the project's root."""
    said("".join(f"# {line}\n" for line in block.strip().splitlines()).rstrip())
    return root.run(block, where=CHECKOUT, network=fetches(block))


def wait_until(holds: Callable[[], bool], *, timeout_s: float = 60) -> None:
    """Raises StepError where it does not hold in time: its own, if that is why."""
    until = time.monotonic() + timeout_s
    while True:
        try:
            if holds():
                return
            late = StepError("this took too long")
        except StepError as error:
            late = error
        if time.monotonic() > until:
            raise late
        time.sleep(1)


def expect(holds: object, otherwise: str) -> None:
    if not holds:
        raise StepError(otherwise)


def counted(status: dict[str, Any]) -> str:
    facts = [f"{name} {number}" for name, number in {**status["recipients"], **status["statuses"]}.items() if number]
    return f"{status['state']}: {', '.join(facts)}"


def said(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
