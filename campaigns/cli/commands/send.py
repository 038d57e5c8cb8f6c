"""`campaigns send`: store a job to be sent, or preview it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, NoReturn, TypedDict, cast

import click

from campaigns.campaign import Campaign
from campaigns.campaign_status import Status
from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.exit_codes import FAILED
from campaigns.cli.input.job_files import read_job
from campaigns.cli.input.options import as_json, by, columns, encoding
from campaigns.cli.input.optout_scope import new_topic_words
from campaigns.cli.input.repeated_jobs import note as note_job
from campaigns.cli.input.repeated_jobs import sent_before, warn_of
from campaigns.cli.output.excluded_file import excluded_file
from campaigns.cli.output.files import DifferentFileError, has_content
from campaigns.cli.output.live import Wait, followed, obstacles
from campaigns.cli.output.previews import all_invalid_lines, preview_lines, request_text
from campaigns.cli.output.screen import console, print_error, print_json, remark
from campaigns.cli.output.status_table import status_table
from campaigns.enqueue import enqueue_of_person
from campaigns.errors import AllInvalidError, JobError
from campaigns.jobs.values import AS_DRAFT
from campaigns.ledger import scope_named
from campaigns.ledger.states import OVER
from campaigns.preparing.job import all_mistakes, key_of, rows_of
from campaigns.preview import Preview, preview
from campaigns.recipients import RecipientFile
from campaigns.services import Services
from campaigns.text.wording import minute
from campaigns.wiring import default_services

_SHOW: Final = "With --dry-run: how many messages of personal mailings are shown."


class Given(TypedDict):
    """The arguments of `enqueue_of_person` and `preview` beside the job."""

    key: str | None
    strict: bool
    recipients: RecipientFile | None


class ExcludedList(NamedTuple):
    """Where the list of excluded recipients is written, for which Excel, and whether over a file with other content."""

    path: Path | None
    excel: bool
    force: bool

    @property
    def stays(self) -> bool:
        """Whether there is a file that may not be overwritten."""
        return self.path is not None and not self.force and has_content(self.path)


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option(
    "--recipients",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File of recipients: a table (CSV, or .xlsx with the extra xlsx) or JSON lines.",
)
@columns
@encoding
@click.option("--key", help="The same key with the same job never makes a second campaign.")
@click.option("--strict", is_flag=True, help="Refuse the job if any recipient would be excluded.")
@click.option("--draft", is_flag=True, help="Send nothing before another person approves it: campaigns approve.")
@by
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    help="Wait at most this many seconds for the campaign to finish.",
)
@click.option("--dry-run", is_flag=True, help="Only check, count and show the first request; store and send nothing.")
@click.option("--show", "samples", default=3, show_default=True, type=click.IntRange(0, 1000), help=_SHOW)
@click.option(
    "--excluded-to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write every excluded recipient to this file, with row, line and reason: a file of recipients itself, to be "
    "mended and sent.",
)
@click.option("--force", is_flag=True, help="Overwrite that file, even if it has other content, such as mended rows.")
@click.option("--excel", is_flag=True, help="That file for an Excel whose list separator is a semicolon.")
@as_json
@reports_errors
def send(
    file: BinaryIO,
    draft: bool,
    by: str,
    wait_s: float | None,
    dry_run: bool,
    samples: int,
    excluded_to: Path | None,
    force: bool,
    excel: bool,
    as_json: bool,
    recipients: Path | None,
    **beside: Any,
) -> None:
    """Enqueue the job in FILE (JSON; - for standard input). A path in `image` counts from the folder of FILE.

    A file of recipients is read as a whole or refused. Its column of phones must have a known name, such as phone or
    телефон; --column chooses another. A personal mailing whose content has a text such as `Hello
    {name|friend}` fills it from the columns of the same names; --column "name=Имя" chooses another. Recipients who
    lack a value are excluded.

    A job is refused with exit code 1 if all of its recipients are invalid.

    With --dry-run nothing is stored or sent; the exit code is that of a job that would be refused. Of the first request
    a few recipients are shown, with --json all. Of personal mailings the first messages and the longest are shown.
    """
    _check_options(dry_run and wait_s is not None, {"--excel": excel, "--force": force} if excluded_to is None else {})
    _check_overwriting(excluded_to, file.name, recipients)
    job = read_job(file)
    given = _given(job, recipients, beside, excel=excel)
    wanted = ExcludedList(excluded_to, excel, force)
    if dry_run:
        found = _previewed(job, given, samples, wanted)
        _show(job, found, given["recipients"], as_json=as_json)
        return
    campaign, existed = _enqueued_with_list(job, given, wanted, start=AS_DRAFT if draft else None, by=by)
    status = (_awaited_as_json if as_json else _shown)(campaign, wait_s, existed=existed)
    if wait_s is not None:
        _leave_by(status)


def _check_options(waits_for_nothing: bool, without_a_file: dict[str, bool]) -> None:
    if waits_for_nothing:
        raise click.UsageError("give --dry-run or --wait, not both")
    for option in [option for option, is_given in without_a_file.items() if is_given]:
        raise click.UsageError(f"{option} needs --excluded-to")


def _check_overwriting(excluded_to: Path | None, *inputs: str | Path | None) -> None:
    if excluded_to is not None and excluded_to.exists():
        for path in inputs:
            if path is not None and Path(path).exists() and excluded_to.samefile(path):
                raise click.UsageError(f"--excluded-to would overwrite {path}, which is read here: choose another file")


def _given(job: Any, recipients: Path | None, beside: dict[str, Any], *, excel: bool) -> Given:
    """The arguments beside the job, with the file of recipients. Raises JobError, and UsageError for JSON lines with
    --excel."""
    columns, encoding = beside.pop("columns") or None, beside.pop("encoding")
    with all_mistakes(default_services(), job, recipients):
        rows = rows_of(job, recipients, columns, encoding)
    if excel and isinstance(rows, RecipientFile) and rows.is_json:
        raise click.UsageError("--excel is for tables, and the recipients are JSON lines")
    return cast(Given, {**beside, "recipients": rows})


def _previewed(job: Any, given: Given, samples: int, wanted: ExcludedList) -> Preview:
    """The preview, with the list of excluded recipients. Raises UsageError if it would overwrite other content."""
    try:
        with excluded_file(wanted.path, given["recipients"], excel=wanted.excel, overwrites=wanted.force) as note:
            return preview(default_services(), job, **given, samples=samples, on_excluded=note)
    except DifferentFileError:
        raise click.UsageError(
            f"--excluded-to would overwrite {wanted.path}, which has other content, such as mended rows: choose "
            "another file, or add --force"
        ) from None


def _enqueued_with_list(
    job: Any, given: Given, wanted: ExcludedList, *, start: str | None, by: str
) -> tuple[Campaign, bool]:
    """The campaign, with the list of excluded recipients, and whether it had its key before."""
    owner, stays = _owner(default_services(), job, given), wanted.stays
    if stays and owner is None:
        # Refuses to overwrite other content before anything is stored.
        _previewed(job, given, 0, wanted)
    path = None if stays else wanted.path
    with excluded_file(path, given["recipients"], excel=wanted.excel) as note:
        campaign = _enqueued(job, given, owner, start=start, by=by)
        for one in campaign.excluded() if path is not None else ():
            note(one)
    if stays and campaign.id == owner:
        remark(f"{wanted.path} stays as it is, since no new campaign was made")
    return campaign, campaign.id == owner


def _enqueued(job: Any, given: Given, owner: str | None, *, start: str | None, by: str) -> Campaign:
    """The campaign; `owner` had its key before. Warns if a new one has the job of another one of the last day. Exits
    with 1 if all recipients are invalid."""
    services = default_services()
    try:
        campaign = enqueue_of_person(services, job, **given, start=start, by=by)
    except AllInvalidError:
        _refuse_all_invalid(preview(services, job, **given), given["recipients"])
    if campaign.id != owner and (earlier := note_job(services, campaign)) is not None:
        warn_of(services, earlier, campaign, services.settings.gateway_timezone)
    return campaign


def _refuse_all_invalid(found: Preview, recipients: RecipientFile | None) -> NoReturn:
    first, *others = all_invalid_lines(found, recipients)
    print_error(first)
    for line in others:
        remark(line)
    sys.exit(FAILED)


def _owner(services: Services, job: Any, given: Given) -> str | None:
    """The campaign that has the key of the job already. Raises JobError."""
    with all_mistakes(services, job, given["recipients"]):
        key = key_of(job, given["key"])
    return services.campaigns.of_key(key) if key is not None else None


def _shown(campaign: Campaign, wait_s: float | None, *, existed: bool) -> Status:
    """Print the status, and follow the campaign if --wait was given."""
    zone, status = default_services().settings.gateway_timezone, campaign.status()
    if existed:
        since = f"{minute(status.created_at, zone)} {zone}"
        console.print(f"campaign {campaign.id} has this key already, since {since}: no new campaign was made")
    else:
        console.print(f"campaign {campaign.id}")
    if wait_s is not None and status.state not in OVER:
        return followed(campaign, wait_s, console)
    console.print(status_table(status, zone=zone))
    if status.state not in OVER:
        console.print(f"follow it: campaigns status {campaign.id} --watch", style="dim")
    return status


def _awaited_as_json(campaign: Campaign, wait_s: float | None, *, existed: bool) -> Status:
    """Print the status at the end, also if the time ran out, and obstacles at once on standard error."""
    zone, shown = default_services().settings.gateway_timezone, set[str]()
    wait = Wait(wait_s or 0, zone)
    while wait.goes_on(status := campaign.status_after_restart()):
        for words in obstacles(status, zone):
            if words not in shown:
                shown.add(words)
                remark(words)
        time.sleep(0.25)
    print_json({**status.as_dict(), "existed": existed})
    if wait_s is not None:
        wait.explain(status)
    return status


def _warn_of_topic(job: Any, found: Preview) -> None:
    """Print to standard error if no opt-out has the job's topic, while others of its account have topics."""
    if (words := new_topic_words(default_services(), scope_named(found.account, job.get("topic") or None))) is not None:
        remark(words)


def _warn_of_repeat(found: Preview) -> None:
    """Print to standard error if a campaign of the last day has the same job, which would be sent again."""
    services = default_services()
    if found.same_as is None and (earlier := sent_before(services, found.digest)) is not None:
        warn_of(services, earlier, None, services.settings.gateway_timezone)


def _show(job: Any, found: Preview, recipients: RecipientFile | None, *, as_json: bool) -> None:
    _warn_of_topic(job, found)
    _warn_of_repeat(found)
    if as_json:
        print_json(found.as_dict())
    else:
        for line, style in preview_lines(found):
            console.print(line, style=style)
        # Not wrapped, so that it can be copied.
        for line in request_text(found).splitlines():
            console.print(line, soft_wrap=True)
    if found.all_invalid:
        _refuse_all_invalid(found, recipients)
    if found.refused:
        raise JobError(found.refused)


def _leave_by(status: Status) -> None:
    """Exit with 1 unless every recipient that was not excluded was sent to, or the request if it has no recipients."""
    fates = ("rejected", "held", "unknown", "written_off")
    bad = sum(status.recipients.get(fate, 0) + status.requests.get(fate, 0) for fate in fates)
    if status.state != "finished" or bad:
        sys.exit(FAILED)
