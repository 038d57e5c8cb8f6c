"""What the command says of campaigns: at a glance, and as a list."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from campaigns.campaign_status import Status
from campaigns.results import Delivery, Reply
from campaigns.text.wording import counted

_STYLES: Final = {
    "finished": "green",
    "invalid": "red",
    "abandoned": "red",
    "paused": "yellow",
    "draft": "yellow",
    "cancelled": "yellow",
}
#: Recipients by fate, in the order in which they are told, with the words for them.
_FATES: Final = {
    "settled": "sent, fate known",
    "accepted": "sent, awaiting news",
    "planned": "waiting",
    "sending": "being sent",
    "unknown": "in doubt",
    "held": "held: needs you",
    "rejected": "refused, not sent",
    "cancelled": "cancelled",
    "written_off": "written off",
    "invalid": "no phone number",
    "duplicate": "repeated",
    "opted_out": "opted out",
}
#: Reasons that are told one by one.
_REASONS: Final = 5


def status_table(status: Status, *, progress: Sequence[RenderableType] = (), zone: tzinfo = UTC) -> RenderableType:
    """A campaign at a glance: its state, its recipients by fate, its deliveries by status, what to do next.

    No line but a name, a correlation id, a reason and a message of the gateway needs more than 60 columns. Times are in
    `zone`.
    """
    head = Text.assemble((status.name or status.id, "bold"), "  ", state_text(status))
    about = Text(f"{status.id}, {status.kind}{', a test' * status.test}, account {status.account}", style="dim")
    since = Text(f"handed in {moment(status.created_at, zone)}, times in {zone}", style="dim")
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for number, words, style in _numbers(status):
        table.add_row(number, Text(words), style=style)
    named = [Text(f"correlation id {status.correlation_id}", style="dim")] if status.correlation_id else []
    parts: list[RenderableType] = [head, about, since, *named, *progress, table]
    if not status.balanced:
        parts.append(Text("the account of this campaign does not balance", style="red"))
    parts += [Text(line, style="red") for line in reason_lines(status)]
    parts += [Text(line, style="bold" if line.startswith("campaigns ") else "yellow") for line in _advice(status, zone)]
    return Group(*parts)


def moment(at: datetime, zone: tzinfo) -> str:
    """`2026-05-04 06:02` in `zone`."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _numbers(status: Status) -> Iterator[tuple[str, str, str | None]]:
    """Numbers, what they count, and how they look."""
    yield f"{status.total:,}", _noun(status.total, "recipient") + " handed in", None
    for fate, words in _FATES.items():
        if number := status.recipients.get(fate):
            yield f"{number:,}", words, "yellow" if fate in {"unknown", "held"} else None
    for word, number in sorted(status.statuses.items(), key=lambda pair: -pair[1]):
        yield f"{number:,}", word, "dim"
    if status.double_sends:
        yield f"{status.double_sends:,}", "went out twice", "red"
    if status.replies:
        yield f"{status.replies:,}", _noun(status.replies, "reply", "replies"), None
    for currency, amount in status.costs.items():
        yield f"{amount.normalize():f}", currency, None


def reason_lines(status: Status) -> list[str]:
    """Why some were refused or are held, and who says so, those of most recipients first."""
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
        advice += [pause, "once that is put right:", f"campaigns resume-account {shlex.quote(status.account)}"]
    if (words := events_full_words(status, zone)) is not None:
        advice += [words, "start its consumers, or, if nobody reads it:", erase_command(status.events_full_group)]
    if status.recipients.get("held") or status.requests.get("held"):
        advice += ["after a look into the gateway's cabinet:", f"campaigns resolve {status.id} --help"]
    if status.recipients.get("rejected"):
        advice += ["see who was refused:", f"campaigns deliveries {status.id} --state rejected"]
    if any(reason.state == "rejected" and reason.requests for reason in status.reasons):
        advice += ["once the reason is put right:", f"campaigns retry {status.id} --why REASON"]
    if (words := draft_words(status)) is not None:
        advice += [words, "once somebody else has looked at it:", f"campaigns approve {status.id}"]
    if words := canary_words(status, zone):
        advice.append(words)
    if status.state == "paused":
        advice += ["to go on:", f"campaigns resume {status.id}"]
    return advice


def schedule_lines(status: Status, zone: tzinfo) -> Iterator[str]:
    """For when mailings are scheduled, and what of them neither pausing nor cancelling stops."""
    times = [moment(at, zone) for at in status.scheduled_at]
    if times:
        yield f"scheduled for {times[0]}" + (f" to {times[-1]}" if len(times) > 1 else "")
    if out_of_reach := out_of_reach_words(status, zone):
        yield out_of_reach
    if window := window_words(status, zone):
        yield window


def out_of_reach_words(status: Status, zone: tzinfo) -> str | None:
    """What neither pausing nor cancelling stops, if there is something."""
    if not status.out_of_reach or status.out_of_reach_until is None:
        return None
    verb = "waits" if status.out_of_reach == 1 else "wait"
    until = f"{moment(status.out_of_reach_until, zone)} {zone}"
    return f"{counted(status.out_of_reach, 'message')} {verb} at the gateway until {until}: nothing here can stop that"


def window_words(status: Status, zone: tzinfo) -> str | None:
    """When it may go out, and that it waits for that, while there is something to send."""
    if not status.send_window or not status.requests.get("planned"):
        return None
    waits = f"; closed, opens {moment(status.window_opens_at, zone)} {zone}" if status.window_opens_at else ""
    return f"goes out from {status.send_window}{waits}"


def canary_words(status: Status, zone: tzinfo) -> str | None:
    """That only a first part is out yet, or that it failed and why; nothing once that is over."""
    if status.canary == "under way":
        until = f" until {moment(status.canary_until, zone)} {zone}" if status.canary_until else ""
        return f"a canary goes out first, and its results are waited for{until}; the others follow by themselves"
    if status.canary == "failed" and status.state == "paused":
        return f"the canary failed: {status.canary_reason}"
    return None


def draft_words(status: Status) -> str | None:
    """That a draft waits for somebody to approve it, and why."""
    if status.state != "draft":
        return None
    return f"a draft, made by {status.made_by}: {status.draft_reason}; nothing goes out before it is approved"


def account_pause(status: Status, zone: tzinfo) -> str | None:
    """That nothing goes out for the account at the moment, and why."""
    if status.account_paused_until is None:
        return None
    until = f"{status.account_paused_until.astimezone(zone):%H:%M:%S}"
    return f"account {status.account} is paused until {until}: {status.account_pause_reason}"


def events_full_words(status: Status, zone: tzinfo) -> str | None:
    """That nothing goes out because too many events are unread, and by whom."""
    if status.events_full_since is None:
        return None
    since = f"{status.events_full_since.astimezone(zone):%H:%M:%S}"
    what = (
        f"sending pauses since {since}: the event stream is full of what group {status.events_full_group} has not read"
    )
    return f"{what}; it goes on by itself once there is room"


def erase_command(group: str) -> str:
    """The command that drops a group."""
    return f"campaigns events --group {shlex.quote(group)} --delete"


def state_words(status: Status) -> str:
    """The state, and what `finished` would hide: that the campaign was refused, or is held."""
    if status.state == "ready":
        waits = {
            "events full": status.events_full_since is not None and status.recipients.get("planned"),
            "window closed": status.window_opens_at is not None,
            "canary": status.canary == "under way",
        }
        return ", ".join(["ready", *(words for words, is_so in waits.items() if is_so)][:2])
    if status.state not in {"finished", "cancelled"}:
        return status.state
    requests = status.requests
    if status.recipients.get("held") or requests.get("held"):
        return f"{status.state}, held"
    if status.recipients.get("rejected") or requests.get("rejected"):
        return f"{status.state}, {'part' if status.sent else 'all'} refused"
    return status.state


def state_text(status: Status) -> Text:
    """The state in its colour."""
    words = state_words(status)
    return Text(words, style=_STYLES.get(words, "yellow" if "," in words else "cyan"))


def delivery_dict(delivery: Delivery) -> dict[str, Any]:
    return asdict(delivery)


def reply_dict(reply: Reply) -> dict[str, Any]:
    return asdict(reply)


def _noun(number: int, one: str, many: str = "") -> str:
    return one if number == 1 else many or f"{one}s"
