"""`campaigns export`: everything about a campaign, for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from campaigns.campaign import Campaign
from campaigns.campaign_status import Status
from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.ids import found_campaign
from campaigns.cli.input.options import campaign_id, only_json
from campaigns.cli.output.files import STDOUT, write_out
from campaigns.text.harmless import json_line
from campaigns.wiring import default_services


@click.command()
@campaign_id
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default=STDOUT,
    help="Where to write it; without it standard output.",
)
@only_json
@reports_errors
def export(campaign_id: str, output: Path) -> None:
    """Write everything about a campaign as JSON lines.

    Each line has a `type`: one `status` and the `results` by mailing, then every `delivery`, every `reply` and every
    `excluded` recipient. Changes during the export may be missing, and a reply may appear twice with the same `id`.
    """
    campaign = found_campaign(campaign_id)
    write_out(output, _lines(campaign, campaign.status()))


def _lines(campaign: Campaign, status: Status) -> Iterator[str]:
    for kind, fields in _documents(campaign, status):
        yield json_line({"type": kind, **fields}) + "\n"


def _documents(campaign: Campaign, status: Status) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "status", status.as_dict()
    yield "results", campaign.results().as_dict()
    for delivery in campaign.deliveries():
        yield "delivery", asdict(delivery)
    for reply in default_services().replies.scan(campaign.id):
        yield "reply", asdict(reply)
    for one in campaign.excluded():
        yield "excluded", asdict(one)
