"""Commands with which a person steers campaigns and decides about batches."""

from __future__ import annotations

import getpass

import click

from campaigns.cli.failures import told
from campaigns.cli.options import account, as_json, campaign_id
from campaigns.cli.screen import console, print_json
from campaigns.cli.show import status_table
from campaigns.flow.resolve import RESOLUTIONS, wake_account
from campaigns.handle import Campaign
from campaigns.wiring import default_services

_why = click.option("--why", required=True, help="The reason; it is recorded with your name.")
_batch = click.option("--batch", "batch_id", help="Only this batch, such as ID-3.")


@click.command()
@campaign_id
@as_json
@told
def pause(campaign_id: str, as_json: bool) -> None:
    """Send no further batch of a campaign."""
    campaign = Campaign(campaign_id)
    campaign.pause(by=who())
    if as_json:
        print_json(campaign.status().as_dict())
    else:
        console.print(f"paused; to go on: campaigns resume {campaign_id}")


@click.command()
@campaign_id
@as_json
@told
def resume(campaign_id: str, as_json: bool) -> None:
    """Send on."""
    campaign = Campaign(campaign_id)
    campaign.resume(by=who())
    if as_json:
        print_json(campaign.status().as_dict())
    else:
        console.print(f"resumed; to follow it: campaigns status {campaign_id} --watch")


@click.command()
@campaign_id
@as_json
@told
def cancel(campaign_id: str, as_json: bool) -> None:
    """Never send what has not gone out."""
    status = Campaign(campaign_id).cancel(by=who())
    if as_json:
        print_json(status.as_dict())
    else:
        console.print(status_table(status))


@click.command(short_help="Ask the gateway now what became of a campaign.")
@campaign_id
@as_json
@told
def poll(campaign_id: str, as_json: bool) -> None:
    """Ask the gateway now what became of a campaign, and for replies."""
    number = Campaign(campaign_id).poll()
    if as_json:
        print_json({"campaign": campaign_id, "batches": number})
    elif number:
        console.print(f"{_batches(number)} will be asked for now; see it: campaigns status {campaign_id}")
    else:
        console.print("nothing is followed any more")


@click.command(short_help="Decide about requests that are held.")
@campaign_id
@click.argument("decision", type=click.Choice(list(RESOLUTIONS)))
@_batch
@_why
@as_json
@told
def resolve(campaign_id: str, decision: str, batch_id: str | None, why: str, as_json: bool) -> None:
    """Decide about requests that are held, because nobody knows whether they arrived.

    Look at the gateway first. sent: it has them. resend: they never arrived, send them again (and pay again, if
    that was wrong). write-off: nobody will ever know.
    """
    changed = Campaign(campaign_id).resolve(decision, by=who(), why=why, batch_id=batch_id)
    if as_json:
        print_json({"campaign": campaign_id, "decision": decision, "batches": changed})
        return
    console.print(f"{_batches(changed)}: {decision}")
    if not changed:
        console.print(f"none is held{_named(batch_id)}; see where it is: campaigns status {campaign_id}")


@click.command()
@campaign_id
@_batch
@_why
@as_json
@told
def retry(campaign_id: str, batch_id: str | None, why: str, as_json: bool) -> None:
    """Send batches again that the gateway refused."""
    changed = Campaign(campaign_id).retry(by=who(), why=why, batch_id=batch_id)
    if as_json:
        print_json({"campaign": campaign_id, "batches": changed})
        return
    console.print(f"{_batches(changed)} planned again")
    if not changed:
        console.print(f"none was refused as a whole{_named(batch_id)}; see where it is: campaigns status {campaign_id}")


@click.command(short_help="End the rest of an account.")
@account
@as_json
@told
def wake(account: str, as_json: bool) -> None:
    """End the rest of ACCOUNT, once its token, money or rights have been put right."""
    services = default_services()
    resting = services.limiter.resting(account)
    if resting is not None:
        wake_account(services, account, who())
    if as_json:
        print_json({"account": account, "woken": resting is not None, "rested_because": resting[1] if resting else ""})
    elif resting is None:
        console.print(f"account {account} does not rest")
    else:
        console.print(f"account {account} is awake; it rested because: {resting[1]}")


def _batches(number: int) -> str:
    return f"{number} batch{'es' * (number != 1)}"


def _named(batch_id: str | None) -> str:
    return f" of {batch_id}" if batch_id else ""


def who() -> str:
    """The person at the keyboard, as far as the system knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
