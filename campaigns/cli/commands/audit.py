"""`campaigns audit`: who did what, when and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import tzinfo
from itertools import groupby, islice
from typing import Final

import click

from campaigns.acts import Deed
from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.options import as_json, since_ms
from campaigns.cli.output.screen import console, print_json, print_line
from campaigns.ledger import Audit, Record, campaign_of
from campaigns.text.wording import counted, moment
from campaigns.wiring import default_services

#: The word before what a record says beside what was done; `as` for all others.
_JOINTS: Final[dict[str, str]] = {
    Deed.BUDGET_CHANGED: "from",
    Deed.CAMPAIGN_RESCHEDULED: "to",
    Deed.BUDGET_CHANGED: "from",
    Deed.OPTOUTS_ADDED: "for",
    Deed.OPTOUTS_REMOVED: "for",
}


@click.command(short_help="List who did what, when and why.")
@click.option("--since", metavar="TIME", help="Only since then, such as 2026-10-30 or 2026-10-30T22:56.")
@click.option("--limit", type=click.IntRange(1), help="How many at most.  [default: all]")
@as_json
@reports_errors
def audit(since: str | None, limit: int | None, as_json: bool) -> None:
    """List what people did by command or API, newest first: who, when and why.

    Decisions about many batches at once are one line; --json prints one of each batch.
    """
    services = default_services()
    zone = services.settings.gateway_timezone
    records = Audit(services.store).newest(0 if since is None else since_ms(since, zone))
    if as_json:
        for record in islice(records, limit):
            print_json(asdict(record))
        return
    lines = list(islice(_lines(records, zone), limit))
    for line in lines:
        print_line(line)
    console.print(f"times in {zone}" if lines else "no actions are recorded", style="dim")


def _lines(records: Iterable[Record], zone: tzinfo) -> Iterator[str]:
    """A line per action. Consecutive decisions of one person about batches of one campaign share a line."""
    for _, group in groupby(records, _one_act):
        same = list(group)
        yield _line(same, zone)


def _one_act(record: Record) -> tuple[object, ...]:
    many = record.deed in {Deed.BATCH_RESOLVED, Deed.BATCH_RETRIED}
    of = campaign_of(record.of) if many else (record.of, record.at_ms)
    return record.deed, of, record.by, record.why, record.detail


def _line(same: list[Record], zone: tzinfo) -> str:
    first = same[0]
    words = Deed(first.deed).words if first.deed in set(Deed) else first.deed
    others = f" and {counted(len(same) - 1, 'other')}" if len(same) > 1 else ""
    detail = f" {_JOINTS.get(first.deed, 'as')} {first.detail}" if first.detail else ""
    why = f": {first.why}" if first.why else ""
    about = f"{words} {first.of}".rstrip()
    return f"{moment(first.at_ms, zone)}  {first.by} {about}{others}{detail}{_number(same)}{why}"


def _number(same: list[Record]) -> str:
    numbers = [record.number for record in same if record.number is not None]
    if not numbers:
        return ""
    noun = "phone" if same[0].deed in {Deed.OPTOUTS_ADDED, Deed.OPTOUTS_REMOVED} else "recipient"
    return f" ({counted(sum(numbers), noun)})"
