"""Explaining: the text for each fate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from campaigns.ledger import OptOut
from campaigns.ledger.states import BATCH_STATES
from campaigns.people import Doubt, PersonHistory, SentMessage
from campaigns.people.explaining import explained
from campaigns.results import Reply

PHONE = "375291111111"
NOON = int(datetime(2030, 5, 1, 12, tzinfo=UTC).timestamp() * 1000)
MINUTE = 60_000


def message(state: str, **more: Any) -> SentMessage:
    fields: dict[str, Any] = {
        "batch_id": "c1-0",
        "mailing": "",
        "state": state,
        "since_ms": NOON + MINUTE,
        "text": "",
        "attempt": 1,
        "sent_ms": NOON + MINUTE,
        "starts_ms": None,
        "uuid": "",
        "message_id": None,
        "status": "",
        "at_ms": None,
        "delivery_id": None,
        "error_code": 0,
    }
    return SentMessage(**{**fields, **more})


def trace(*messages: SentMessage, **more: Any) -> PersonHistory:
    fields: dict[str, Any] = {
        "phone": PHONE,
        "campaign_id": "c1",
        "name": "Spring",
        "kind": "bulk",
        "account": "shop",
        "state": "ready",
        "created_ms": NOON,
        "messages": messages,
        "excluded": (),
        "replies": (),
    }
    return PersonHistory(**{**fields, **more})


def lines_of(*traces: PersonHistory, optouts: Sequence[OptOut] = ()) -> list[str]:
    return list(explained(PHONE, list(traces), optouts, UTC))


SENT = {"uuid": "u-1", "message_id": 77, "delivery_id": 555}
IDS = "    at the gateway: request u-1, message 77, delivery 555"
FIRST = "    sent 2030-05-01 12:01:00, attempt 1"
BEGUN = "    begun 2030-05-01 12:01:00, attempt 1"
TRIED = "    last tried 2030-05-01 12:01:00, attempt 1"
FATES: dict[str, tuple[SentMessage, list[str]]] = {
    "waiting": (message("planned", attempt=0, sent_ms=None), ["  batch c1-0: waiting to be sent"]),
    "tried before": (
        message("planned", text="no money"),
        ["  batch c1-0: waiting to be sent", TRIED, "    reason: no money"],
    ),
    "on the wire": (message("sending"), ["  batch c1-0: being sent", BEGUN]),
    "in doubt": (
        message("unknown", text="no answer"),
        [
            "  batch c1-0: in doubt: evidence is sought",
            BEGUN,
            "    reason: no answer",
            "    since 2030-05-01 12:01:00 evidence is sought at the gateway; nothing to do yet",
        ],
    ),
    "in doubt and found": (
        message(
            "settled",
            text="no answer",
            doubts=(
                Doubt(NOON + 2 * MINUTE, "unknown", "no answer", ""),
                Doubt(NOON + 3 * MINUTE, "held", "no evidence either way", ""),
                Doubt(NOON + 4 * MINUTE, "accepted", "seen in the cabinet", "a person"),
            ),
            **SENT,
        ),
        [
            "  batch c1-0: sent, final",
            FIRST,
            IDS,
            "    2030-05-01 12:02:00 in doubt: no answer",
            "    2030-05-01 12:03:00 held for a person to decide: no evidence either way",
            "    2030-05-01 12:04:00 the request had arrived, decided by a person: seen in the cabinet",
        ],
    ),
    "held": (
        message("held", text="no evidence either way"),
        [
            "  batch c1-0: held: a person must decide",
            BEGUN,
            "    reason: no evidence either way",
            "    since 2030-05-01 12:01:00 it needs you. Check at the gateway, then: "
            "campaigns resolve c1 sent|resend|write-off --batch c1-0 --why REASON",
        ],
    ),
    "no news": (
        message("accepted", uuid="u-1"),
        [
            "  batch c1-0: sent, still followed",
            FIRST,
            "    at the gateway: request u-1",
            "    no status yet",
        ],
    ),
    "scheduled": (
        message("accepted", uuid="u-1", mailing="m1", starts_ms=NOON + 60 * MINUTE),
        [
            "  m1, batch c1-0: sent, still followed",
            FIRST,
            "    scheduled for 2030-05-01 13:00:00",
            "    at the gateway: request u-1",
            "    no status yet",
        ],
    ),
    "on the phone": (
        message("accepted", status="DELIVERED", at_ms=NOON + 2 * MINUTE, **SENT),
        [
            "  batch c1-0: sent, still followed",
            FIRST,
            IDS,
            "    DELIVERED 2030-05-01 12:02:00: on the phone",
        ],
    ),
    "read": (
        message("settled", status="READ", at_ms=NOON + 3 * MINUTE, attempt=2, **SENT),
        [
            "  batch c1-0: sent, final",
            "    sent 2030-05-01 12:01:00, attempt 2",
            IDS,
            "    READ 2030-05-01 12:03:00: read",
        ],
    ),
    "undelivered": (
        message("settled", status="UNDELIVERED", at_ms=NOON + 3 * MINUTE, error_code=5, **SENT),
        [
            "  batch c1-0: sent, final",
            FIRST,
            IDS,
            "    UNDELIVERED 2030-05-01 12:03:00: did not reach the phone: usually it has no Viber, or was off for too long, error code 5",
        ],
    ),
    "silence": (
        message("settled", status="UNKNOWN_FINAL", at_ms=NOON + 3 * MINUTE),
        [
            "  batch c1-0: sent, final",
            FIRST,
            "    UNKNOWN_FINAL 2030-05-01 12:03:00: the gateway never reported a final status",
        ],
    ),
    "refused": (
        message("rejected", text="Alphaname is not valid"),
        [
            "  batch c1-0: refused, not sent",
            TRIED,
            "    reason: Alphaname is not valid",
            "    once that is put right: campaigns retry c1 --batch c1-0 --why REASON",
        ],
    ),
    "cancelled": (
        message("cancelled", attempt=0, sent_ms=None),
        ["  batch c1-0: cancelled before it was sent"],
    ),
    "written off": (
        message("written_off"),
        ["  batch c1-0: written off: outcome unknown", BEGUN],
    ),
}


@pytest.mark.parametrize("fate", FATES)
def test_each_fate(fate: str) -> None:
    found, lines = FATES[fate]
    head = "Spring (c1): bulk, account shop, handed in 2030-05-01 12:00:00, ready"
    assert lines_of(trace(found)) == [f"{PHONE}, times in UTC", "  not opted out", "", head, *lines]


def test_every_state_has_its_words() -> None:
    assert {found.state for found, _ in FATES.values()} == set(BATCH_STATES)


def test_refused_here() -> None:
    lines = lines_of(trace(message("rejected", text="not confirmed: the list has 4 recipients", refused_here=True)))
    assert lines[4] == "  batch c1-0: refused here, before the gateway was paid"


def test_paused() -> None:
    lines = lines_of(trace(message("planned", attempt=0, sent_ms=None), state="paused"))
    assert lines[-1] == "    the campaign is paused: campaigns resume c1"


def test_behind_a_canary() -> None:
    planned = message("planned", batch_id="c1-2", attempt=0, sent_ms=None)
    lines = lines_of(trace(planned, canary_batches=2))
    assert lines[-1] == "    it waits for the results of the canary: campaigns status c1"
    canary = message("planned", batch_id="c1-1", attempt=0, sent_ms=None)
    for one in (trace(canary, canary_batches=2), trace(planned)):
        assert not any("canary" in line for line in lines_of(one))


def test_excluded() -> None:
    found = trace(excluded=(("duplicate", "messages[0].delivery_list[4]"), ("opted_out", "c1-0")), name="")
    assert lines_of(found)[3:] == [
        "c1: bulk, account shop, handed in 2030-05-01 12:00:00, ready",
        "  excluded: handed in more than once (messages[0].delivery_list[4])",
        "  excluded: opted out (c1-0)",
    ]


def test_replies() -> None:
    replies = (Reply("9", PHONE, "Yes", NOON + MINUTE, "c1-0", ""), Reply("10", PHONE, "No", None, "c1-0", ""))
    assert lines_of(trace(replies=replies))[4:] == ["  answered 2030-05-01 12:01:00: Yes", "  answered: No"]


def test_opted_out() -> None:
    undo = f"campaigns optouts remove {PHONE}"
    assert lines_of(optouts=[OptOut(NOON, "reply 12")])[1] == f"  opted out since 2030-05-01 12:00:00: reply 12; {undo}"
    assert lines_of(optouts=[OptOut(NOON, "a letter", "ann")])[1].startswith(
        "  opted out since 2030-05-01 12:00:00 by ann: a le"
    )
    assert lines_of(optouts=[OptOut(None, "")])[1] == f"  opted out; {undo}"


def test_opted_out_of_an_account_and_of_a_topic() -> None:
    undo = f"campaigns optouts remove {PHONE} --account shop"
    found = [OptOut(None, "", account="shop"), OptOut(None, "a letter", account="shop", topic="offers")]
    assert lines_of(optouts=found)[1:3] == [
        f"  opted out of account shop; {undo}",
        f"  opted out of topic offers of account shop: a letter; {undo} --topic offers",
    ]


def test_no_campaign_knows_them() -> None:
    assert lines_of() == [f"{PHONE}, times in UTC", "  not opted out", "  in no campaign that is kept"]


def test_times_are_in_the_zone() -> None:
    zone = timezone(timedelta(hours=3))
    lines = list(explained(PHONE, [trace()], (), zone))
    assert lines[0].endswith(f", times in {zone}")
    assert "15:00:00" in lines[3]
