"""Commands that read what is known of campaigns."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

import click

from campaigns.campaign import Campaign, newest_campaigns
from campaigns.campaign_status import Status
from campaigns.cli.completing import accounts
from campaigns.cli.failures import reports_errors
from campaigns.cli.following import followed
from campaigns.cli.listing import CampaignsTable, Wanted, lines_of, needs
from campaigns.cli.naming import found_campaign
from campaigns.cli.options import as_json, campaign_id, only_json, since_ms
from campaigns.cli.screen import console, print_json
from campaigns.cli.show import delivery_dict, reply_dict, status_table
from campaigns.errors import flatten
from campaigns.ledger.states import BATCH_STATES, CAMPAIGN_STATES, OVER
from campaigns.statuses import RANKS
from campaigns.wiring import default_services

#: However many are filtered away or folded, no more are looked through.
_MOST_READ: Final = 10_000
_MOST_MISTAKES: Final = 20


@click.command()
@campaign_id
@click.option("--watch", is_flag=True, help="Follow it until nothing more will happen by itself.")
@as_json
@reports_errors
def status(campaign_id: str, watch: bool, as_json: bool) -> None:
    """Where campaign CAMPAIGN_ID is. The beginning of its id is enough."""
    campaign = found_campaign(campaign_id)
    now = campaign.status()
    if as_json:
        print_json(now.as_dict())
        while watch and now.state not in OVER:
            time.sleep(1)
            now = campaign.status_after_restart()
            print_json(now.as_dict())
        return
    if watch:
        now = followed(campaign, None, console)
    else:
        console.print(status_table(now, zone=_zone()))
    mistakes = flatten(now.errors)
    for line in mistakes[:_MOST_MISTAKES]:
        console.print(f"  {line}", style="red")
    if len(mistakes) > _MOST_MISTAKES:
        console.print(f"  and {len(mistakes) - _MOST_MISTAKES:,} more; all: campaigns status {campaign.id} --json")


@click.command("list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--kind", type=click.Choice(["bulk", "quick", "list"], case_sensitive=False))
@click.option(
    "--state", type=click.Choice([*CAMPAIGN_STATES, "refused", "held"], case_sensitive=False), help="Where they are."
)
@click.option("--account", shell_complete=accounts, help="Only campaigns of this account.")
@click.option("--name", help="Only campaigns whose name has this in it.")
@click.option("--since", metavar="TIME", help="Only those handed in since, such as 2026-10-30 or 2026-10-30T22:56.")
@click.option("--needs-you", is_flag=True, help="Only those that need a person.")
@click.option("--singles", is_flag=True, help="Show single messages one by one.")
@as_json
@reports_errors
def list_(limit: int, since: str | None, needs_you: bool, singles: bool, as_json: bool, **filters: str | None) -> None:
    """The newest campaigns, and what needs a person. Single messages are folded into one line."""
    zone = _zone()
    wanted = Wanted(**filters, since=_since(since, zone), needs_person=needs_you)
    statuses = islice(newest_campaigns(default_services()), _MOST_READ)
    lines = list(lines_of(statuses, wanted, limit, fold=not singles and not as_json and wanted.kind != "quick"))
    if as_json:
        for found in lines:
            assert isinstance(found, Status)  # noqa: S101 (nothing is folded)
            print_json({**found.as_dict(), "needs_person": needs(found)})
    elif lines:
        console.print(CampaignsTable(lines, zone))
        console.print(f"times in {zone}", style="dim")
    elif wanted == Wanted():
        console.print("no campaigns yet: campaigns send FILE")
    else:
        console.print("no campaign that is kept fits; all: campaigns list")


@click.command()
@campaign_id
@click.option(
    "--state",
    type=click.Choice(BATCH_STATES, case_sensitive=False),
    help="Only deliveries whose batch is in this state, such as rejected or held.",
)
@click.option("--status", "word", help="Only deliveries with this status, such as READ.")
@only_json
@reports_errors
def deliveries(campaign_id: str, state: str | None, word: str | None) -> None:
    """Every message of a campaign, as JSON lines."""
    campaign = found_campaign(campaign_id)
    wanted = _status_word(campaign, word)
    for delivery in campaign.deliveries():
        if state in {None, delivery.state} and wanted in {None, delivery.status.upper()}:
            print_json(delivery_dict(delivery))


def _status_word(campaign: Campaign, word: str | None) -> str | None:
    """The status in capitals. Refuses one that neither is known nor occurs in the campaign."""
    if word is None:
        return None
    known = {*RANKS, *default_services().settings.final_statuses, *campaign.status().statuses}
    if word.upper() not in {one.upper() for one in known}:
        raise click.BadParameter(f"{word!r} is none of {', '.join(sorted(known))}", param_hint="--status")
    return word.upper()


@click.command()
@campaign_id
@only_json
@reports_errors
def replies(campaign_id: str) -> None:
    """The replies to a campaign, as JSON lines, oldest first."""
    for reply in found_campaign(campaign_id).replies():
        print_json(reply_dict(reply))


@click.command("excluded")
@campaign_id
@only_json
@reports_errors
def excluded(campaign_id: str) -> None:
    """Recipients who were not messaged and why, as JSON lines."""
    for one in found_campaign(campaign_id).excluded():
        print_json(asdict(one))


def _zone() -> ZoneInfo:
    return default_services().settings.gateway_timezone


def _since(text: str | None, zone: ZoneInfo) -> datetime | None:
    if text is None:
        return None
    return datetime.fromtimestamp(since_ms(text, zone) / 1000, tz=zone)
