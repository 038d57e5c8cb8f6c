"""Metrics against the ledger, the events and the gateway's own books: whatever does not agree, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from campaigns.campaign_status import Status
from campaigns.events import Event
from campaigns.ledger.states import ACCEPTED, BATCH_STATES, EXCLUDED, HELD, SETTLED, UNKNOWN, WRITTEN_OFF
from campaigns.metrics.described import BY_THEMSELVES, OPEN
from tests.support.metrics import Scraped, value

_AT_THE_GATEWAY = frozenset({ACCEPTED, SETTLED})


class Figure(NamedTuple):
    """What metrics say of something, and the least and the most that it can be."""

    what: str
    said: float
    least: float
    most: float


def wrong(figures: Iterable[Figure]) -> list[str]:
    """A line for each figure that is outside of its bounds."""
    return [
        f"{what}: metrics say {said:g}, it is {least:g}" + ("" if most == least else f" to {most:g}")
        for what, said, least, most in figures
        if not least - 1e-6 <= said <= most + 1e-6
    ]


def figures(scraped: Scraped, statuses: Sequence[Status], events: Sequence[Event]) -> Iterator[Figure]:
    """Those that must be equal to what campaigns and events say, once nothing happens any more."""
    yield from _of_recipients(scraped, statuses, events)
    yield from _of_batches(scraped, statuses, events)
    yield from _of_deliveries(scraped, statuses, events)
    for kind, number in Counter(event.type for event in events).items():
        yield _equal(f"events {kind}", value(scraped, "events_total", type=kind), number)
    yield _equal("events", value(scraped, "events_total"), len(events))


def figures_of_gateway(
    scraped: Scraped,
    statuses: Sequence[Status],
    events: Sequence[Event],
    rows: Sequence[dict[str, Any]],
    requests: dict[str, int],
    deaths: int,
) -> Iterator[Figure]:
    """Those that must agree with what the gateway sent (`rows`) and the requests that it saw.

    Whether what is held was sent is unknown. `deaths`: how many requests at most were made by workers that died
    before they could record them.
    """
    left = sum(e.data["recipients"] for e in _moves(events, _AT_THE_GATEWAY) if _state(e) not in _AT_THE_GATEWAY)
    doubtful = sum(status.recipients[state] for status in statuses for state in (UNKNOWN, HELD, WRITTEN_OFF))
    there = value(scraped, "recipients_total", outcome="accepted") - left
    yield Figure("messages", there, len(rows) - doubtful, len(rows))
    for method, number in requests.items():
        made = value(scraped, "gateway_requests_total", method=method)
        unwritten = value(scraped, "gateway_requests_total", method=method, outcome="not_written")
        answered = value(scraped, "gateway_requests_total", method=method, outcome="ok")
        yield Figure(f"{method} answered", answered, 0, number)
        yield Figure(f"{method} written", made - unwritten, number - deaths, float("inf"))


def _of_recipients(scraped: Scraped, statuses: Sequence[Status], events: Sequence[Event]) -> Iterator[Figure]:
    moved, fates = Counter[str](), Counter[str]()
    for event in _moves(events):
        moved[_state(event)] += event.data["recipients"]
    for status in statuses:
        fates.update(status.recipients)
    for outcome in ("accepted", "rejected", "cancelled", "written_off"):
        yield _equal(f"recipients {outcome}", value(scraped, "recipients_total", outcome=outcome), moved[outcome])
    for fate in EXCLUDED:
        yield _equal(f"recipients {fate}", value(scraped, "recipients_total", outcome=fate), fates[fate])
    planned = sum(status.total for status in statuses) - sum(fates[fate] for fate in EXCLUDED)
    yield _equal("recipients planned", value(scraped, "recipients_total", outcome="planned"), planned)
    for state in BY_THEMSELVES:
        yield _equal(f"recipients now {state}", value(scraped, "recipients_open", state=state), fates[state])


def _of_batches(scraped: Scraped, statuses: Sequence[Status], events: Sequence[Event]) -> Iterator[Figure]:
    now, moved = Counter[str](), Counter(_state(event) for event in _moves(events))
    for status in statuses:
        now.update(status.requests)
    for state in OPEN:
        yield _equal(f"batches now {state}", value(scraped, "batches", state=state), now[state])
    for state, number in moved.items():
        planned = value(scraped, "batch_moves_total", to=state, from_="")
        yield _equal(f"batches to {state}", value(scraped, "batch_moves_total", to=state) - planned, number)
    yield _equal("times to accepted", value(scraped, "enqueue_to_accepted_seconds_count"), moved["accepted"])


def _of_deliveries(scraped: Scraped, statuses: Sequence[Status], events: Sequence[Event]) -> Iterator[Figure]:
    changes = [change for event in events if event.type == "deliveries.changed" for change in event.data["changes"]]
    for word, number in Counter(status for _, status, *_ in changes).items():
        yield _equal(f"deliveries {word}", value(scraped, "deliveries_total", status=word), number)
    yield _equal("deliveries", value(scraped, "deliveries_total"), len(changes))
    charged = value(scraped, "cost_total") - value(scraped, "cost_taken_back_total")
    yield _equal("money", charged, float(sum(sum(status.costs.values()) for status in statuses)))
    yield _equal("double sends", value(scraped, "double_sends_total"), sum(status.double_sends for status in statuses))


def _equal(what: str, said: float, number: float) -> Figure:
    return Figure(what, said, number, number)


def _moves(events: Iterable[Event], from_: frozenset[str] | None = None) -> Iterator[Event]:
    """Batches that changed their state, from one of these."""
    for event in events:
        moves = event.type.startswith("batch.") and _state(event) in BATCH_STATES and "from" in event.data
        if moves and (from_ is None or event.data["from"] in from_):
            yield event


def _state(event: Event) -> str:
    return event.type.removeprefix("batch.")
