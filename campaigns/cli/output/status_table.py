"""The status of a campaign as a table: recipients, deliveries, reasons, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo
from itertools import chain
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from campaigns.accounts.pauses import ends_with_the_day
from campaigns.campaign_filters import state_words
from campaigns.campaign_status import Status
from campaigns.cli.output.obstacles import (
    account_pause,
    canary_words,
    delete_group_command,
    draft_words,
    events_full_words,
    pause_remedies,
    pause_words,
    schedule_lines,
)
from campaigns.ledger.states import CANCELLED, HELD, PLANNED, REJECTED, SENDING, UNKNOWN, WRITTEN_OFF
from campaigns.recipients.exclusions import Exclusion
from campaigns.text.wording import counted, minute, money, noun_for

_STYLES: Final = {
    "finished": "green",
    "invalid": "red",
    "abandoned": "red",
    "paused": "yellow",
    "draft": "yellow",
    "cancelled": "yellow",
}
#: Recipients who were sent nothing, or perhaps nothing, by fate, in the order in which they are shown.
_FATES: Final[dict[str, str]] = {
    member: member.label for member in (PLANNED, SENDING, UNKNOWN, HELD, REJECTED, CANCELLED, WRITTEN_OFF, *Exclusion)
}
#: Reasons that are listed one by one.
_REASONS: Final = 5


def status_table(status: Status, *, progress: Sequence[RenderableType] = (), zone: tzinfo = UTC) -> RenderableType:
    """A campaign at a glance: its state, its recipients by fate, its deliveries by status, what to do next.

    No line but a name, a correlation id, a reason and a message of the gateway needs more than 60 columns. Times are in
    `zone`.
    """
    head = Text.assemble((status.name or status.id, "bold"), "  ", state_text(status))
    # A submitted job that breaks rules may have neither kind nor account.
    known = [status.kind, "a test" * status.test, f"account {status.account}" if status.account else ""]
    known.append(f"topic {status.topic}" if status.topic else "")
    about = Text(", ".join(filter(None, [status.id, *known])), style="dim")
    since = Text(f"handed in {minute(status.created_at, zone)}, times in {zone}", style="dim")
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for number, words, style in _numbers(status):
        table.add_row(number, Text(words), style=style)
    named = [Text(f"correlation id {status.correlation_id}", style="dim")] if status.correlation_id else []
    parts: list[RenderableType] = [head, about, since, *named, *progress, table]
    if not status.balanced:
        parts.append(Text("the recipients of this campaign do not add up", style="red"))
    parts += [Text(line, style="red") for line in reason_lines(status)]
    parts += [Text(line, style="bold" if line.startswith("campaigns ") else "yellow") for line in _advice(status, zone)]
    return Group(*parts)


def _numbers(status: Status) -> Iterator[tuple[str, str, str | None]]:
    """Numbers, what they count, and their style."""
    yield f"{status.total:,}", noun_for(status.total, "recipient") + " handed in", None
    # By message: a batch of a thousand is followed for the sake of a single one.
    for messages, words in ((status.final, "sent, final"), (status.awaiting, "sent, still followed")):
        if messages:
            yield f"{messages:,}", words, None
    for fate, words in _FATES.items():
        if number := status.recipients.get(fate):
            yield f"{number:,}", words, "yellow" if fate in {"unknown", "held"} else None
    for word, number in sorted(status.statuses.items(), key=lambda pair: -pair[1]):
        yield f"{number:,}", word, "dim"
    if status.forwards_after_min is not None:
        yield "", f"sent as SMS if not delivered after {status.forwards_after_min} minutes", "dim"
    if status.double_sends:
        yield f"{status.double_sends:,}", "went out twice", "red"
    if status.replies:
        yield f"{status.replies:,}", noun_for(status.replies, "reply", "replies"), None
    for currency, amount in status.costs.items():
        dearer = ", more than expected" if status.cost_drifted else ""
        yield money(amount), f"{currency}{dearer}", "yellow" if dearer else None


def reason_lines(status: Status) -> list[str]:
    """Reasons of refusals and holds, by whom, those with the most recipients first."""
    lines = []
    for reason in status.reasons[:_REASONS]:
        who = "held" if reason.state == "held" else f"refused {'here' if reason.by == 'here' else 'by the gateway'}"
        number = reason.recipients or reason.requests
        counts = counted(number, "recipient" if reason.recipients else "request")
        lines.append(f"{who}, {counts}: {reason.words}")
    if (more := len(status.reasons) - _REASONS) > 0:
        lines.append(f"and for {counted(more, 'other reason')}")
    return lines


def _advice(status: Status, zone: tzinfo) -> list[str]:
    """What to do next, if anything: sentences, and commands on lines of their own."""
    advice = [*schedule_lines(status, zone)]
    if (pause := account_pause(status, zone)) is not None:
        advice += [pause, *_end_of_pause(status)]
    if (words := events_full_words(status, zone)) is not None:
        advice += [
            words,
            "start its consumers, or, if the group is no longer used:",
            delete_group_command(status.events_full_group),
        ]
    if status.recipients.get("held") or status.requests.get("held"):
        advice += ["check the gateway's cabinet, then decide:", f"campaigns resolve {status.id} --help"]
    if status.recipients.get("rejected"):
        advice += ["to list refused recipients:", f"campaigns deliveries {status.id} --state rejected"]
    if any(reason.state == "rejected" and reason.requests for reason in status.reasons):
        advice += ["once the reason is fixed:", f"campaigns retry {status.id} --why REASON"]
    if (words := draft_words(status)) is not None:
        advice += [words, "once another person has checked it:", f"campaigns approve {status.id}"]
    if words := canary_words(status, zone):
        advice.append(words)
    if (words := pause_words(status)) is not None:
        advice.append(words)
    return [*advice, *chain.from_iterable(pause_remedies(status))]


def _end_of_pause(status: Status) -> list[str]:
    if ends_with_the_day(status.account_pause_reason):
        raising = f"campaigns budget raise {shlex.quote(status.account)} AMOUNT --why REASON"
        return ["it continues the next day; to raise the budget for today:", raising]
    return ["once that is fixed:", f"campaigns resume-account {shlex.quote(status.account)}"]


def state_text(status: Status) -> Text:
    """The state in its colour."""
    words = state_words(status)
    return Text(words, style=_STYLES.get(words, "yellow" if "," in words else "cyan"))
