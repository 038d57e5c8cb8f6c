"""Commands with which a person steers campaigns and decides about batches."""

from __future__ import annotations

import getpass

import click

from campaigns.cli.failures import told
from campaigns.cli.show import console, status_table
from campaigns.flow.resolve import RESOLUTIONS, wake_account
from campaigns.handle import Campaign
from campaigns.wiring import default_services

_why = click.option("--why", required=True, help="The reason; it is recorded with your name.")
_batch = click.option("--batch", "batch_id", help="Only this batch, such as ID-3.")


@click.command()
@click.argument("campaign_id")
@told
def pause(campaign_id: str) -> None:
    """Send no further batch of a campaign."""
    Campaign(campaign_id).pause(by=who())
    console.print(f"paused; to go on: campaigns resume {campaign_id}")


@click.command()
@click.argument("campaign_id")
@told
def resume(campaign_id: str) -> None:
    """Send on."""
    Campaign(campaign_id).resume(by=who())
    console.print("resumed")


@click.command()
@click.argument("campaign_id")
@told
def cancel(campaign_id: str) -> None:
    """Never send what has not gone out."""
    console.print(status_table(Campaign(campaign_id).cancel(by=who())))


@click.command()
@click.argument("campaign_id")
@told
def poll(campaign_id: str) -> None:
    """Ask the gateway now what became of a campaign, and for replies."""
    number = Campaign(campaign_id).poll()
    console.print(
        f"{number} batch{'es' * (number != 1)} will be asked for now" if number else "nothing is followed any more"
    )


@click.command()
@click.argument("campaign_id")
@click.argument("decision", type=click.Choice(list(RESOLUTIONS)))
@_batch
@_why
@told
def resolve(campaign_id: str, decision: str, batch_id: str | None, why: str) -> None:
    """Decide about requests that are held, because nobody knows whether they arrived.

    Look at the gateway first. sent: it has them. resend: they never arrived, send them again (and pay again, if
    that was wrong). write-off: nobody will ever know.
    """
    changed = Campaign(campaign_id).resolve(decision, by=who(), why=why, batch_id=batch_id)
    console.print(f"{changed} batch{'es' * (changed != 1)}: {decision}")


@click.command()
@click.argument("campaign_id")
@_batch
@_why
@told
def retry(campaign_id: str, batch_id: str | None, why: str) -> None:
    """Send batches again that the gateway refused."""
    changed = Campaign(campaign_id).retry(by=who(), why=why, batch_id=batch_id)
    console.print(f"{changed} batch{'es' * (changed != 1)} planned again")


@click.command()
@click.argument("account")
@told
def wake(account: str) -> None:
    """End the rest of ACCOUNT, once its token, money or rights have been put right."""
    services = default_services()
    resting = services.limiter.resting(account)
    if resting is None:
        console.print(f"account {account} does not rest")
        return
    wake_account(services, account, who())
    console.print(f"account {account} is awake; it rested because: {resting[1]}")


def who() -> str:
    """The person at the keyboard, as far as the system knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
