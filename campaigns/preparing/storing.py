"""The storing of small campaigns in one round trip, several at once if there are several."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from campaigns.errors import NotReplicatedError, StoreError
from campaigns.ledger import Plan, PlannedWhole, Stored, kept_back, read_stored, storing_call
from campaigns.preparing.small_campaigns import SmallCampaign, plan_of
from campaigns.services import Services
from campaigns.store.client import ScriptCall

log = logging.getLogger(__name__)

#: Batches after which a call of the script that stores campaigns is full. A campaign without any counts as one.
_BATCHES_PER_CALL: Final = 50
#: The excluded recipients that take about as long to list as a batch takes to store.
_EXCLUDED_PER_BATCH: Final = 20


@dataclass(frozen=True, slots=True)
class Storing:
    """Small campaigns with the calls that store them."""

    plans: Sequence[Plan]
    groups: Sequence[Sequence[PlannedWhole]]
    calls: Sequence[ScriptCall]


def storing(services: Services, campaigns: Sequence[SmallCampaign]) -> Storing:
    """What `store` stores. Nothing is asked of the store yet."""
    plans = [plan_of(services, small.job, small.key, small) for small in campaigns]
    wholes = [PlannedWhole(plan.head, small.plan) for plan, small in zip(plans, campaigns, strict=True)]
    groups = list(_groups(wholes))
    replicas = kept_back(services.store)
    return Storing(plans, groups, [storing_call(services.store.keys, group, replicas) for group in groups])


def store(services: Services, those: Storing) -> list[Stored | StoreError]:
    """Store campaigns in one round trip, all of each or nothing, and ring the workers.

    Returns what became of each, with the campaign that has its key; or a StoreError if the store failed. Nothing of
    that campaign is stored then, and a call that Redis has yet to process will not store it either. Raises StoreError
    if that cannot be ensured.
    """
    try:
        answers = services.store.run_all_safely(those.calls)
    except NotReplicatedError as error:
        return [_after_failed_replication(services, plan, error) for plan in those.plans]
    except StoreError as error:
        return [_after_lost_answer(services, plan, error) for plan in those.plans]
    found, to_ring = dict[str, Stored](), set[str]()
    for group, answer in zip(those.groups, answers, strict=True):
        stored, ring = read_stored(group, answer)
        found |= {whole.head.campaign_id: one for whole, one in zip(group, stored, strict=True)}
        to_ring |= {group[0].head.queue} if ring else set()
    for queue in sorted(to_ring):
        ring_safely(queue, services.ring)
    return [_result(plan, found[plan.campaign_id]) for plan in those.plans]


def _groups(wholes: Sequence[PlannedWhole]) -> Iterator[list[PlannedWhole]]:
    """The campaigns of each call. A call is short, since the server does nothing else meanwhile."""
    keys = [whole.head.key for whole in wholes if whole.head.key is not None]
    if len(set(keys)) < len(keys):
        # The first that has a key gets it.
        yield from ([whole] for whole in wholes)
        return
    together: dict[tuple[str, str, str], list[PlannedWhole]] = {}
    for whole in wholes:
        together.setdefault(whole.together, []).append(whole)
    for alike in together.values():
        yield from _short_groups(alike)


def _short_groups(alike: Sequence[PlannedWhole]) -> Iterator[list[PlannedWhole]]:
    group, size = list[PlannedWhole](), 0
    for whole in alike:
        group.append(whole)
        size += max(1, len(whole.whole.batches) + len(whole.whole.excluded) // _EXCLUDED_PER_BATCH)
        if size >= _BATCHES_PER_CALL:
            yield group
            group, size = [], 0
    if group:
        yield group


def _result(plan: Plan, stored: Stored) -> Stored | StoreError:
    if stored.revoked:
        return StoreError("an earlier call reported that nothing is stored, and revoked the plan")
    if stored.mine:
        plan.let_go()
    return stored


def _after_failed_replication(services: Services, plan: Plan, error: NotReplicatedError) -> Stored | StoreError:
    try:
        plan.take_back(error)
    except StoreError as problem:
        plan.drop()
        return problem
    # Too late to take it back: a part has been sent. Or it was never stored: another campaign had its key.
    return Stored(plan.campaign_id, mine=True) if services.campaigns.exists(plan.campaign_id) else error


def _after_lost_answer(services: Services, plan: Plan, error: StoreError) -> Stored | StoreError:
    """The result of a call whose answer was lost: the error if nothing of the campaign is in the store."""
    if plan.revoke() or not services.campaigns.exists(plan.campaign_id):
        return error
    return Stored(plan.campaign_id, mine=True)


def ring_safely(queue: str, ring: Callable[[str], object]) -> None:
    """Ring the workers of a queue. A failure is only logged, because beat rings for due work as well."""
    try:
        ring(queue)
    except Exception as error:  # noqa: BLE001 (the job is stored; an exception would make callers hand it in again)
        log.warning("bell_not_rung", extra={"queue": queue, "error": type(error).__name__})
