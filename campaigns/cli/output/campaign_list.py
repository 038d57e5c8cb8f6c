"""The list of campaigns as a table. Pure but for rich."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from campaigns.campaign_filters import Wanted, needs
from campaigns.campaign_status import Status
from campaigns.cli.output.obstacles import schedule_lines
from campaigns.cli.output.status_table import state_text
from campaigns.ledger.states import OVER
from campaigns.text.wording import counted, minute

#: Width from which a campaign fits on one line, with twenty columns for its name.
_WIDE: Final = 130
#: Width of the two columns about schedules.
_SCHEDULES: Final = 36
_NUMBERS: Final = frozenset({"recipients", "sent", "final", "out of reach"})


@dataclass(slots=True)
class Singles:
    """Single messages, each a campaign of its own, in one line."""

    found: list[Status] = field(default_factory=list)

    @property
    def needs(self) -> str:
        """How many of them need a person, in words."""
        number = sum(bool(needs(status)) for status in self.found)
        return f"{number:,} of them" if number else ""


Line = Status | Singles


def lines_of(statuses: Iterable[Status], wanted: Wanted, limit: int, *, fold: bool) -> Iterator[Line]:
    """At most `limit` lines, newest first. With `fold` single messages share one line, at the place of the newest."""
    singles, number = Singles(), 0
    for status in statuses:
        if wanted.over(status):
            return
        if not wanted.fits(status):
            continue
        if fold and status.kind == "quick" and status.total <= 1:
            singles.found.append(status)
            if len(singles.found) > 1:
                continue
        elif number >= limit:
            return
        number += 1
        yield singles if fold and status.kind == "quick" and status.total <= 1 else status


class CampaignsTable:
    """Campaigns, a line each in wide windows, else several; ids and numbers are never cut. Times are in `zone`."""

    def __init__(self, lines: Sequence[Line], zone: tzinfo = UTC) -> None:
        self._rows = [_row(line, zone) for line in lines]
        self._scheduled = any(row.scheduled for row in self._rows)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width >= _WIDE + (_SCHEDULES if self._scheduled else 0):
            yield self._wide()
            return
        for row in self._rows:
            yield from self._narrow(row)

    def _narrow(self, row: _Row) -> RenderResult:
        head = Text.assemble(row.id, "  ", row.state, f"  {row.created}")
        yield Text.assemble(head, ("  " + row.needs, "yellow")) if row.needs else head
        recipients = counted(row.total, "recipient")
        yield _indented(f"{recipients}, {row.sent:,} sent, {row.final:,} final")
        for words in row.schedule:
            yield _indented(words, "yellow")
        if row.name:
            yield _indented(row.name, "bold")

    def _wide(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        schedules = ("scheduled", "out of reach") if self._scheduled else ()
        for name in ("created", "campaign", "state", "recipients", "sent", "final", *schedules, "needs you"):
            table.add_column(name, justify="right" if name in _NUMBERS else "left", no_wrap=True)
        table.add_column("name", overflow="fold")
        for row in self._rows:
            table.add_row(
                row.created,
                row.id,
                row.state,
                *(f"{number:,}" for number in (row.total, row.sent, row.final)),
                *((row.scheduled, f"{row.out_of_reach:,}" if row.out_of_reach else "") if schedules else ()),
                Text(row.needs, style="yellow"),
                Text(row.name),
            )
        return table


def _indented(words: str, style: str = "") -> Padding:
    return Padding(Text(words, style=style), (0, 0, 0, 2))


@dataclass(frozen=True, slots=True)
class _Row:
    """`scheduled` is the first scheduled time and the number of others, `schedule` the same in sentences."""

    created: str
    id: str
    state: Text
    total: int
    sent: int
    final: int
    needs: str
    name: str
    scheduled: str = ""
    out_of_reach: int = 0
    schedule: tuple[str, ...] = ()


def _row(line: Line, zone: tzinfo) -> _Row:
    if isinstance(line, Status):
        return _row_of_campaign(line, zone)
    found = line.found
    if len(found) == 1:
        return _row_of_campaign(found[0], zone)
    total, sent, final = (sum(numbers) for numbers in zip(*((s.total, s.sent, s.final) for s in found), strict=True))
    number = counted(len(found), "single message")
    created = minute(found[0].created_at, zone)
    return _Row(created, number, Text(""), total, sent, final, line.needs, "each: campaigns list --singles")


def _row_of_campaign(status: Status, zone: tzinfo) -> _Row:
    times = () if status.state in OVER else status.scheduled_at
    return _Row(
        created=minute(status.created_at, zone),
        id=status.id,
        state=state_text(status),
        total=status.total,
        sent=status.sent,
        final=status.final,
        needs=needs(status),
        name=f"{'test: ' if status.test else ''}{status.name}",
        scheduled=minute(times[0], zone) + (f" +{len(times) - 1}" if len(times) > 1 else "") if times else "",
        out_of_reach=status.out_of_reach,
        schedule=tuple(schedule_lines(status, zone)) if times else (),
    )
