"""What keeps a campaign from going on, a sentence each."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import datetime, tzinfo

from campaigns.accounts.pauses import ends_with_the_day
from campaigns.campaign_status import Status
from campaigns.text.wording import counted, minute, second


def account_pause(status: Status, zone: tzinfo) -> str | None:
    """That the account is paused, and why."""
    if status.account_paused_until is None:
        return None
    until = f"{second(status.account_paused_until, zone)} {zone}"
    return f"account {status.account} is paused until {until}: {status.account_pause_reason}"


def events_full_words(status: Status, zone: tzinfo) -> str | None:
    """That sending pauses because the event stream is full, and of which group's unread events."""
    if status.events_full_since is None:
        return None
    since = f"{second(status.events_full_since, zone)} {zone}"
    what = (
        f"sending pauses since {since}: the event stream is full of what group {status.events_full_group} has not read"
    )
    return f"{what}; it continues once there is room"


def out_of_reach_words(status: Status, zone: tzinfo) -> str | None:
    """How many messages wait at the gateway, where neither pausing nor cancelling stops them."""
    if not status.out_of_reach or status.out_of_reach_until is None:
        return None
    verb = "waits" if status.out_of_reach == 1 else "wait"
    until = f"{minute(status.out_of_reach_until, zone)} {zone}"
    number = counted(status.out_of_reach, "message")
    return f"{number} {verb} at the gateway until {until}: neither pause nor cancel stops that"


def window_words(status: Status, zone: tzinfo) -> str | None:
    """The send window, and when it opens next, while there is something to send."""
    if not status.send_window or not status.requests.get("planned"):
        return None
    waits = f"; closed, opens {minute(status.window_opens_at, zone)} {zone}" if status.window_opens_at else ""
    return f"goes out from {status.send_window}{waits}"


def canary_words(status: Status, zone: tzinfo) -> str | None:
    """That a canary goes out first, or is under way."""
    if status.canary == "under way" and not (status.sent or status.requests.get("sending")):
        return "a canary, the first recipients, goes out before the others"
    if status.canary == "under way":
        until = f" until {second(status.canary_until, zone)} {zone}" if status.canary_until else ""
        return f"the canary is under way, and its results are awaited{until}; the others follow automatically"
    return None


def pause_words(status: Status) -> str | None:
    """Why the campaign is paused, or by whom, as far as is known."""
    if status.state != "paused":
        return None
    if status.pause_cause == "canary":
        return f"the canary failed: {status.pause_reason}"
    if status.pause_cause == "over_budget":
        return f"paused, over budget: {status.pause_reason}"
    by = f" by {status.paused_by}" if status.paused_by else ""
    return f"paused{by}{': ' if status.pause_reason else ''}{status.pause_reason}"


def pause_remedies(status: Status) -> list[tuple[str, str]]:
    """What a person can do about a paused campaign: an aim and its command each."""
    if status.state != "paused":
        return []
    resume, cancel = f"campaigns resume {status.id}", f"campaigns cancel {status.id}"
    if status.pause_cause == "over_budget":
        raising = f"campaigns budget raise {shlex.quote(status.account)} AMOUNT --why REASON"
        return [("to pay for it today:", raising), ("and then:", resume), ("to send no more of it:", cancel)]
    if status.pause_cause == "canary":
        return [("to send the same to the others after all:", resume), ("to send no more of it:", cancel)]
    return [("to continue:", resume)]


def why_not_over(status: Status, by: datetime, zone: tzinfo) -> str | None:
    """Why a campaign of which something is still to be sent cannot be over by then, unless a person acts; None if it
    can."""
    if not status.requests.get("planned"):
        return None
    if status.state == "paused":
        return "it is paused"
    # Single messages go out as long as they fit, beside a campaign that has no room.
    if status.account_paused_until and ends_with_the_day(status.account_pause_reason) and status.kind != "quick":
        return "the daily budget of its account has no room" if status.account_paused_until > by else None
    if status.window_opens_at is not None and status.window_opens_at > by:
        return f"it goes out from {minute(status.window_opens_at, zone)} {zone} on"
    if status.state == "ready" and status.scheduled_at and status.scheduled_at[-1] > by:
        return f"it is scheduled for {minute(status.scheduled_at[-1], zone)} {zone}"
    return None


def draft_words(status: Status) -> str | None:
    """That a draft waits for approval, and why."""
    if status.state != "draft":
        return None
    return f"a draft, made by {status.made_by}: {status.draft_reason}; nothing goes out before it is approved"


def delete_group_command(group: str) -> str:
    """The command that deletes a consumer group."""
    return f"campaigns events --group {shlex.quote(group)} --delete"


def schedule_lines(status: Status, zone: tzinfo) -> Iterator[str]:
    """The times for which mailings are scheduled, messages out of reach, and the send window."""
    times = [minute(at, zone) for at in status.scheduled_at]
    if times:
        yield f"scheduled for {times[0]}" + (f" to {times[-1]}" if len(times) > 1 else "")
    if out_of_reach := out_of_reach_words(status, zone):
        yield out_of_reach
    if window := window_words(status, zone):
        yield window
