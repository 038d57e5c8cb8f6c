"""Whatever statusBulkViber answers, in whatever order: nothing raises out of a worker, and the state is explainable."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.gateway import Gateway, Transport
from campaigns.statuses import rank
from tests.gateway.wire import answering, serving
from tests.support.events import check_event
from tests.support.jobs import bulk_job, phones
from tests.support.reads import poll_batch
from tests.support.stage import Stage

NAME = "mailing"
WORDS = ["NEW", "SENT", "DELIVERED", "READ", "UNDELIVERED", "EXPIRED", "PENDING", "нечто"]
junk = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What the contract says, and now and then anything at all."""
    return st.integers(0, 15).flatmap(lambda number: junk if number == 0 else good)


row = st.fixed_dictionaries(
    {
        "delivery_id": mostly(st.integers(1, 99)),
        "phone": mostly(st.sampled_from([*phones(3), "375291999999"])),
        "status": mostly(st.sampled_from(WORDS)),
        "status_time": mostly(st.just("2026-10-30 22:56:00.000000")),
    }
)
mailing = st.fixed_dictionaries(
    {
        "message_id": mostly(st.integers(1, 1 << 40)),
        "name": mostly(st.just(NAME)),
        "alphaname_id": mostly(st.just("444")),
        "success": mostly(st.lists(row, max_size=5)),
    }
)
errors = st.fixed_dictionaries({"errors": st.lists(st.just(f"{NAME}: Content url is not valid") | junk, max_size=2)})
answer = mostly(st.lists(mailing, min_size=1, max_size=2) | st.lists(mailing | errors, max_size=3))


class Script:
    """A gateway that answers everything with the body that was set last."""

    def __init__(self) -> None:
        self.body = b"[]"

    def __call__(self, connection: Any, request: bytes) -> None:
        answering(self.body)(connection, request)


@pytest.fixture
def script() -> Iterator[tuple[Script, str]]:
    script = Script()
    with serving(script) as wire:
        yield script, wire.url


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=st.lists(answer, min_size=1, max_size=6))
def test_any_sequence(stage: Stage, script: tuple[Script, str], sequence: list[Any]) -> None:
    answer, url = script
    job = bulk_job(phones(3))
    job["messages"][0]["name"] = NAME
    campaign = stage.enqueue(job)
    batch_id = f"{campaign.id}-0"
    stage.send(batch_id)
    transport = Transport(url, connect_timeout_s=2, deadline_s=2)
    scripted = Gateway(transport, stage.services.settings.token("default"), read_attempts=1)
    services = replace(stage.services, gateway=lambda _: scripted)
    seen: dict[str, str] = {}
    for document in sequence:
        answer.body = json.dumps(document).encode()
        poll_batch(services, batch_id)
        services.limiter.resume("default")
        stored = {p: v.partition("|")[0] for p, v in stage.services.deliveries.stored(batch_id, 0).items()}
        assert set(stored) <= set(phones(3))
        assert all(rank(stored[phone]) >= rank(word) for phone, word in seen.items())
        seen = stored
        status = campaign.status()
        assert status.balanced
        assert sum(status.recipients.values()) == 3
        assert not (seen and status.recipients["rejected"])
        assert status.statuses == dict(Counter(stored.values()))
        assert status.recipients["accepted"] + status.recipients["settled"] + status.recipients["rejected"] == 3
    for event in stage.events(campaign):
        check_event(event)
