"""Counting batches and deliveries in memory that does not grow."""

from __future__ import annotations

import orjson

from campaigns.ledger import Batch
from campaigns.reports.tally import MOST_WORDS, OTHERS, NewestReplies, Tally, masked_in
from campaigns.results import Reply
from campaigns.statuses import DEFAULT_FINAL
from campaigns.text.wording import masked


def batch(state: str, number: int = 0, **more: str) -> Batch:
    mailings = [["a", 0, 6, None, "f", "bulk"], ["b", 1, 4, None, "g", "bulk"]]
    fields = {"state": state, "n": "10", "mailings": orjson.dumps(mailings).decode(), **more}
    return Batch.read(f"c-{number}", fields)


def tally() -> Tally:
    return Tally(DEFAULT_FINAL)


class TestDeliveries:
    """Stored values."""

    def test_words_and_their_times(self) -> None:
        counts = tally()
        counts.add_deliveries([b"READ|2000|7|0", b"READ|1000||0", b"SENT|5000|8|0"])
        span = counts.words["READ"]
        assert (span.number, span.first_ms, span.last_ms) == (2, 1000, 2000)
        assert counts.failures == {}

    def test_failures_by_word_and_code(self) -> None:
        counts = tally()
        counts.add_deliveries([b"UNDELIVERED|1|1|3"] * 2 + [b"UNDELIVERED|1|1|4", b"SENT|1|1|9", b"UNKNOWN_FINAL|1||0"])
        assert counts.failures == {("UNDELIVERED", 3): 2, ("UNDELIVERED", 4): 1, ("SENT", 9): 1}

    def test_giving_up_is_no_news(self) -> None:
        """The horizon is when we stopped asking: the chart shows what the gateway said."""
        counts = tally()
        counts.add_deliveries([b"UNKNOWN_FINAL|1||0"])
        assert counts.timeline.chart() is None
        assert counts.words["UNKNOWN_FINAL"].number == 1

    def test_words_without_end(self) -> None:
        counts = tally()
        counts.add_deliveries(f"W{n}|{n}||{n}".encode() for n in range(1000))
        assert len(counts.words) == len(counts.failures) == MOST_WORDS + 1
        assert sum(span.number for span in counts.words.values()) == 1000
        assert counts.words[OTHERS].last_ms == 999
        assert counts.failures.total() == 999


class TestBatches:
    """Requests."""

    def test_refused(self) -> None:
        counts = tally()
        counts.add_batch(batch("rejected", text="375291111111 is no phone"))
        counts.add_batch(batch("rejected", text="375292222211 is no phone"))
        assert counts.refused_requests == {"37529*****11 is no phone": 2}
        assert counts.refused_messages == {"37529*****11 is no phone": 20}

    def test_a_refused_mailing_of_a_request_that_was_taken(self) -> None:
        counts = tally()
        counts.add_batch(batch("settled", **{"rejected:1": "b: too large", "cost:0": "5"}))
        assert counts.refused_mailings == {"b: too large": 4}
        assert (counts.mailings, counts.priced) == (1, 1)

    def test_held(self) -> None:
        counts = tally()
        for number in range(30):
            counts.add_batch(batch("held", number, since_ms="5", text="no evidence"))
        assert counts.open_batches["held"] == 30
        assert [b.id for b in counts.held] == [f"c-{n}" for n in range(20)]
        assert (counts.held[0].since_ms, counts.held[0].recipients, counts.held[0].text) == (5, 10, "no evidence")


def test_the_newest_replies_each_once() -> None:
    newest = NewestReplies()
    for number in [*range(3000), *range(2990, 3000)]:
        newest.add(Reply(str(number), "375291111111", "hi", number, "c-0", "a"))
    assert [reply.id for reply in newest] == [str(n) for n in range(2999, 2979, -1)]


def test_masked() -> None:
    assert masked("375291234511") == "37529*****11"
    assert masked("12345") == "*****"
    assert masked_in("phone 375291234511, request 1234567") == "phone 37529*****11, request 1234567"
