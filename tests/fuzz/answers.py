"""Answers of the gateway: the contract's samples, mutated, through reading, matching, comparing and deciding."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any, Final

import orjson

from campaigns.answers.rows import BulkStatus, DeliveryRows
from campaigns.answers.schemas import SCHEMAS
from campaigns.answers.values import Rows
from campaigns.errors import GatewayError
from campaigns.flow.matching import match
from campaigns.flow.outcome import refused
from campaigns.gateway.meaning import Answer, interpret
from campaigns.ledger.records import Batch, MailingRecord
from campaigns.results import compare
from campaigns.results.optout_words import asks_to_stop
from campaigns.settings import Secret, Settings
from campaigns.times.gateway_times import gateway_reader
from tests.support.jobs import sample

TOKEN: Final = "tok/3f9a+77c1=="
PHONE: Final = "375291111111"
_SETTINGS: Final = Settings()
_OWN: Final = (("375291111111", "375292222222"), ("375293333333", "375294444444"))
_MAILINGS: Final = tuple(MailingRecord(f"mailing list {n}", n, 2, None, "f", "bulk") for n in (1, 2))
_BATCH: Final = Batch("c-0", "sending", "bulk", "default", 4, 1, "1", _MAILINGS, {})
_STATUSES: Final = (*[200] * 12, 201, 301, 400, 401, 402, 404, 408, 422, 429, 500, 503)
_VALUES: Final[tuple[Any, ...]] = (
    None, "", [], {}, True, False, 0, -1, 1.5, 1 << 40, 1 << 70, "0", "OK", "ok", "error", PHONE, "+375 (29) 111-11-11",
    "80291111111", "37529***1111", 375291111111, "Insufficient funds", "undefined error", TOKEN, f"no {TOKEN} {PHONE}",
    "mailing list 2: no", "\ud83d", "\U0001f600", "a" * 3000, "\x00", "NaN", [[]], [None], {"0": None}, {"a": {"b": []}},
    "2024-02-01 10:10:35", "9999-99-99 99:99:99", "0.1 EUR", "delivered", "A|B\n", "&lt;b&gt;", "1e999",
)  # fmt: skip
_NAMES: Final = (
    "error",
    "errors",
    "success",
    "status",
    "result",
    "uuid",
    "message",
    "message_id",
    "viber_id",
    "id",
    "phone",
)
_BYTES: Final = (
    b"\xef\xbb\xbf",
    b"\xff",
    b"\x00",
    b"\\ud83d",
    b"{",
    b"}",
    b"[",
    b'"',
    b"NaN",
    b"9" * 40,
    b"[" * 1500,
    b"<br>",
)


def run(count: int, seed: int) -> int:
    """Try `count` answers. Raises AssertionError, which shows the first that went wrong."""
    random = Random(seed)
    samples = {method: orjson.dumps(sample(f"{method}.response")) for method in SCHEMAS}
    methods = sorted(samples)
    for number in range(count):
        method, status = random.choice(methods), random.choice(_STATUSES)
        body = mutated(random, samples[method])
        try:
            check(Answer(method, status, None, body, token=Secret(TOKEN)))
        except Exception as error:
            shown = body if len(body) < 4000 else body[:4000] + b"..."
            raise AssertionError(
                f"seed {seed}, input {number}, {method}, HTTP {status}: {error!r}\n{shown!r}"
            ) from error
    return count


def check(answer: Answer) -> None:
    """Read an answer and decide by it. Raises whatever is wrong."""
    try:
        found = interpret(answer)
    except GatewayError as error:
        said = f"{error} {error!r} {error.__cause__!r} {error.__context__ if not error.__suppress_context__ else ''}"
        assert TOKEN not in said, "a token is said"
        assert PHONE not in said, "a phone is said"
        assert TOKEN not in error.gateway_text
        verdict = refused(error, _BATCH, _SETTINGS, 0.5)
        orjson.dumps([verdict.move.data, verdict.move.fields])
        return
    assert TOKEN not in repr(answer)
    _CHECKS.get(answer.method, _storable)(found)


def _storable(found: Any) -> None:
    orjson.dumps(found, default=str)


def _check_bulk(status: BulkStatus) -> None:
    matched = match(_MAILINGS, {0: (1,)}, lambda: _OWN, status)
    assert set(matched.rows) | set(matched.ids) | set(matched.rejected) <= {0, 1}
    assert not set(matched.rows) & set(matched.rejected)
    _storable([list(matched.ids.items()), list(matched.rejected.items())])
    taken = len(status.mailings) - matched.unmatched_mailings
    assert len(matched.rows) <= taken
    for number, rows in matched.rows.items():
        _check_rows(rows, _OWN[number])


def _check_rows(rows: DeliveryRows, own: tuple[str, ...] = _OWN[0]) -> None:
    stored = {own[0]: "SENT|5|7|0"}
    found = compare(
        stored,
        rows,
        phones=lambda: own,
        final=_SETTINGS.final_statuses,
        now_ms=9,
        at_ms=gateway_reader(_SETTINGS.gateway_timezone),
    )
    assert {change.phone for change in found.changes} <= set(own)
    assert all(change.status and "|" not in change.status for change in found.changes)
    assert min(found.unknown_phones, found.unreadable) >= 0
    assert len(rows) + rows.skipped == len(rows.raw)
    _storable(found.changes)


def _check_replies(replies: Rows[Any]) -> None:
    for reply in replies:
        assert reply.id or (reply.phone or reply.message)
        asks_to_stop(reply.message, frozenset({"stop", "стоп"}))
    _storable([tuple(reply) for reply in replies])


_CHECKS: Final[dict[str, Callable[[Any], None]]] = {
    "statusBulkViber": _check_bulk,
    "getViberDeliveryList": _check_rows,
    "getViberDeliveryData": lambda row: _check_rows(DeliveryRows.of([row])),
    "getNewIncomingMessages": _check_replies,
}


def mutated(random: Random, document: bytes) -> bytes:
    """A sample with up to four changes of its values, and now and then one of its bytes."""
    changed = orjson.loads(document)
    for _ in range(random.randrange(5)):
        changed = _changed(random, changed)
    body = json.dumps(changed, ensure_ascii=random.random() < 0.5).encode("utf-8", errors="surrogatepass")
    if random.random() < 0.2:
        body = body.replace(b"/", b"\\/")  # as PHP writes it
    if random.random() < 0.2:
        at = random.randrange(len(body) + 1)
        piece = random.choice(_BYTES)
        body = random.choice(
            (body[:at], body[:at] + piece + body[at:], body[:at] + piece + body[at + 1 :], piece + body)
        )
    return body


def _changed(random: Random, document: Any) -> Any:
    places = list(_places(document))
    if not places or random.random() < 0.05:
        return random.choice((deepcopy(random.choice(_VALUES)), [document], {"result": document}))
    container, key = random.choice(places)
    value = container[key]
    match random.randrange(8):
        case 0 | 1 | 2:
            container[key] = deepcopy(random.choice(_VALUES))
        case 3:
            del container[key]
        case 4 if isinstance(container, list):
            container.insert(random.randrange(len(container) + 1), deepcopy(value))
        case 4:
            del container[key]
            container[random.choice((key.upper(), key.title(), random.choice(_NAMES)))] = value
        case 5 if isinstance(value, list):
            container[key] = {str(2 * n): inner for n, inner in enumerate(value)}
        case 5:
            container[key] = random.choice((str(value), [value], {"0": value}, {"value": value}))
        case 6 if isinstance(container, dict):
            container[random.choice(_NAMES)] = deepcopy(random.choice(_VALUES))
        case _:
            container[key] = deepcopy(random.choice(places)[0])
    return document


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in list(inner):
        yield value, key
        yield from _places(one)
