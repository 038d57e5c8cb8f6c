"""A campaign followed until it is over: live on a terminal, else a line whenever something changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo

from rich.console import Console
from rich.live import Live

from campaigns.campaign import Campaign
from campaigns.campaign_status import Status
from campaigns.cli.output.obstacles import (
    account_pause,
    canary_words,
    draft_words,
    events_full_words,
    out_of_reach_words,
    window_words,
)
from campaigns.cli.output.progress import Progress, Throughput, line, view
from campaigns.cli.output.screen import print_error
from campaigns.cli.output.status_table import reason_lines, status_table
from campaigns.errors import WaitTimeoutError
from campaigns.ledger.states import OVER
from campaigns.wiring import default_services

_LOOK_S = 0.25
_LINE_S = 1.0
Show = Callable[[Status, Progress, float | None], None]


def followed(campaign: Campaign, timeout_s: float | None, console: Console) -> Status:
    """Show the campaign until it is over, and then where it is. Raises WaitTimeoutError.

    What keeps it from going on (a refusal, an account that is paused, a pause) is told as soon as it is known.
    """
    settings, throughput = default_services().settings, Throughput()
    zone = settings.gateway_timezone
    until = None if timeout_s is None else time.monotonic() + timeout_s
    now = campaign.status()
    with _told_that_it_goes_on(), _shown(console, zone) as show:
        while True:
            progress = Progress.of(now, settings.final_statuses)
            throughput.note(time.monotonic(), progress.sent)
            show(now, progress, throughput.per_s)
            if now.state in OVER:
                break
            if until is not None and time.monotonic() > until:
                raise WaitTimeoutError(campaign.id, now.state, timeout_s or 0)
            time.sleep(_LOOK_S)
            now = campaign.status_after_restart()
    if not _drawn(console):
        console.print(status_table(now, zone=zone))
    return now


def obstacles(status: Status, zone: tzinfo) -> list[str]:
    """What keeps a campaign from going on as wanted, a sentence each."""
    found = [account_pause(status, zone), events_full_words(status, zone), draft_words(status)]
    found += [out_of_reach_words(status, zone) if status.state == "cancelling" else None]
    found += [window_words(status, zone) if status.window_opens_at else None, canary_words(status, zone)]
    if status.state == "paused":
        found.append(f"the campaign is paused; to go on: campaigns resume {status.id}")
    return [*reason_lines(status), *(words for words in found if words)]


@contextmanager
def _shown(console: Console, zone: tzinfo) -> Iterator[Show]:
    if not _drawn(console):
        yield _Lines(console, zone)
        return
    # Drawn only when we say so, in one write: nothing flickers.
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        yield lambda status, progress, per_s: live.update(view(status, progress, per_s, zone), refresh=True)


def _drawn(console: Console) -> bool:
    return console.is_terminal and not console.is_dumb_terminal


class _Lines:
    """Prints a line if something changed, at most one a second but for the last; obstacles at once, and once."""

    def __init__(self, console: Console, zone: tzinfo) -> None:
        self._console = console
        self._zone = zone
        self._last: Progress | None = None
        self._at_s = -_LINE_S
        self._told: set[str] = set()

    def __call__(self, status: Status, progress: Progress, per_s: float | None) -> None:
        # What follows in a moment, in whole, need not be said twice.
        new = [] if status.state in OVER else [w for w in obstacles(status, self._zone) if w not in self._told]
        soon = time.monotonic() - self._at_s < _LINE_S
        if progress != self._last and not soon and status.state not in OVER:
            self._last, self._at_s = progress, time.monotonic()
            self._say(line(progress, per_s))
        for words in new:
            self._told.add(words)
            self._say(words)

    def _say(self, words: str) -> None:
        self._console.print(f"{datetime.now(self._zone):%H:%M:%S}  {words}", soft_wrap=True)


@contextmanager
def _told_that_it_goes_on() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        print_error("the campaign goes on by itself")
        raise
