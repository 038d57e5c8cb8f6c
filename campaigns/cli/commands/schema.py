"""`campaigns schema`: what a job may hold, for editors and for programs in other languages."""

from __future__ import annotations

import json

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.options import as_json
from campaigns.cli.output.screen import print_json, print_text
from campaigns.jobs.json_schema import job_schema, jobs_schema
from campaigns.jobs.reference import reference_page
from campaigns.jobs.schemas.kinds import KINDS
from campaigns.wiring import default_services


@click.command(short_help="Print the JSON Schema of jobs.")
@click.option("--kind", type=click.Choice(list(KINDS)), help="Of this kind of job only.")
@click.option("--page", is_flag=True, help="Print every field as a page for people, in Markdown.")
@as_json
@reports_errors
def schema(kind: str | None, page: bool, as_json: bool) -> None:
    """Print the JSON Schema (draft 2020-12) of jobs, with the limits that are set here.

    With --json it is printed as one line. --page is how deploy/guide/reference/jobs.md is made.
    """
    if page and (kind is not None or as_json):
        raise click.UsageError("--page prints all kinds of job, and not as JSON")
    settings = default_services().settings
    if page:
        print_text(reference_page(settings))
        return
    document = jobs_schema(settings) if kind is None else job_schema(kind, settings)
    if as_json:
        print_json(document)
    else:
        print_text(json.dumps(document, indent=2) + "\n")
