"""Schedules: when the mailings of a campaign start, and what of them the gateway holds already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from campaigns.ledger.batches import Batches
from campaigns.ledger.records import Batch, Campaign
from campaigns.ledger.states import ACCEPTED, HELD, SENDING, UNKNOWN

_PER_ROUND_TRIP = 500
#: The gateway has such a batch, or may have it.
_HANDED_OVER = frozenset({SENDING, UNKNOWN, HELD, ACCEPTED})


@dataclass(frozen=True, slots=True)
class Schedule:
    """`times_ms` are all scheduled times of a campaign, unix ms, the earliest first.

    `out_of_reach` counts recipients whose mailing waits at the gateway for its time, and `until_ms` is the last of
    those times. No method of the gateway cancels: neither pause nor cancel reaches them.
    """

    times_ms: tuple[int, ...] = ()
    out_of_reach: int = 0
    until_ms: int | None = None


def schedule_of(batches: Batches, campaign: Campaign, now: Callable[[], int]) -> Schedule:
    """Ask for the time (unix ms) and read the batches only if there is a schedule. Raises StoreError."""
    times = _times(batches, campaign)
    if campaign.over or not times or times[-1] <= (now_ms := now()):
        return Schedule(times)
    waiting = [(starts_ms, n) for starts_ms, n in _handed_over(batches, campaign) if starts_ms > now_ms]
    until_ms = max((starts_ms for starts_ms, _ in waiting), default=None)
    return Schedule(times, sum(n for _, n in waiting), until_ms)


def _times(batches: Batches, campaign: Campaign) -> tuple[int, ...]:
    job = campaign.job
    times = {mailing.get("schedule_ms") for mailing in job.get("messages") or ()}
    if campaign.kind == "list" and campaign.batches and (job.get("fields") or {}).get("d_schedule"):
        times = {mailing.starts_at_ms for mailing in batches.read(campaign.batch_ids()[0]).mailings}
    return tuple(sorted(time for time in times if time is not None))


def _handed_over(batches: Batches, campaign: Campaign) -> Iterator[tuple[int, int]]:
    """When each batch that the gateway has starts, and how many recipients it has."""
    ids = campaign.batch_ids()
    for start in range(0, len(ids), _PER_ROUND_TRIP):
        for batch in batches.read_many(ids[start : start + _PER_ROUND_TRIP]):
            if batch.state in _HANDED_OVER:
                yield _starts_ms(batch), batch.recipients


def _starts_ms(batch: Batch) -> int:
    return max((mailing.starts_at_ms or 0 for mailing in batch.mailings), default=0)
