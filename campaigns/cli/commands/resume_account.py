"""`campaigns resume-account`: end the pause of an account."""

from __future__ import annotations

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.options import account, as_json, by, why
from campaigns.cli.output.screen import console, print_json
from campaigns.flow.operator.resolve import resume_account as end_pause
from campaigns.wiring import default_services


@click.command("resume-account", short_help="End the pause of an account.")
@account
@by
@why
@as_json
@reports_errors
def resume_account(account: str, by: str, why: str, as_json: bool) -> None:
    """End the pause of ACCOUNT, once its token, money or rights are in order."""
    services = default_services()
    pause = services.limiter.pause_of(account)
    if pause is not None:
        end_pause(services, account, by, why)
    if as_json:
        print_json({"account": account, "resumed": pause is not None, "reason": pause[1] if pause else ""})
    elif pause is None:
        console.print(f"account {account} is not paused")
    else:
        console.print(f"account {account} is resumed; it was paused because: {pause[1]}")
