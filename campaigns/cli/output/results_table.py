"""The results of a campaign by mailing, as a table and in sentences. Pure but for rich."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.columns import Columns
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from campaigns.evaluation import MailingResults, Results, busiest
from campaigns.evaluation.words import comparison_lines
from campaigns.settings.values import OF_ACCOUNT, OF_ALL, OF_TOPIC
from campaigns.text.wording import counted, moneys, noun_for, share

#: Mailings that are shown; the page and the CSV have them all.
_MOST: Final = 30
#: What opt-outs mean, by what people opted out of.
_OPTED_OUT: Final = {
    (): " and {get}",
    (OF_ALL,): " and {get}",
    (OF_ACCOUNT,): " and {get} of this account",
    (OF_TOPIC,): " and {get} about this topic",
}
_COLUMNS: Final = ("sent", "delivered", "read", "replied", "opted out", "failed", "open")
#: Width of a share such as 100.0%.
_SHARE: Final = 6


def results_table(results: Results) -> RenderableType:
    """What became of each mailing, then sentences on what the numbers say. No line but a text needs over 80 columns.

    A wide terminal shows mailings side by side.
    """
    shown = results.mailings[:_MOST]
    widths = [max(len(name), _SHARE, *(len(f"{_number(one, name):,}") for one in shown)) for name in _COLUMNS]
    blocks = [
        Group(
            Text(mailing.name or results.name or results.campaign, style="bold"),
            Padding(_numbers(mailing, widths), (0, 0, 0, 2), expand=False),
        )
        for mailing in shown
    ]
    parts: list[RenderableType] = [_SideBySide(blocks)]
    if (more := len(results.mailings) - _MOST) > 0:
        parts.append(Text(f"and {counted(more, 'further mailing')}: campaigns results {results.campaign} --csv"))
    return Group(*parts, *(Text(line) for line in result_lines(results)))


class _SideBySide:
    """As many blocks beside each other as fit into the terminal; below each other where output is read by programs."""

    def __init__(self, blocks: Sequence[RenderableType]) -> None:
        self._blocks = blocks

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Columns(self._blocks, padding=(0, 3)) if console.is_terminal else Group(*self._blocks)


def _number(mailing: MailingResults, column: str) -> int:
    number: int = getattr(mailing, column.replace(" ", "_"))
    return number


def _numbers(mailing: MailingResults, widths: Sequence[int]) -> Table:
    """The numbers of one mailing, in columns as wide as those of the others, so that they stand below each other."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name, width in zip(_COLUMNS, widths, strict=True):
        table.add_column(name, justify="right", no_wrap=True, min_width=width)
    shares = {
        "delivered": share(mailing.delivered, mailing.sent),
        "read": share(mailing.read, mailing.delivered),
        "failed": share(mailing.failed, mailing.sent),
    }
    table.add_row(*(f"{_number(mailing, name):,}" for name in _COLUMNS))
    if mailing.sent:
        table.add_row(*(shares.get(name, "") for name in _COLUMNS), style="dim")
    return table


def result_lines(results: Results) -> Iterator[str]:
    """What the numbers say, in sentences: money, the comparison, hours, opt-outs."""
    for mailing in results.mailings[:_MOST]:
        if mailing.costs:
            each = {currency: round(amount, 4) for currency, amount in mailing.costs_per_read.items()}
            per_read = f", {moneys(each)} per read message" if each else ""
            yield f"“{mailing.name}” cost {moneys(mailing.costs)}{per_read}."
    if never := sum(mailing.never_known for mailing in results.mailings):
        yield f"{counted(never, 'message')} got no final status before polling ended."
    yield from comparison_lines(results)
    if (found := busiest(results.read_hours)) is not None:
        hour, number = found
        until, part = (hour + 1) % 24, share(number, sum(results.read_hours))
        yield f"The busiest hour is {hour:02d}:00 to {until:02d}:00 in {results.zone} ({part} of all reads)."
    if number := results.opted_out:
        people = counted(number, "person", "people")
        get = f"{noun_for(number, 'gets', 'get')} no more messages"
        after = _OPTED_OUT.get(results.optout_scopes, ", not all of them of everything").format(get=get)
        yield f"{people} opted out by a reply{after}. To list them:"
        yield f"campaigns optouts list --campaign {results.campaign}"
