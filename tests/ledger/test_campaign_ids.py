"""Ids of campaigns: short, in the order of their times, and each only once."""

from __future__ import annotations

from campaigns.ledger.plans import new_campaign_id

MS = 1_796_000_000_000


def test_they_sort_by_time() -> None:
    times = [0, 1, 31, 32, MS, MS + 1, MS + 32, MS + 3_600_000, 32**9 - 1]
    ids = [new_campaign_id(ms) for ms in times]
    assert sorted(ids) == ids
    assert {len(campaign_id) for campaign_id in ids} == {17}


def test_those_of_one_moment_differ() -> None:
    ids = {new_campaign_id(MS) for _ in range(10_000)}
    assert len(ids) == 10_000
    assert len({campaign_id[:9] for campaign_id in ids}) == 1
    assert not set("".join(ids)) & set("ilou")
