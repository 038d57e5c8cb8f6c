"""The work of the control queue: leases and plans that end, canaries, counts, cancelling, sweeping, trimming."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from campaigns.errors import UnknownCampaignError
from campaigns.flow.scheduling.canary import judge_canary
from campaigns.flow.scheduling.leases import end_lease
from campaigns.flow.scheduling.stream_room import TRIM_ENTRY, keep_room
from campaigns.flow.scheduling.sweep import SWEEP_ENTRY, sweep_campaign, sweep_slice
from campaigns.flow.sending.counting import put_count_right
from campaigns.flow.turn import NOTHING_TO_WRITE, Work
from campaigns.ledger import CANARY, CANCEL, COUNT, LEASE, PLAN, Entry
from campaigns.ledger.states import CANCELLING, PLANNING
from campaigns.services import Services

#: How long a slice of sweeping or trimming takes, and when the next follows while there is more to do: together they
#: use a twentieth of a core.
_SLICE_S: Final = 0.05
_SLICES_EVERY_MS: Final = 1_000
#: Time between the end of a round of sweeping and the next.
_ROUNDS_EVERY_MS: Final = 30_000
#: Time between two rounds of trimming. A pause of sending ends that late at most; no account fills the stream sooner.
_TRIMS_EVERY_MS: Final = 1_000


def control_taken(
    services: Services, entry: Entry, _began_at_s: float, monotonic: Callable[[], float] = time.monotonic
) -> Work:
    """Do what an entry of the control queue stands for."""
    if entry == SWEEP_ENTRY:
        until_s = monotonic() + _SLICE_S
        _, whole = sweep_slice(services, lambda: monotonic() < until_s)
        every_ms = _ROUNDS_EVERY_MS if whole else _SLICES_EVERY_MS
        services.due.put_control(SWEEP_ENTRY, services.now_ms() + every_ms)
    elif entry == TRIM_ENTRY:
        until_s = monotonic() + _SLICE_S
        keep_room(services, lambda: monotonic() < until_s)
        services.due.put_control(TRIM_ENTRY, services.now_ms() + _TRIMS_EVERY_MS)
    elif entry.verb == LEASE:
        end_lease(services, entry.id)
    elif entry.verb == COUNT:
        put_count_right(services, entry)
    elif entry.verb == CANARY:
        judge_canary(services, entry)
    elif entry.verb in {PLAN, CANCEL}:
        _campaign_due(services, entry)
    else:
        services.due.drop_control(entry)
    return NOTHING_TO_WRITE


def _campaign_due(services: Services, entry: Entry) -> None:
    """Sweep a plan whose producer may be gone, or a campaign that is being cancelled; again later while it is."""
    try:
        campaign = services.campaigns.read(entry.id)
    except UnknownCampaignError:
        services.due.drop_control(entry)
        return
    sweep_campaign(services, campaign)
    waited_for = PLANNING if entry.verb == PLAN else CANCELLING
    if services.campaigns.read(entry.id).state == waited_for:
        services.due.put_control(entry, services.now_ms() + _ROUNDS_EVERY_MS)
    else:
        services.due.drop_control(entry)
