"""What the command prints: campaigns and deliveries for people, or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from campaigns.handle import Status
from campaigns.results import Delivery, Reply

#: From this width on, a campaign fits on a line with twenty columns for its name.
_WIDE = 110

_STYLES = {
    "finished": "green",
    "invalid": "red",
    "abandoned": "red",
    "paused": "yellow",
    "cancelled": "yellow",
}
#: Recipients by fate, in the order in which they are told, with the words for them.
_FATES = {
    "settled": "sent, fate known",
    "accepted": "sent, awaiting news",
    "planned": "waiting",
    "sending": "being sent",
    "unknown": "in doubt",
    "held": "held: needs you",
    "rejected": "refused by the gateway",
    "cancelled": "cancelled",
    "written_off": "written off",
    "invalid": "no phone number",
    "duplicate": "repeated",
    "opted_out": "opted out",
}


def status_table(status: Status, *, progress: Sequence[RenderableType] = ()) -> RenderableType:
    """A campaign at a glance: its state, its recipients by fate, its deliveries by status, what to do next.

    No line but a name, a reason and a message of the gateway needs more than 60 columns.
    """
    head = Text.assemble((status.name or status.id, "bold"), "  ", (status.state, _STYLES.get(status.state, "cyan")))
    about = Text(f"{status.id}, {status.kind}, account {status.account}", style="dim")
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for number, words, style in _numbers(status):
        table.add_row(number, Text(words), style=style)
    parts: list[RenderableType] = [head, about, *progress, table]
    if not status.balanced:
        parts.append(Text("the account of this campaign does not balance", style="red"))
    parts += [Text(line, style="bold" if line.startswith("campaigns ") else "yellow") for line in _advice(status)]
    return Group(*parts)


def _numbers(status: Status) -> Iterator[tuple[str, str, str | None]]:
    """Numbers, what they count, and how they look."""
    yield f"{status.total:,}", "recipients handed in", None
    for fate, words in _FATES.items():
        if number := status.recipients.get(fate):
            yield f"{number:,}", words, "yellow" if fate in {"unknown", "held"} else None
    for word, number in sorted(status.statuses.items(), key=lambda pair: -pair[1]):
        yield f"{number:,}", word, "dim"
    if status.duplicates:
        yield f"{status.duplicates:,}", "went out twice", "red"
    if status.replies:
        yield f"{status.replies:,}", "replies", None
    for currency, amount in status.costs.items():
        yield f"{amount.normalize():f}", currency, None


def _advice(status: Status) -> list[str]:
    """What to do next, if anything: sentences, and commands on lines of their own."""
    advice = []
    if status.account_rests_until is not None:
        until = f"{status.account_rests_until.astimezone():%H:%M:%S}"
        advice.append(f"account {status.account} rests until {until}: {status.account_rests_why}")
        advice += ["once that is put right:", f"campaigns wake {status.account}"]
    if status.recipients.get("held"):
        advice += [
            "some requests are in doubt for good; after a look at the gateway:",
            f"campaigns resolve {status.id} --help",
        ]
    if status.recipients.get("rejected"):
        advice += ["see why some were refused:", f"campaigns deliveries {status.id} --state rejected"]
    if status.state == "paused":
        advice += ["to go on:", f"campaigns resume {status.id}"]
    return advice


class CampaignsTable:
    """Campaigns: a line each where there is room, else two; ids and numbers are never cut."""

    def __init__(self, statuses: Sequence[Status]) -> None:
        self._statuses = statuses

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width >= _WIDE:
            yield self._wide()
            return
        for status in self._statuses:
            yield Text.assemble(status.id, "  ", _state(status), f"  {status.created_at.astimezone():%Y-%m-%d %H:%M}")
            numbers = f"{status.total:,} recipients, {status.sent:,} sent, {status.final:,} final"
            yield Padding(Text(numbers), (0, 0, 0, 2))
            if status.name:
                yield Padding(Text(status.name, style="bold"), (0, 0, 0, 2))

    def _wide(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for name in ("created", "campaign", "state", "recipients", "sent", "final"):
            table.add_column(name, justify="right" if name in {"recipients", "sent", "final"} else "left", no_wrap=True)
        table.add_column("name", overflow="fold")
        for status in self._statuses:
            table.add_row(
                f"{status.created_at.astimezone():%Y-%m-%d %H:%M}",
                status.id,
                _state(status),
                f"{status.total:,}",
                f"{status.sent:,}",
                f"{status.final:,}",
                Text(status.name),
            )
        return table


def _state(status: Status) -> Text:
    return Text(status.state, style=_STYLES.get(status.state, "cyan"))


def delivery_dict(delivery: Delivery) -> dict[str, Any]:
    return asdict(delivery)


def reply_dict(reply: Reply) -> dict[str, Any]:
    return asdict(reply)
