"""The commands. Each prints for people, or with --json one JSON document a line."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TextIO

import click
from rich.live import Live

from campaigns import __version__
from campaigns.cli.consuming import events
from campaigns.cli.demo import run_demo
from campaigns.cli.examining import doctor
from campaigns.cli.failures import FAILED, complain, told
from campaigns.cli.operating import cancel, pause, poll, resolve, resume, retry, wake
from campaigns.cli.people import explain, forget, optouts
from campaigns.cli.reporting import report
from campaigns.cli.serving import callbacks
from campaigns.cli.show import campaigns_table, console, delivery_dict, print_json, reply_dict, status_table
from campaigns.errors import JobError, WaitTimeoutError, flatten
from campaigns.handle import Campaign, Status, list_campaigns
from campaigns.ledger.states import OVER
from campaigns.producer import enqueue

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, one document a line.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="campaigns")
def cli() -> None:
    """Send Viber campaigns: never twice, never lost.

    Settings come from the environment (CAMPAIGNS_REDIS_URL, CAMPAIGNS_TOKEN, ...).

    Exit codes: 0 well; 1 not reached; 2 wrong command line, job or setting; 3 no Redis; 4 no such campaign;
    5 not possible in this state; 130 Ctrl-C.
    """


@cli.command()
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--recipients", type=click.Path(path_type=Path), help="CSV or JSON-lines file of recipients.")
@click.option("--key", help="The same key with the same job never makes a second campaign.")
@click.option("--strict", is_flag=True, help="Refuse the job if any recipient would be taken out.")
@click.option("--wait", "wait_s", type=float, help="Wait so many seconds for the campaign to finish.")
@as_json
@told
def send(
    file: TextIO, recipients: Path | None, key: str | None, strict: bool, wait_s: float | None, as_json: bool
) -> None:
    """Enqueue the job in FILE (JSON; - for standard input)."""
    try:
        job = json.load(file)
    except ValueError as error:
        raise JobError({"file": [f"is not JSON: {error}"]}) from None
    campaign = enqueue(job, key=key, strict=strict, recipients=recipients)
    if not as_json:
        console.print(f"campaign {campaign.id}")
    status = campaign.status()
    if wait_s is not None:
        status = _followed(campaign, wait_s) if not as_json else campaign.wait(wait_s)
    if as_json:
        print_json(status.as_dict())
    elif wait_s is None:
        console.print(status_table(status))
        console.print(f"follow it: campaigns status {campaign.id} --watch", style="dim")
    if wait_s is not None:
        _leave_by(status)


@cli.command()
@click.argument("campaign_id")
@click.option("--watch", is_flag=True, help="Follow it until nothing more will happen by itself.")
@as_json
@told
def status(campaign_id: str, watch: bool, as_json: bool) -> None:
    """Where campaign CAMPAIGN_ID is."""
    campaign = Campaign(campaign_id)
    now = campaign.status()
    if as_json:
        print_json(now.as_dict())
        while watch and now.state not in OVER:
            time.sleep(1)
            now = campaign.status()
            print_json(now.as_dict())
        return
    if watch:
        now = _followed(campaign, None)
    else:
        console.print(status_table(now))
    for line in flatten(now.errors):
        console.print(f"  {line}", style="red")


@cli.command("list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
@as_json
@told
def list_(limit: int, as_json: bool) -> None:
    """The newest campaigns."""
    statuses = list_campaigns(limit)
    if as_json:
        for found in statuses:
            print_json(found.as_dict())
    elif statuses:
        console.print(campaigns_table(statuses))
    else:
        console.print("no campaigns yet: campaigns send FILE")


@cli.command()
@click.argument("campaign_id")
@click.option("--state", help="Only deliveries whose batch is in this state, such as rejected or held.")
@click.option("--status", "word", help="Only deliveries with this status, such as READ.")
@told
def deliveries(campaign_id: str, state: str | None, word: str | None) -> None:
    """Every message of a campaign, as JSON lines."""
    for delivery in Campaign(campaign_id).deliveries():
        if state in {None, delivery.state} and word in {None, delivery.status}:
            print_json(delivery_dict(delivery))


@cli.command()
@click.argument("campaign_id")
@told
def replies(campaign_id: str) -> None:
    """The replies to a campaign, as JSON lines, oldest first."""
    for reply in Campaign(campaign_id).replies():
        print_json(reply_dict(reply))


@cli.command("taken-out")
@click.argument("campaign_id")
@told
def taken_out(campaign_id: str) -> None:
    """Recipients who were not messaged and why, as JSON lines."""
    for reason, place, phone in Campaign(campaign_id).taken_out():
        print_json({"reason": reason, "place": place, "phone": phone})


for _command in (
    pause,
    resume,
    cancel,
    poll,
    resolve,
    retry,
    wake,
    callbacks,
    events,
    explain,
    forget,
    optouts,
    report,
    doctor,
):
    cli.add_command(_command)


@cli.command()
@click.option("--recipients", default=10_000, show_default=True, type=click.IntRange(1, 1_000_000))
@told
def demo(recipients: int) -> None:
    """Start everything on this machine, send two campaigns to the sandbox, and stop it all again."""
    sys.exit(run_demo(recipients, console))


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8025, show_default=True, type=click.IntRange(0, 65535))
@click.option("--speed", default=1.0, show_default=True, help="Seconds of delivery life per second.")
@told
def sandbox(host: str, port: int, speed: float) -> None:
    """Run a local gateway with the same eleven methods, until Ctrl-C."""
    try:
        from campaigns.sandbox.server import serve  # noqa: PLC0415 (an extra)
    except ImportError:
        complain("the sandbox is an extra: pip install 'viber-campaigns[sandbox]'")
        sys.exit(FAILED)
    try:
        serve(host, port, speed=speed, ready=_tell_sandbox)
    except OSError as error:
        complain(f"cannot listen on {host}:{port}: {error.strerror or error}; choose another with --port")
        sys.exit(FAILED)


def _tell_sandbox(url: str) -> None:
    console.print(f"sandbox listening on {url}")
    console.print(f"its page, with phones and faults: {url.replace('//0.0.0.0:', '//127.0.0.1:')}/", soft_wrap=True)


def _followed(campaign: Campaign, timeout_s: float | None) -> Status:
    """Show the campaign live until it is over."""
    until = None if timeout_s is None else time.monotonic() + timeout_s
    with Live(status_table(campaign.status()), console=console, refresh_per_second=4) as live:
        while True:
            now = campaign.status()
            live.update(status_table(now))
            if now.state in OVER:
                return now
            if until is not None and time.monotonic() > until:
                raise WaitTimeoutError(campaign.id, now.state, timeout_s or 0)
            time.sleep(0.25)


def _leave_by(status: Status) -> None:
    """Exit code 1 unless everybody who could be messaged was."""
    bad = sum(status.recipients.get(fate, 0) for fate in ("rejected", "held", "unknown", "written_off"))
    if status.state != "finished" or bad:
        sys.exit(FAILED)
