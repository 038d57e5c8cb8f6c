"""Commands that read what is known of campaigns."""

from __future__ import annotations

import time

import click

from campaigns.cli.failures import told
from campaigns.cli.following import followed
from campaigns.cli.options import as_json, campaign_id, only_json
from campaigns.cli.screen import console, print_json
from campaigns.cli.show import CampaignsTable, delivery_dict, reply_dict, status_table
from campaigns.errors import flatten
from campaigns.handle import Campaign, list_campaigns
from campaigns.ledger.states import OVER


@click.command()
@campaign_id
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
        now = followed(campaign, None, console)
    else:
        console.print(status_table(now))
    for line in flatten(now.errors):
        console.print(f"  {line}", style="red")


@click.command("list")
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
        console.print(CampaignsTable(statuses))
    else:
        console.print("no campaigns yet: campaigns send FILE")


@click.command()
@campaign_id
@click.option("--state", help="Only deliveries whose batch is in this state, such as rejected or held.")
@click.option("--status", "word", help="Only deliveries with this status, such as READ.")
@only_json
@told
def deliveries(campaign_id: str, state: str | None, word: str | None) -> None:
    """Every message of a campaign, as JSON lines."""
    for delivery in Campaign(campaign_id).deliveries():
        if state in {None, delivery.state} and word in {None, delivery.status}:
            print_json(delivery_dict(delivery))


@click.command()
@campaign_id
@only_json
@told
def replies(campaign_id: str) -> None:
    """The replies to a campaign, as JSON lines, oldest first."""
    for reply in Campaign(campaign_id).replies():
        print_json(reply_dict(reply))


@click.command("taken-out")
@campaign_id
@only_json
@told
def taken_out(campaign_id: str) -> None:
    """Recipients who were not messaged and why, as JSON lines."""
    for reason, place, phone in Campaign(campaign_id).taken_out():
        print_json({"reason": reason, "place": place, "phone": phone})
