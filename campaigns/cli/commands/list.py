"""`campaigns list`: the newest campaigns, and what needs a person."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

import click

from campaigns.campaign import newest_campaigns
from campaigns.campaign_filters import ALSO_STATES, KINDS, Wanted, needs
from campaigns.campaign_status import Status
from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.completers import accounts
from campaigns.cli.input.options import as_json, since_ms
from campaigns.cli.output.campaign_list import CampaignsTable, lines_of
from campaigns.cli.output.screen import console, print_json
from campaigns.cli.output.times import display_zone
from campaigns.ledger.states import CAMPAIGN_STATES
from campaigns.wiring import default_services

#: Upper bound of campaigns read, however few of them pass the filters.
_MOST_READ: Final = 10_000


@click.command("list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS, case_sensitive=False))
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([*CAMPAIGN_STATES, *ALSO_STATES], case_sensitive=False),
    help="Only campaigns in this state, with refused or held requests, or that wait for their canary or window. "
    "Several of --kind, --state or --account mean any of them.",
)
@click.option("--account", "accounts", multiple=True, shell_complete=accounts, help="Only campaigns of this account.")
@click.option("--name", help="Only campaigns whose name contains this.")
@click.option("--tests/--no-tests", "test", default=None, help="Only tests (campaigns test), or none of them.")
@click.option("--since", metavar="TIME", help="Only those handed in since, such as 2026-10-30 or 2026-10-30T22:56.")
@click.option("--needs-you", is_flag=True, help="Only those that need a person.")
@click.option("--singles", is_flag=True, help="Show single messages one by one.")
@as_json
@reports_errors
def list_(limit: int, since: str | None, needs_you: bool, singles: bool, as_json: bool, **filters: Any) -> None:
    """List the newest campaigns, and what needs a person. Single messages share one line."""
    zone = display_zone()
    filters |= {name: frozenset(filters[name]) for name in ("kinds", "states", "accounts")}
    wanted = Wanted(**filters, since=_since(since, zone), needs_person=needs_you)
    statuses = islice(newest_campaigns(default_services()), _MOST_READ)
    lines = list(lines_of(statuses, wanted, limit, fold=not singles and not as_json and wanted.kinds != {"quick"}))
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
        console.print("no campaign matches; all: campaigns list")


def _since(text: str | None, zone: ZoneInfo) -> datetime | None:
    if text is None:
        return None
    return datetime.fromtimestamp(since_ms(text, zone) / 1000, tz=zone)
