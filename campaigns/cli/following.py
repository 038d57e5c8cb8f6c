"""A campaign followed until it is over: live on a terminal, else a line whenever something changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from campaigns.cli.failures import complain
from campaigns.cli.progress import Pace, Standing, line, view
from campaigns.cli.show import status_table
from campaigns.errors import WaitTimeoutError
from campaigns.handle import Campaign, Status
from campaigns.ledger.states import OVER
from campaigns.wiring import default_services

_LOOK_S = 0.25
_LINE_S = 1.0
Show = Callable[[Status, Standing, float | None], None]


def followed(campaign: Campaign, timeout_s: float | None, console: Console) -> Status:
    """Show the campaign until it is over, and then where it is. Raises WaitTimeoutError."""
    final, pace = default_services().settings.final_statuses, Pace()
    until = None if timeout_s is None else time.monotonic() + timeout_s
    now = campaign.status()
    with _told_that_it_goes_on(), _shown(console) as show:
        while True:
            standing = Standing.of(now, final)
            pace.note(time.monotonic(), standing.sent)
            show(now, standing, pace.per_s)
            if now.state in OVER:
                break
            if until is not None and time.monotonic() > until:
                raise WaitTimeoutError(campaign.id, now.state, timeout_s or 0)
            time.sleep(_LOOK_S)
            now = campaign.status_after_restart()
    if not _drawn(console):
        console.print(status_table(now))
    return now


@contextmanager
def _shown(console: Console) -> Iterator[Show]:
    if not _drawn(console):
        yield _Lines(console)
        return
    # Drawn only when we say so, in one write: nothing flickers.
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        yield lambda status, standing, per_s: live.update(view(status, standing, per_s), refresh=True)


def _drawn(console: Console) -> bool:
    return console.is_terminal and not console.is_dumb_terminal


class _Lines:
    """Prints a line if something changed, at most one a second but for the last."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: Standing | None = None
        self._at_s = -_LINE_S

    def __call__(self, status: Status, standing: Standing, per_s: float | None) -> None:
        soon = time.monotonic() - self._at_s < _LINE_S and status.state not in OVER
        if standing == self._last or soon:
            return
        self._last, self._at_s = standing, time.monotonic()
        self._console.print(f"{time.strftime('%H:%M:%S')}  {line(standing, per_s)}", soft_wrap=True)


@contextmanager
def _told_that_it_goes_on() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        complain("the campaign goes on by itself")
        raise
