"""What the doctor checks of the event stream: its room, its groups, dead letters, unreadable submissions."""

from __future__ import annotations

from collections.abc import Iterator

from campaigns.cli.doctor.findings import FAIL, OK, WARN, Finding
from campaigns.events import Groups
from campaigns.events.groups import Group
from campaigns.services import Services
from campaigns.store.commands import Redis, command

_BEHIND_S = 3600.0


def check_events(services: Services) -> Iterator[Finding]:
    """Raises StoreError."""
    groups = Groups(services.store).all()
    yield _room(services, groups)
    yield _groups(services, groups)
    yield _dead_letters(services, groups)
    yield _rejected(services)


def _room(services: Services, groups: list[Group]) -> Finding:
    """Whether groups leave so much unread that sending pauses, or soon will. Events read by all groups are deleted."""
    entries, cap = len(services.events), services.settings.events_cap
    unread = max((group.unread for group in groups), default=0)
    full, found = services.events.full(), f"{entries:,} of {cap:,} entries"
    if full is None and unread < cap / 2:
        return Finding(OK, "event stream", found if groups else f"{found}; no group reads them")
    last = max(groups, key=lambda group: group.unread).name if groups else ""
    remedy = (
        f"start the consumers of group {last}, or, if it is no longer used: campaigns events --group {last} --delete"
    )
    if full is not None:
        since_s = (services.now_ms() - full.since_ms) / 1000
        found += f": sending has paused for {since_s:,.0f} s; group {last} has not read {unread:,}"
        return Finding(FAIL, "event stream", found, f"{remedy}; then sending continues")
    found += f": sending pauses when {cap:,} entries are unread; group {last} has not read {unread:,}"
    return Finding(WARN if unread < cap else FAIL, "event stream", found, remedy)


def _rejected(services: Services) -> Finding:
    """Whether messages came in which no job could be found."""
    number = len(services.rejected)
    newest = next(services.rejected.newest(1), None)
    if newest is None:
        return Finding(OK, "submissions", "every message could be read")
    name = f"message {newest.id}" if newest.id else f"a message without an id ({newest.digest})"
    found = f"{number:,} could not be read; the newest, {name} in the queue {newest.queue}: {newest.reason}"
    remedy = "campaigns submissions list; fix the sender, send them again, then: campaigns submissions discard"
    return Finding(WARN, "submissions", found, remedy)


def _groups(services: Services, groups: list[Group]) -> Finding:
    """Whether a group has an event older than an hour that is unread or not acknowledged."""
    now_ms = services.now_ms()
    oldest = {group.name: now_ms - group.oldest_ms for group in groups if group.oldest_ms is not None}
    behind = {name: age_ms / 3_600_000 for name, age_ms in oldest.items() if age_ms > _BEHIND_S * 1000}
    if not behind:
        return Finding(OK, "groups", f"{len(groups)}, none is behind" if groups else "none")
    listed = ", ".join(f"{name} by {hours:,.0f} h" for name, hours in behind.items())
    name = next(iter(behind))
    remedy = f"start its consumers, or, if it is no longer used: campaigns events --group {name} --delete"
    return Finding(WARN, "groups", f"behind: {listed}", remedy)


def _dead_letters(services: Services, groups: list[Group]) -> Finding:
    names = [group.name for group in groups]
    numbers = services.store.ask_many([command(Redis.xlen, services.store.keys.dead_letters(name)) for name in names])
    found = {name: number for name, number in zip(names, numbers, strict=True) if number}
    if not found:
        return Finding(OK, "dead letters", "none")
    listed = ", ".join(f"{number:,} of group {name}" for name, number in found.items())
    remedy = f"see why, then delete each: campaigns events --group {next(iter(found))} --dead-letters"
    return Finding(WARN, "dead letters", listed, remedy)
