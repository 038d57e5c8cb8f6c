"""Following a campaign until it is over: live on a terminal, otherwise a line for each change."""

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

_READ_S = 0.25
_LINE_S = 1.0
Show = Callable[[Status, Progress, float | None], None]


def followed(campaign: Campaign, timeout_s: float | None, console: Console) -> Status:
    """Show the campaign until it is over, then its status. Raises WaitTimeoutError.

    Obstacles (a refusal, a paused account, a pause) are shown as soon as they are known.
    """
    settings, throughput = default_services().settings, Throughput()
    zone = settings.gateway_timezone
    until = None if timeout_s is None else time.monotonic() + timeout_s
    now = campaign.status()
    with _interruption_explained(), _shown(console, zone) as show:
        while True:
            progress = Progress.of(now, settings.final_statuses)
            throughput.note(time.monotonic(), progress.sent)
            show(now, progress, throughput.per_s)
            if now.state in OVER:
                break
            if until is not None and time.monotonic() > until:
                raise WaitTimeoutError(campaign.id, now.state, timeout_s or 0)
            time.sleep(_READ_S)
            now = campaign.status_after_restart()
    if not _drawn(console):
        console.print(status_table(now, zone=zone))
    return now


def obstacles(status: Status, zone: tzinfo) -> list[str]:
    """What keeps a campaign from being sent, a sentence each."""
    found = [account_pause(status, zone), events_full_words(status, zone), draft_words(status)]
    found += [out_of_reach_words(status, zone) if status.state == "cancelling" else None]
    found += [window_words(status, zone) if status.window_opens_at else None, canary_words(status, zone)]
    if status.state == "paused":
        found.append(f"the campaign is paused; to continue: campaigns resume {status.id}")
    return [*reason_lines(status), *(words for words in found if words)]


@contextmanager
def _shown(console: Console, zone: tzinfo) -> Iterator[Show]:
    if not _drawn(console):
        yield _Lines(console, zone)
        return
    # Each update is one write, so nothing flickers.
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        yield lambda status, progress, per_s: live.update(view(status, progress, per_s, zone), refresh=True)


def _drawn(console: Console) -> bool:
    return console.is_terminal and not console.is_dumb_terminal


class _Lines:
    """Prints a line for a change, at most one a second, and each obstacle once, at once."""

    def __init__(self, console: Console, zone: tzinfo) -> None:
        self._console = console
        self._zone = zone
        self._last: Progress | None = None
        self._at_s = -_LINE_S
        self._shown: set[str] = set()

    def __call__(self, status: Status, progress: Progress, per_s: float | None) -> None:
        # The full status follows when the campaign is over.
        new = [] if status.state in OVER else [w for w in obstacles(status, self._zone) if w not in self._shown]
        soon = time.monotonic() - self._at_s < _LINE_S
        if progress != self._last and not soon and status.state not in OVER:
            self._last, self._at_s = progress, time.monotonic()
            self._print(line(progress, per_s))
        for words in new:
            self._shown.add(words)
            self._print(words)

    def _print(self, words: str) -> None:
        self._console.print(f"{datetime.now(self._zone):%H:%M:%S}  {words}", soft_wrap=True)


@contextmanager
def _interruption_explained() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        print_error("the campaign continues without this command")
        raise
