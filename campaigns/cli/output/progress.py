"""How far a campaign is, how fast it is sent, and how long that still takes. Pure but for what rich draws."""

from __future__ import annotations

from collections import deque
from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Final

from rich.console import RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from campaigns.campaign_status import Status
from campaigns.cli.output.status_table import status_table
from campaigns.statuses import DELIVERED, READ, UNKNOWN_FINAL
from campaigns.text.wording import money

_WINDOW_S: Final = 10.0
#: Shortest time over which a rate is computed.
_LEAST_S: Final = 0.5
_BAR_WIDTH: Final = 40


@dataclass(frozen=True, slots=True)
class Progress:
    """Recipients of a campaign at one moment. `delivered` includes those who read; `failed` those refused.

    `waiting` are yet to be sent or in doubt; `final` are those of `sent` that have a final status.
    """

    state: str
    waiting: int
    sent: int
    final: int
    delivered: int
    read: int
    failed: int
    costs: dict[str, Decimal]

    @classmethod
    def of(cls, status: Status, final_statuses: Set[str]) -> Progress:
        failures = final_statuses - {READ, DELIVERED, UNKNOWN_FINAL}
        words, fates = status.statuses, status.recipients
        return cls(
            state=status.state,
            waiting=sum(fates.get(fate, 0) for fate in ("planned", "sending", "unknown")),
            sent=status.sent,
            final=status.final,
            delivered=words.get(DELIVERED, 0) + words.get(READ, 0),
            read=words.get(READ, 0),
            failed=sum(words.get(word, 0) for word in failures) + fates.get("rejected", 0),
            costs=status.costs,
        )


class Throughput:
    """Recipients sent to per second, over the last ten seconds."""

    def __init__(self, window_s: float = _WINDOW_S) -> None:
        self._window_s = window_s
        self._noted: deque[tuple[float, int]] = deque()

    def note(self, at_s: float, sent: int) -> None:
        """Record that `sent` recipients were sent to by `at_s`, monotonic seconds."""
        self._noted.append((at_s, sent))
        # One note at or before the beginning of the window stays, so that the whole window is spanned.
        while len(self._noted) > 1 and self._noted[1][0] <= at_s - self._window_s:
            self._noted.popleft()

    @property
    def per_s(self) -> float | None:
        """Recipients a second; None in the first half second."""
        if not self._noted:
            return None
        (first_s, first), (last_s, last) = self._noted[0], self._noted[-1]
        return max(0, last - first) / (last_s - first_s) if last_s - first_s >= _LEAST_S else None


def left_s(waiting: int, per_s: float | None) -> float | None:
    """Seconds until the last is sent at this throughput; None if nothing waits or the throughput is unknown."""
    return waiting / per_s if waiting and per_s else None


def duration(seconds: float) -> str:
    """Such as `4 s`, `3 min 20 s`, `2 h 5 min`, `1 d 3 h`."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two(whole, 60, "min", "s")
    return _two(whole // 60, 60, "h", "min") if whole < 86_400 else _two(whole // 3600, 24, "d", "h")


def _two(number: int, size: int, unit: str, smaller: str) -> str:
    large, small = divmod(number, size)
    return f"{large} {unit} {small} {smaller}" if small else f"{large} {unit}"


def sending_words(now: Progress, per_s: float | None) -> str:
    """How many are sent, and while sending continues, how fast and how long it will take."""
    if not now.waiting:
        awaited = now.sent - now.final
        return f"{now.sent:,} sent" + (f", {awaited:,} without a final status" if awaited else "")
    parts = [f"{now.sent:,} of {now.sent + now.waiting:,} sent"]
    if per_s:
        parts.append(f"{per_s:,.0f} a second" if per_s >= 10 else f"{per_s:.1f} a second")
    left = left_s(now.waiting, per_s)
    if left is not None and now.state == "ready":
        parts.append(f"{duration(left)} left")
    return ", ".join(parts)


def fate_words(now: Progress) -> str:
    """How many messages were delivered, read and failed, and the cost so far."""
    parts = [f"{now.delivered:,} delivered", f"{now.read:,} read", f"{now.failed:,} failed"]
    parts += [money(amount, currency) for currency, amount in now.costs.items()]
    return ", ".join(parts)


def line(now: Progress, per_s: float | None) -> str:
    """Progress in one line, for a log."""
    return f"{now.state}: {sending_words(now, per_s)}; {fate_words(now)}"


def portion(now: Progress) -> tuple[str, int, int]:
    """The bar: its label, the part done and the whole. Sending first, then final statuses."""
    if now.waiting:
        return "sent", now.sent, now.sent + now.waiting
    return "final", now.final, now.sent


def view(status: Status, now: Progress, per_s: float | None, zone: tzinfo = UTC) -> RenderableType:
    """The live view of a campaign on a terminal."""
    what, done, of = portion(now)
    parts: list[RenderableType] = [Text("")]
    if of:
        row = Table.grid(padding=(0, 1))
        row.add_row(what, ProgressBar(total=of, completed=done, width=_BAR_WIDTH), f"{100 * done // of} %")
        parts.append(row)
    parts += [Text(sending_words(now, per_s)), Text(fate_words(now)), Text("")]
    return status_table(status, progress=parts, zone=zone)
