"""Arguments and options that many commands share."""

from __future__ import annotations

import click

from campaigns.cli.completing import accounts, campaign_ids

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, one document a line.")
#: For commands that print nothing but JSON lines, so that programs may say --json everywhere.
only_json = click.option(
    "--json", is_flag=True, expose_value=False, help="Changes nothing: JSON lines are all there is."
)
campaign_id = click.argument("campaign_id", shell_complete=campaign_ids)
account = click.argument("account", shell_complete=accounts)
