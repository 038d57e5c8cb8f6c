"""Commands with which a person steers campaigns and decides about batches."""

from __future__ import annotations

import sys
from datetime import tzinfo

import click

from campaigns.campaign import Campaign
from campaigns.campaign_status import Status
from campaigns.cli.failures import FAILED, reports_errors
from campaigns.cli.naming import found_campaign, full_batch_id
from campaigns.cli.options import account, as_json, by, campaign_id, why
from campaigns.cli.screen import console, print_json
from campaigns.cli.show import events_full_words, out_of_reach_words, status_table
from campaigns.flow.operator.resolve import RESOLUTIONS, resume_account
from campaigns.text.wording import counted
from campaigns.wiring import default_services

#: What a decision did, after the number of batches.
_DECIDED = {
    "sent": "counted as sent, and followed",
    "resend": "planned again, to be sent and paid for again",
    "write-off": "written off",
}
_why = click.option("--why", "--reason", "why", required=True, help="The reason, for the record: campaigns audit.")
_batch = click.option("--batch", "batch_id", help="Only this batch, such as ID-3.")


@click.command()
@campaign_id
@by
@why
@as_json
@reports_errors
def pause(campaign_id: str, by: str, why: str, as_json: bool) -> None:
    """Send no further batch of a campaign."""
    campaign = found_campaign(campaign_id)
    campaign.pause(by=by, why=why)
    status = campaign.status()
    if as_json:
        print_json(status.as_dict())
        return
    _tell_what_is_out_of_reach(status)
    console.print(f"paused; to go on: campaigns resume {campaign.id}")


@click.command()
@campaign_id
@by
@why
@as_json
@reports_errors
def resume(campaign_id: str, by: str, why: str, as_json: bool) -> None:
    """Send on."""
    campaign = found_campaign(campaign_id)
    campaign.resume(by=by, why=why)
    if as_json:
        print_json(campaign.status().as_dict())
    elif (words := events_full_words(campaign.status(), _zone())) is not None:
        console.print(f"resumed, but {words}", style="yellow")
        console.print("what to do: campaigns doctor")
    else:
        console.print(f"resumed; to follow it: campaigns status {campaign.id} --watch")


@click.command(short_help="Let a draft go out.")
@campaign_id
@by
@why
@as_json
@reports_errors
def approve(campaign_id: str, by: str, why: str, as_json: bool) -> None:
    """Let a draft go out. Somebody else than who made it has to do that."""
    campaign = found_campaign(campaign_id)
    campaign.approve(by=by, why=why)
    if as_json:
        print_json(campaign.status().as_dict())
    else:
        console.print(f"approved; to follow it: campaigns status {campaign.id} --watch")


@click.command()
@campaign_id
@by
@why
@as_json
@reports_errors
def cancel(campaign_id: str, by: str, why: str, as_json: bool) -> None:
    """Never send what has not gone out."""
    status = found_campaign(campaign_id).cancel(by=by, why=why)
    if as_json:
        print_json(status.as_dict())
    else:
        console.print(status_table(status, zone=_zone()))


@click.command(short_help="Move the time of what is still here.")
@campaign_id
@click.argument("time")
@by
@why
@as_json
@reports_errors
def reschedule(campaign_id: str, time: str, by: str, why: str, as_json: bool) -> None:
    """Let whatever of a campaign is still here go out at TIME, such as 2030-05-01T10:00, also what had no time.

    A time without a zone is in the gateway's. What waits at the gateway keeps its time.
    """
    campaign = found_campaign(campaign_id)
    try:
        number = campaign.reschedule(time, by=by, why=why)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="TIME") from None
    status = campaign.status()
    if as_json:
        print_json({**status.as_dict(), "rescheduled": number})
    elif number:
        console.print(status_table(status, zone=_zone()))
    else:
        _tell_what_is_out_of_reach(status)
        _tell_none("nothing of it is still here", campaign)
    sys.exit(0 if number else FAILED)


@click.command(short_help="Ask the gateway now what became of a campaign.")
@campaign_id
@as_json
@reports_errors
def poll(campaign_id: str, as_json: bool) -> None:
    """Ask the gateway now what became of a campaign, and for replies."""
    campaign = found_campaign(campaign_id)
    number = campaign.poll()
    if as_json:
        print_json({"campaign": campaign.id, "batches": number})
    elif number:
        console.print(f"{_batches(number)} will be asked for now; see it: campaigns status {campaign.id}")
    else:
        console.print("nothing is followed any more")


@click.command(short_help="Decide about requests that are held.")
@campaign_id
@click.argument("decision", type=click.Choice(list(RESOLUTIONS)))
@_batch
@by
@click.option("--confirmed-by", default="", help="Who else agrees: needed for what is dear to send again.")
@_why
@as_json
@reports_errors
def resolve(
    campaign_id: str, decision: str, batch_id: str | None, by: str, confirmed_by: str, why: str, as_json: bool
) -> None:
    """Decide about requests that are held, because nobody knows whether they arrived.

    Look at the gateway first. sent: it has them. resend: they never arrived, send them again (and pay again, if
    that was wrong). write-off: nobody will ever know.
    """
    campaign = found_campaign(campaign_id)
    batch_id = full_batch_id(campaign.id, batch_id)
    changed = campaign.resolve(decision, by=by, why=why, batch_id=batch_id, confirmed_by=confirmed_by)
    if as_json:
        print_json({"campaign": campaign.id, "decision": decision, "batches": changed})
    elif changed:
        console.print(f"{_batches(changed)} {_DECIDED[decision]}")
    else:
        _tell_none(f"no batch is held{_named(batch_id)}", campaign)
    sys.exit(0 if changed else FAILED)


@click.command()
@campaign_id
@_batch
@by
@_why
@as_json
@reports_errors
def retry(campaign_id: str, batch_id: str | None, by: str, why: str, as_json: bool) -> None:
    """Send batches again that the gateway refused."""
    campaign = found_campaign(campaign_id)
    batch_id = full_batch_id(campaign.id, batch_id)
    changed = campaign.retry(by=by, why=why, batch_id=batch_id)
    if as_json:
        print_json({"campaign": campaign.id, "batches": changed})
    elif changed:
        console.print(f"{_batches(changed)} planned again")
    else:
        _tell_none(f"no batch was refused as a whole{_named(batch_id)}", campaign)
    sys.exit(0 if changed else FAILED)


@click.command("resume-account", short_help="End the pause of an account.")
@account
@by
@why
@as_json
@reports_errors
def account_resumed(account: str, by: str, why: str, as_json: bool) -> None:
    """End the pause of ACCOUNT, once its token, money or rights have been put right."""
    services = default_services()
    pause = services.limiter.pause_of(account)
    if pause is not None:
        resume_account(services, account, by, why)
    if as_json:
        print_json({"account": account, "resumed": pause is not None, "reason": pause[1] if pause else ""})
    elif pause is None:
        console.print(f"account {account} is not paused")
    else:
        console.print(f"account {account} goes on; it was paused because: {pause[1]}")


def _tell_none(what: str, campaign: Campaign) -> None:
    console.print(f"{what}, so nothing was done; see where it is: campaigns status {campaign.id}")


def _tell_what_is_out_of_reach(status: Status) -> None:
    if words := out_of_reach_words(status, _zone()):
        console.print(words, style="yellow")


def _batches(number: int) -> str:
    return counted(number, "batch", "batches")


def _named(batch_id: str | None) -> str:
    return f" under {batch_id}" if batch_id else ""


def _zone() -> tzinfo:
    return default_services().settings.gateway_timezone
