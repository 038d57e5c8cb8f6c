"""What the command prints: campaigns and deliveries for people, or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from campaigns.handle import Status
from campaigns.results import Delivery, Reply

console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())

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
    "invalid": "no phone numbers",
    "duplicate": "duplicates",
    "opted_out": "opted out",
}


def print_json(value: Any) -> None:
    """One line of JSON on standard output."""
    sys.stdout.write(orjson.dumps(value, default=str).decode() + "\n")
    sys.stdout.flush()


def status_table(status: Status) -> RenderableType:
    """A campaign at a glance: its state, its recipients by fate, its deliveries by status."""
    head = Text.assemble(
        (status.name or status.id, "bold"),
        "  ",
        (status.state, _STYLES.get(status.state, "cyan")),
        f"  {status.kind}, account {status.account}, {status.id}",
    )
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(justify="right")
    table.add_column()
    table.add_row(f"{status.total:,}", "recipients handed in")
    for fate, words in _FATES.items():
        if number := status.recipients.get(fate):
            table.add_row(f"{number:,}", words, style="yellow" if fate in {"unknown", "held"} else None)
    for word, number in sorted(status.statuses.items(), key=lambda pair: -pair[1]):
        table.add_row(f"{number:,}", word, style="dim")
    if status.duplicates:
        table.add_row(f"{status.duplicates:,}", "went out twice", style="red")
    if status.replies:
        table.add_row(f"{status.replies:,}", "replies")
    if status.cost is not None:
        table.add_row(f"{status.cost.normalize():f}", status.currency)
    parts: list[RenderableType] = [head, table]
    if not status.balanced:
        parts.append(Text("the account of this campaign does not balance", style="red"))
    parts += [Text(line, style="yellow") for line in _advice(status)]
    return Group(*parts)


def _advice(status: Status) -> list[str]:
    """What to do next, if anything."""
    advice = []
    if status.account_rests_until is not None:
        until = f"{status.account_rests_until.astimezone():%H:%M:%S}"
        advice.append(f"account {status.account} rests until {until}: {status.account_rests_why}")
        advice.append(f"once that is put right: campaigns wake {status.account}")
    if status.recipients.get("held"):
        advice.append(
            f"some requests are in doubt for good: campaigns resolve {status.id} --help, after a look at the gateway"
        )
    if status.recipients.get("rejected"):
        advice.append(f"see why some were refused: campaigns deliveries {status.id} --state rejected")
    if status.state == "paused":
        advice.append(f"to go on: campaigns resume {status.id}")
    return advice


def campaigns_table(statuses: list[Status]) -> RenderableType:
    """Campaigns, a line each."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("created", "campaign", "state", "recipients", "sent", "final"):
        table.add_column(name, justify="right" if name in {"recipients", "sent", "final"} else "left")
    for status in statuses:
        table.add_row(
            f"{status.created_at:%Y-%m-%d %H:%M}",
            f"{status.id}  {status.name}",
            Text(status.state, style=_STYLES.get(status.state, "cyan")),
            f"{status.total:,}",
            f"{status.sent:,}",
            f"{status.final:,}",
        )
    return table


def errors_lines(errors: Mapping[str, Any], lines: list[str]) -> RenderableType:
    """Why a job is invalid."""
    return Text("\n".join(f"  {line}" for line in lines) if errors else "", style="red")


def delivery_dict(delivery: Delivery) -> dict[str, Any]:
    return asdict(delivery)


def reply_dict(reply: Reply) -> dict[str, Any]:
    return asdict(reply)
