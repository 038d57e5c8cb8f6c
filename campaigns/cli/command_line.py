"""The command line: the group `campaigns` and all of its commands."""

from __future__ import annotations

import click

from campaigns import __version__
from campaigns.cli.commands.alive import alive
from campaigns.cli.commands.approve import approve
from campaigns.cli.commands.audit import audit
from campaigns.cli.commands.budget import budget
from campaigns.cli.commands.callbacks import callbacks
from campaigns.cli.commands.cancel import cancel
from campaigns.cli.commands.completion import completion
from campaigns.cli.commands.deliveries import deliveries
from campaigns.cli.commands.demo import demo
from campaigns.cli.commands.doctor import doctor
from campaigns.cli.commands.erase import erase
from campaigns.cli.commands.events import events
from campaigns.cli.commands.excluded import excluded
from campaigns.cli.commands.explain import explain
from campaigns.cli.commands.export import export
from campaigns.cli.commands.list import list_
from campaigns.cli.commands.metrics import metrics
from campaigns.cli.commands.optouts import optouts
from campaigns.cli.commands.pause import pause
from campaigns.cli.commands.poll import poll
from campaigns.cli.commands.recover import recover
from campaigns.cli.commands.replies import replies
from campaigns.cli.commands.report import report
from campaigns.cli.commands.reschedule import reschedule
from campaigns.cli.commands.resolve import resolve
from campaigns.cli.commands.results import results
from campaigns.cli.commands.resume import resume
from campaigns.cli.commands.resume_account import resume_account
from campaigns.cli.commands.retry import retry
from campaigns.cli.commands.sandbox import sandbox
from campaigns.cli.commands.schema import schema
from campaigns.cli.commands.send import send
from campaigns.cli.commands.status import status
from campaigns.cli.commands.submissions import submissions
from campaigns.cli.commands.suppressed import suppressed
from campaigns.cli.commands.test import test
from campaigns.cli.errors.advice import AdvisingGroup


@click.group(cls=AdvisingGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="campaigns")
def cli() -> None:
    """Send Viber campaigns: never twice, never lost.

    Settings come from the environment (CAMPAIGNS_REDIS_URL, CAMPAIGNS_TOKEN, ...).

    Exit codes: 0 well; 1 not reached; 2 wrong command line, job or setting; 3 no Redis; 4 no such campaign;
    5 not possible in this state; 130 Ctrl-C.
    """


for _command in (
    send,
    test,
    status,
    list_,
    deliveries,
    replies,
    excluded,
    pause,
    resume,
    approve,
    cancel,
    reschedule,
    poll,
    resolve,
    retry,
    resume_account,
    budget,
    callbacks,
    metrics,
    submissions,
    events,
    explain,
    erase,
    optouts,
    suppressed,
    report,
    results,
    export,
    completion,
    schema,
    doctor,
    alive,
    audit,
    recover,
    demo,
    sandbox,
):
    cli.add_command(_command)
