"""Planning: every recipient of a job ends in exactly one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.errors import JobError
from campaigns.jobs.checking import load_job
from campaigns.planning.deduplication import also_sent
from campaigns.planning.planner import Exclusion, PlannedBatch, Planner, phones_of
from campaigns.planning.zoning import Zoning
from campaigns.recipients import read_recipients
from campaigns.recipients.returned import STILL_SHARED
from campaigns.settings import Settings
from tests.support.jobs import bulk_job, list_job, personal_job, phones, quick_job, sample_job

SETTINGS = Settings()
NOW = datetime(2030, 1, 1, tzinfo=UTC)
OPTED_OUT = "375291999999"


def of_the_list(some: list[str]) -> Sequence[bool]:
    return [phone == OPTED_OUT for phone in some]


def planner(job: Any, most: int = 1000, opted_out: Callable[[list[str]], Sequence[bool]] = of_the_list) -> Planner:
    checked = load_job(job, settings=SETTINGS, now=NOW)
    return Planner(
        checked,
        recipients_per_request=most,
        region="BY",
        timezone=SETTINGS.gateway_timezone,
        opted_out=opted_out,
        zoning=Zoning(checked.window, round(NOW.timestamp() * 1000)),
    )


def plan(job: Any, most: int = 1000) -> tuple[list[PlannedBatch], list[Exclusion], Planner]:
    working = planner(job, most)
    steps = list(working.steps())
    batches = [step for step in steps if isinstance(step, PlannedBatch)]
    return batches, [step for step in steps if isinstance(step, Exclusion)], working


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 5), st.booleans())
def test_a_canary_goes_first(canary: int, most: int, zoned: bool) -> None:
    """It is as large as it says, and shares no request with others."""
    germans = [f"49151123456{n:02d}" for n in range(4)]
    window = {"send_between": ["09:00", "20:00"], "send_zone": "recipient"} if zoned else {}
    job = {**bulk_job([*phones(3), *germans, *phones(3, start=50)]), "canary": canary, **window}
    batches, _, _ = plan(job, most)
    first = [batch.canary for batch in batches]
    assert first == sorted(first, reverse=True)
    assert sum(batch.recipients for batch in batches if batch.canary) == min(canary, 10)
    assert sum(batch.recipients for batch in batches) == 10


@settings(deadline=None)
@given(
    st.integers(1, 12),
    st.lists(st.one_of(st.integers(1, 8), st.integers(900, 1100)), min_size=2, max_size=4),
    st.integers(0, 1),
)
def test_a_canary_has_a_part_of_each_mailing(canary: int, sizes: list[int], opted_out: int) -> None:
    """However few they are and however many are excluded; and the others go where they went without one."""
    groups = [phones(size, start=5000 * n) for n, size in enumerate(sizes)]
    job = bulk_job([])
    job["messages"] = [
        {**bulk_job([], text=str(n))["messages"][0], "delivery_list": [*[OPTED_OUT] * opted_out, *group]}
        for n, group in enumerate(groups)
    ]
    plain, with_canary = plan(job, 7), plan(job | {"canary": canary}, 7)
    first = [batch.canary for batch in with_canary[0]]
    assert first == sorted(first, reverse=True)
    tried = Counter(
        m.index for batch in with_canary[0] if batch.canary for m in batch.mailings for _ in range(m.recipients)
    )
    share = canary // len(sizes)
    for index, size in enumerate(sizes):
        assert tried[index] >= min(size, max(1, share))
    assert sum(tried.values()) <= max(canary, len(sizes))
    assert sum(tried.values()) >= min(canary, sum(sizes))

    def sent(batches: list[PlannedBatch]) -> Counter[tuple[int, str]]:
        found = Counter[tuple[int, str]]()
        for batch in batches:
            for mailing, own in zip(batch.mailings, phones_of("bulk", batch.body), strict=True):
                found.update((mailing.index, phone) for phone in own)
        return found

    assert sent(plain[0]) == sent(with_canary[0])
    assert plain[2].counts == with_canary[2].counts


@pytest.mark.parametrize("row", [0, 1500])
def test_the_digest_does_not_depend_on_who_is_in_the_canary(row: int) -> None:
    """More rows of a mailing are read for it when those before have opted out."""
    job = bulk_job([])
    lists = (phones(2500), phones(2500, start=5000))
    job["messages"] = [{**bulk_job([])["messages"][0], "delivery_list": rows} for rows in lists]

    def digest(out: set[str]) -> str:
        working = planner(job | {"canary": 600}, opted_out=lambda some: [phone in out for phone in some])
        assert sum(1 for _ in working.steps())
        return working.digest

    assert digest(set()) == digest({*lists[0][:2000], *lists[1][:1800]})
    before = digest(set())
    lists[1][row] = OPTED_OUT
    assert digest(set()) != before


def test_sample_request_is_one_batch() -> None:
    batches, taken, _ = plan(sample_job())
    assert taken == []
    (batch,) = batches
    sent = orjson.loads(batch.body)
    assert sent == sample_job()["messages"]
    assert [mailing.recipients for mailing in batch.mailings] == [2] * 5
    assert batch.mailings[0].starts_at_ms == datetime(2040, 10, 30, 19, 56, tzinfo=UTC).timestamp() * 1000


def timed_job(*schedules: str | None) -> dict[str, Any]:
    """A mailing to other phones for each time; None: now."""
    mailings = []
    for number, schedule in enumerate(schedules):
        (mailing,) = bulk_job(phones(2, start=10 * number), text=f"text {number}")["messages"]
        mailings.append({**mailing, "name": f"m{number}", **({"schedule_time": schedule} if schedule else {})})
    return {"messages": mailings}


LATER, LAST = "2040-10-30T22:56:00", "2040-11-04T22:56:00"


@pytest.mark.parametrize(
    ("schedules", "requests"),
    [
        ((None, LATER), [[None], [LATER]]),
        ((LATER, LAST), [[LATER], [LAST]]),
        ((None, LATER, None, LATER), [[None, None], [LATER, LATER]]),
        ((LATER, "2040-10-30T19:56:00Z"), [[LATER, LATER]]),
    ],
)
def test_two_times_never_share_a_request(schedules: list[str | None], requests: list[list[str | None]]) -> None:
    batches, _, _ = plan(timed_job(*schedules))
    assert [[m.get("schedule_time") for m in orjson.loads(batch.body)] for batch in batches] == requests
    for batch in batches:
        assert len({mailing.starts_at_ms for mailing in batch.mailings}) == 1


rows = st.lists(
    st.tuples(st.sampled_from([*phones(6), "+375 29 1000001", "nobody", OPTED_OUT]), st.sampled_from(["a", "b", "c"])),
    min_size=1,
    max_size=60,
)


@given(rows, st.integers(1, 7))
def test_bulk_splits(handed_in: list[tuple[str, str]], most: int) -> None:
    """No phone twice, no request too large, and every recipient accounted for."""
    batches, taken, working = plan(bulk_job([phone for phone, _ in handed_in]), most)
    sent = [phone for batch in batches for mailing in phones_of("bulk", batch.body) for phone in mailing]
    assert max(Counter(sent).values(), default=1) == 1
    assert all(1 <= batch.recipients <= most for batch in batches)
    assert len(sent) + sum(len(out.rows) for out in taken) == len(handed_in) == working.counts["total"]
    assert len(batches) == -(-len(sent) // most)


@given(rows, st.integers(1, 7))
def test_personal_splits(handed_in: list[tuple[str, str]], most: int) -> None:
    """Each text once per phone, never one phone twice in a mailing of a request."""
    job = personal_job([{"phone": phone, "text": text} for phone, text in handed_in])
    batches, taken, _ = plan(job, most)
    sent: list[tuple[str, str]] = []
    for batch in batches:
        assert batch.recipients <= most
        for mailing in orjson.loads(batch.body):
            in_mailing = [row["phone"] for row in mailing["delivery_list"]]
            assert len(set(in_mailing)) == len(in_mailing) > 0
            sent += [(row["phone"], row["text"]) for row in mailing["delivery_list"]]
    assert max(Counter(sent).values(), default=1) == 1
    assert len(sent) + sum(len(out.rows) for out in taken) == len(handed_in)


@given(rows)
def test_digest_is_of_the_job(handed_in: list[tuple[str, str]]) -> None:
    """The same rows make the same digest, as a list and as a stream; other rows another."""
    listed = [phone for phone, _ in handed_in]
    lazy = bulk_job([])
    lazy["messages"][0]["delivery_list"] = iter(listed)
    assert plan(bulk_job(listed))[2].digest == plan(lazy)[2].digest
    assert plan(bulk_job([*listed, "375291234567"]))[2].digest != plan(bulk_job(listed))[2].digest


def test_mailings_share_requests() -> None:
    job = sample_job()
    batches, _, _ = plan(job, most=4)
    assert [batch.recipients for batch in batches] == [4, 4, 2]
    assert [[m.name[-1] for m in batch.mailings] for batch in batches] == [["1", "2"], ["3", "4"], ["5"]]


def test_places_of_excluded_recipients() -> None:
    _, taken, working = plan(bulk_job([*phones(1), *phones(1), "x", OPTED_OUT, 375291000007]))
    assert {out.reason: out.rows for out in taken} == {
        "duplicate": [("messages[0].delivery_list[1]", phones(1)[0])],
        "invalid": [("messages[0].delivery_list[2]", "x")],
        "opted_out": [("messages[0].delivery_list[3]", OPTED_OUT)],
    }
    assert working.counts == {"total": 5, "invalid": 1, "duplicate": 1, "opted_out": 1, "suppressed": 0, "capped": 0}


def test_duplicates_across_chunks() -> None:
    batches, taken, _ = plan(bulk_job([*phones(1500), *phones(1500)]))
    assert sum(batch.recipients for batch in batches) == 1500
    assert sum(len(out.rows) for out in taken) == 1500


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans())))
def test_phones_that_are_also_sent(handed_in: list[tuple[int, bool]]) -> None:
    """Whatever the order: those of excluded rows that a row which is not excluded has too."""
    excluded = [phone for phone, is_sent in handed_in if not is_sent]
    sent = {phone for phone, is_sent in handed_in if is_sent}
    assert set(also_sent(excluded, (phone for phone, _ in handed_in))) == sent & set(excluded)
    assert set(also_sent(reversed(excluded), (phone for phone, _ in reversed(handed_in)))) == sent & set(excluded)


def test_each_mailing_has_a_list_of_its_own(tmp_path: Path) -> None:
    """Its marks count for that mailing."""
    one, two = phones(2)
    job, path = bulk_job([]), tmp_path / "excluded.csv"
    path.write_text(
        f"phone;excluded: reason;excluded: phone of another row\n{one};invalid;+{one}\n{two};invalid;", "utf-8"
    )
    listed = {**job["messages"][0], "delivery_list": read_recipients(path)}
    batches, taken, _ = plan(job | {"messages": [job["messages"][0] | {"delivery_list": [one]}, listed]})
    assert [phones_of("bulk", batch.body) for batch in batches] == [[[one], [two]]]
    assert [(out.reason, out.rows) for out in taken] == [
        ("duplicate", [("excluded.csv, line 2", one, STILL_SHARED, 1)])
    ]


def test_lazy_rows_are_checked_on_the_way() -> None:
    job = bulk_job([])
    job["messages"][0]["delivery_list"] = iter(["375291111111", {"phone": "375291111111", "text": "x"}, None])
    with pytest.raises(JobError) as caught:
        plan(job)
    assert caught.value.lines == [
        "messages[0].delivery_list[1].text: belongs to the content in a bulk mailing",
        "messages[0].delivery_list[2]: must be a phone",
    ]


def test_quick_is_a_request_per_phone() -> None:
    batches, taken, _ = plan(quick_job(*phones(2), phones(1)[0]))
    assert [orjson.loads(batch.body)["phone"] for batch in batches] == phones(2)
    assert [phones_of("quick", batch.body) for batch in batches] == [[[phone]] for phone in phones(2)]
    assert [out.reason for out in taken] == ["duplicate"]


def test_list_is_one_request() -> None:
    ((batch,), _, _) = plan(list_job(3))
    assert batch.recipients == 0
    assert phones_of("list", batch.body) == [[]]


def test_fingerprints_tell_apart_what_a_listing_can() -> None:
    def print_of(job: Any) -> str:
        return plan(job)[0][0].mailings[0].fingerprint

    same = print_of(bulk_job(phones(3)))
    assert print_of(bulk_job(list(reversed(phones(3))))) == same
    assert print_of(bulk_job(phones(4))) != same
    assert print_of(bulk_job(phones(3), text="other")) == same  # beside a personal mailing


def test_a_mailing_keeps_its_name_when_the_request_carries_another() -> None:
    names = ["Sale: \U0001f600", "Plain"]
    messages = [{**bulk_job(phones(1, n))["messages"][0], "name": name} for n, name in enumerate(names)]
    ((batch,), _, _) = plan({"messages": messages})
    assert [m.name for m in batch.mailings] == names
    assert [m["name"] for m in orjson.loads(batch.body)] == ["Sale-1", "Plain"]
    assert [m.alias for m in batch.mailings] == ["Sale-1", ""]
