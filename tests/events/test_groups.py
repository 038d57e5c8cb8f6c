"""Groups: events that cannot be processed become dead letters; reading again from a time; deletion."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from campaigns.consume import consume
from campaigns.events import Consumer, Event, Groups, position_of
from campaigns.store.commands import Redis
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


def member(stage: Stage, **more: int | str) -> Consumer:
    consumer = Consumer(stage.services.store, "crm", **{"claim_idle_ms": 1, **more})  # type: ignore[arg-type]
    consumer.create_group()
    return consumer


def failing_on(stage: Stage, culprit: str, **more: int | str) -> list[str]:
    """Run members that crash on one event, until one of them comes through. Returns all ids that were done."""
    done: list[str] = []
    for _ in range(20):
        try:
            for event in member(stage, **more).events(idle_s=0.05):
                done += digested(event, culprit)
        except RuntimeError:
            continue
        return done
    raise AssertionError("the culprit holds up the group")


def digested(event: Event, culprit: str) -> list[str]:
    if event.id == culprit:
        raise RuntimeError("cannot digest it")
    return [event.id]


def whole(stage: Stage) -> list[Event]:
    return list(consume("fresh", idle_s=0.1, settings=stage.services.settings))


class TestPoison:
    """One bad event holds up no other."""

    @pytest.mark.parametrize("name", ["crm-1", None])
    def test_what_is_never_done(self, stage: Stage, name: str | None) -> None:
        """It is put aside with the reason after its tries, and it alone; nothing else is missing."""
        stage.finish(stage.enqueue(bulk_job(phones(3))))
        events = [event.id for event in whole(stage)]
        culprit = events[2]
        named = {} if name is None else {"consumer": name}
        done = failing_on(stage, culprit, max_deliveries=3, **named)
        assert set(done) == set(events) - {culprit}
        (letter,) = Groups(stage.services.store).dead_letters("crm")
        assert letter.fields["id"] == culprit
        assert letter.reason == "begun 3 times and never done"
        assert Groups(stage.services.store).all()[0].pending == 0

    def test_order_of_a_member_that_keeps_its_name(self, stage: Stage) -> None:
        stage.finish(stage.enqueue(bulk_job(phones(3))))
        events = [event.id for event in whole(stage)]
        done = failing_on(stage, events[2], max_deliveries=3, consumer="crm-1")
        assert list(dict.fromkeys(done)) == [event for event in events if event != events[2]]

    def test_what_is_no_event(self, stage: Stage) -> None:
        stage.services.store.ask(Redis.xadd, stage.services.store.keys.events(), {"something": "else"})
        stage.finish(stage.enqueue(bulk_job(phones(1))))
        assert list(member(stage).events(idle_s=0.05))[0].type == "campaign.ready"  # noqa: RUF015 (to the end)
        (letter,) = Groups(stage.services.store).dead_letters("crm")
        assert (letter.reason, letter.fields) == ("no event: KeyError", {"something": "else"})

    def test_entries_that_others_wrote_badly(self, stage: Stage) -> None:
        """Each is put aside at once, without anybody's consumer dying of it, and what is beside them is read."""
        store = stage.services.store
        stage.finish(stage.enqueue(bulk_job(phones(1))))
        whole = store.redis.xrange(store.keys.events(), "-", "+", 1)[0][1]
        bad: list[dict[Any, Any]] = [{**whole, b"data": data} for data in (b"[]", b"null", b"7", b'"x"', b"{", b"\xff")]
        bad += [{name: value for name, value in whole.items() if name != left_out} for left_out in (b"id", b"data")]
        bad += [{**whole, b"sequence": b"x"}, {**whole, b"source": b"\xff\xfe"}, {b"\xff": b"\xfe"}]
        changes = (b'{"changes":{}}', b'{"changes":[null]}', b'{"changes":[["375291111111"]]}', b"{}", b'{"changes":7}')
        bad += [{**whole, b"type": b"deliveries.changed", b"data": data} for data in changes]
        bad += [{**whole, b"data": b'{"a":' * 200 + b"1" + b"}" * 200}, {**whole, b"data": b'{"a":' * 5000}]
        bad += [{f"field {number}": "x" for number in range(5000)}, {"position": "x", "deliveries": "y", "dead_ms": ""}]
        for entry in bad:
            store.ask(Redis.xadd, store.keys.events(), entry)
        store.ask(Redis.xadd, store.keys.events(), {**whole, b"id": b"last"})
        events = list(member(stage).events(idle_s=0.05))
        assert events[-1].id == "last"
        assert all(isinstance(event.data, dict) for event in events)
        letters = list(Groups(store).dead_letters("crm"))
        assert len(letters) == len(bad)
        assert {letter.deliveries for letter in letters} == {1}
        assert all(letter.reason.startswith("no event: ") and letter.dead_ms and letter.position for letter in letters)
        assert letters[10].fields == {"\\xff": "\\xfe"}

    def test_what_was_deleted_before_it_was_done(self, stage: Stage) -> None:
        """It does not stand before what the same member had not done either."""
        stage.finish(stage.enqueue(bulk_job(phones(1))))
        dying = member(stage, consumer="crm-1")
        positions = [event.position for event in itertools.islice(dying.events(), 1)]
        stage.services.store.ask(Redis.xdel, stage.services.store.keys.events(), *positions)
        remaining = [event.id for event in member(stage, consumer="crm-1", claim_idle_ms=60_000).events(idle_s=0.05)]
        assert remaining == [event.id for event in whole(stage)]
        assert Groups(stage.services.store).all()[0].pending == 0

    def test_rejected(self, stage: Stage) -> None:
        """A consumer that knows that it never will says so."""
        stage.finish(stage.enqueue(bulk_job(phones(1))))
        consumer = member(stage)
        seen = []
        for event in consumer.events(idle_s=0.05):
            seen.append(event)
            if event.type == "campaign.ready":
                consumer.reject(event, "no such customer")
        groups = Groups(stage.services.store)
        (letter,) = groups.dead_letters("crm")
        assert (letter.fields["id"], letter.reason) == (seen[0].id, "no such customer")
        with pytest.raises(ValueError, match="being worked on"):
            consumer.reject(seen[0], "too late")
        assert groups.remove_dead_letter("crm", letter.id)
        assert list(groups.dead_letters("crm")) == []

    def test_dead_letters_expire(self, stage: Stage) -> None:
        stage.services.store.ask(Redis.xadd, stage.services.store.keys.events(), {"something": "else"})
        list(member(stage, dead_letters_life_ms=60_000).events(idle_s=0.05))
        left_ms = stage.services.store.ask(Redis.pttl, stage.services.store.keys.dead_letters("crm"))
        assert 0 < left_ms <= 60_000


class TestSince:
    """Reading again, from a time or a position."""

    def test_a_group_that_is_set_back(self, stage: Stage) -> None:
        stage.finish(stage.enqueue(bulk_job(phones(2))))
        settings, groups = stage.services.settings, Groups(stage.services.store)
        first = [event.id for event in consume("crm", idle_s=0.05, settings=settings)]
        groups.rewind("crm", "0")
        assert [event.id for event in consume("crm", idle_s=0.05, settings=settings)] == first
        events = list(stage.services.events.since())
        groups.rewind("crm", events[1].position)
        again = [event.id.partition("#")[0] for event in consume("crm", idle_s=0.05, settings=settings)]
        assert list(dict.fromkeys(again)) == [event.id for event in events[2:]]

    def test_a_new_group_from_a_time(self, stage: Stage) -> None:
        stage.finish(stage.enqueue(bulk_job(phones(2))))
        settings, events = stage.services.settings, list(stage.services.events.since())
        at_ms = int(events[3].position.partition("-")[0])
        wanted = [event.id for event in events if int(event.position.partition("-")[0]) >= at_ms]
        at = datetime.fromtimestamp(at_ms / 1000, tz=UTC)
        read = [event.id.partition("#")[0] for event in consume("crm", since=at, idle_s=0.05, settings=settings)]
        assert list(dict.fromkeys(read)) == wanted

    @pytest.mark.parametrize(
        "same", ["2026-10-30T22:56:00Z", "2026-10-31T01:56:00+03:00", "2026-10-30T22:56:00.000+00:00"]
    )
    def test_times(self, same: str) -> None:
        expected = position_of(datetime(2026, 10, 31, 1, 56, tzinfo=timezone(timedelta(hours=3))))
        assert position_of(same) == expected
        assert expected.startswith("1793400959999-")

    @pytest.mark.parametrize("wrong", ["yesterday", "2026-10-30T22:56:00", "12-x", "", "-", "1-2"])
    def test_what_is_none(self, wrong: str) -> None:
        with pytest.raises(ValueError, match=r"neither a time|no offset"):
            position_of(wrong)


class TestErasure:
    """Who is gone for good no longer holds up trimming."""

    def test_the_stream_waits_no_more(self, stage: Stage) -> None:
        stage.finish(stage.enqueue(bulk_job(phones(2))))
        groups, settings = Groups(stage.services.store), stage.services.settings
        next(consume("gone", settings=settings))
        list(consume("crm", idle_s=0.05, settings=settings))
        there = len(stage.services.events)
        assert stage.services.events.trim(0, 1000).left == there
        assert groups.delete("gone")
        assert not groups.delete("gone")
        assert stage.services.events.trim(0, 1000).left < there

    def test_how_far_they_are(self, stage: Stage) -> None:
        stage.finish(stage.enqueue(bulk_job(phones(2))))
        settings, groups = stage.services.settings, Groups(stage.services.store)
        list(consume("ahead", idle_s=0.05, settings=settings))
        list(itertools.islice(consume("behind", since="$", settings=settings, idle_s=0.05), 1))
        groups.rewind("behind", "0")
        assert [group.name for group in groups.all()] == ["behind", "ahead"]


def test_no_groups(stage: Stage, tmp_path: Path) -> None:
    assert Groups(stage.services.store).all() == []
