"""Following a campaign until it is over: live on a terminal, otherwise a line for each change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo

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
    pause_remedies,
    pause_words,
    why_not_over,
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

    Obstacles (a refusal, a paused account, a pause) are shown as soon as they are known. With a `timeout_s` it is not
    awaited any longer once it cannot be over in time.
    """
    settings, throughput = default_services().settings, Throughput()
    zone = settings.gateway_timezone
    wait = None if timeout_s is None else Wait(timeout_s, zone)
    now = campaign.status()
    with _interruption_explained(), _shown(console, zone) as show:
        while True:
            progress = Progress.of(now, settings.final_statuses)
            throughput.note(time.monotonic(), progress.sent)
            show(now, progress, throughput.per_s)
            if now.state in OVER or (wait is not None and not wait.goes_on(now)):
                break
            time.sleep(_READ_S)
            now = campaign.status_after_restart()
    if not _drawn(console):
        console.print(status_table(now, zone=zone))
    if wait is not None:
        wait.explain(now)
    return now


class Wait:
    """A wait of `timeout_s` seconds for the end of a campaign, which is given up once that cannot come in time."""

    def __init__(self, timeout_s: float, zone: tzinfo) -> None:
        self._timeout_s = timeout_s
        self._zone = zone
        self._until_s = time.monotonic() + timeout_s
        self._by = datetime.now(zone) + timedelta(seconds=timeout_s)

    def goes_on(self, status: Status) -> bool:
        """Whether to read the status once more."""
        return status.state not in OVER and self._in_vain(status) is None and time.monotonic() < self._until_s

    def explain(self, status: Status) -> None:
        """Print to standard error why the wait was given up. Raises WaitTimeoutError if its time has run out."""
        if status.state in OVER:
            return
        why = self._in_vain(status)
        if why is None:
            raise WaitTimeoutError(status.id, status.state, self._timeout_s)
        print_error(f"campaign {status.id} is not over, nor can it be within {self._timeout_s:g} seconds: {why}")

    def _in_vain(self, status: Status) -> str | None:
        return why_not_over(status, self._by, self._zone)


def obstacles(status: Status, zone: tzinfo) -> list[str]:
    """What keeps a campaign from being sent, a sentence each."""
    found = [account_pause(status, zone), events_full_words(status, zone), draft_words(status)]
    found += [out_of_reach_words(status, zone) if status.state == "cancelling" else None]
    found += [window_words(status, zone) if status.window_opens_at else None, canary_words(status, zone)]
    if doing := [" ".join(pair) for pair in pause_remedies(status)]:
        found.append("; ".join([*filter(None, [pause_words(status)]), *doing]))
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
