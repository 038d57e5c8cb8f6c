"""The public door: whatever anybody puts into the queue of submissions, workers go on, and it ends where it is seen."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from campaigns.ledger import RejectedMessages
from campaigns.sandbox.server import Sandbox
from campaigns.services import Services
from campaigns.settings import Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services
from tests.conftest import Processes, environment
from tests.support.documents import blocks, read
from tests.support.events import check_event
from tests.support.jobs import bulk_job, phones
from tests.support.plans import open_plan
from tests.support.processes import Process
from tests.support.waiting import wait_until

SECRET_PHONE = "375291234567"
JOB = bulk_job([SECRET_PHONE], text="only for her eyes")
ID = "11111111-aaaa-4aaa-8aaa-0000000000"


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def message(body: object = None, **more: Any) -> dict[str, Any]:
    """What a careful client in another language writes by hand; every part can be replaced."""
    message_id = str(uuid.uuid4())
    return {
        "body": encoded(json.dumps([[JOB], {}, {}] if body is None else body).encode()),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"task": "campaigns.submit", "id": message_id},
        "properties": {
            "correlation_id": message_id,
            "delivery_info": {"exchange": "", "routing_key": "submissions"},
            "delivery_tag": str(uuid.uuid4()),
            "body_encoding": "base64",
        },
        **more,
    }


def raw_body(body: object) -> dict[str, Any]:
    return {**message(), "body": body}


def without(name: str) -> dict[str, Any]:
    plain = message()
    del plain[name]
    return plain


#: Messages whose job can be read: each ends as a campaign in state `invalid`.
INVALID: dict[str, Any] = {
    "two elements": message([[JOB], {}]),
    "kwargs as PHP writes none": message([[JOB], [], {}]),
    "neither id nor key": message(headers={"task": "campaigns.submit"}),
    "unknown argument": message([[JOB], {"prio": 1}, {}]),
    "a job that is none": message([[5], {}, {}]),
    "null for a job": message([[None], {}, {}]),
    "half an emoji": message([[{**JOB, "name": "Sale \ud83d"}], {}, {}]),
    "a list for a flag": message([[{"kind": "quick", "vibername_id": 7, "phone": SECRET_PHONE, "message": "x", "forwarding_message": []}], {}, {}]),
    "year 9999": message([[{**JOB, "messages": [{**JOB["messages"][0], "schedule_time": "9999-12-31T23:59:59Z"}]}], {}, {}]),
    "year 1": message([[{**JOB, "messages": [{**JOB["messages"][0], "schedule_time": "0001-01-01T00:00:00"}]}], {}, {}]),
    "a phone of 71 bits": message([[bulk_job([2**70])], {}, {}]),
    "empty key": message([[JOB], {"key": ""}, {}]),
    "put off by Celery": message(headers={"task": "campaigns.submit", "id": ID + "01", "eta": "2040-01-01T00:00:00"}),
    "expired": message(headers={"task": "campaigns.submit", "id": ID + "02", "expires": "2020-01-01T00:00:00"}),
    "a chain": message([[JOB], {}, {"chain": [{"task": "x"}]}]),
    "a million mailings that are none": message([[{"messages": [1] * 300_000}], {}, {}]),
    "600 levels": raw_body(encoded(b'[[{"messages":' + b"[" * 600 + b"]" * 600 + b"}], {}, {}]")),
}  # fmt: skip

#: Messages in which no job can be found: each ends as a dead letter.
REJECTED: dict[str, Any] = {
    "no JSON": b"hello " + SECRET_PHONE.encode(),
    "no UTF-8": b"\xff\xfe\x00",
    "empty": b"",
    "a number": b"5",
    "a list": json.dumps([[JOB], {}, {}]).encode(),
    "the bare job as the message": json.dumps(JOB).encode(),
    "the bare job as the body": message(JOB),
    "text for a body": message(SECRET_PHONE),
    "a body that is no base64": raw_body("%%% no base64"),
    "a body that is no text": raw_body({"job": JOB}),
    "a body that is no JSON": raw_body(encoded(b"{" + SECRET_PHONE.encode())),
    "100,000 levels": raw_body(encoded(b"[" * 100_000)),
    "an envelope of 100,000 levels": b"[" * 100_000,
    "no task": message(headers={"id": ID + "03"}),
    "a task that does not exist": message(headers={"task": "campaigns.sumbit " + SECRET_PHONE, "id": ID + "04"}),
    "a task of ours that is not for others": message(headers={"task": "campaigns.sweep", "id": ID + "05"}),
    "headers that are a list": message(headers=[1, 2]),
    "pickle": message(**{"content-type": "application/x-python-serialize"}),
    "UTF-16": message(**{"content-encoding": "utf-16"}),
    "no arguments": message([[], {}, {}]),
    "compressed in an unknown way": message(headers={"task": "campaigns.submit", "id": ID + "06", "compression": "x"}),
    "too large": raw_body(encoded(b" " * 17_000_000)),
}

#: Odd, but understood: each ends as a campaign that is sent.
UNDERSTOOD: dict[str, Any] = {
    "no properties": without("properties") | {"body": json.dumps([[bulk_job(phones(1, 100))], {}, {}])},
    "no id but a key": message([[bulk_job(phones(1, 101))], {"key": 7}, {}], headers={"task": "campaigns.submit"}),
    "protocol 1": message({"task": "campaigns.submit", "id": ID + "07", "args": [bulk_job(phones(1, 102))], "kwargs": {}}, headers={}),
    "headers of other types": message([[bulk_job(phones(1, 103))], {}, {}], headers={"task": "campaigns.submit", "id": 12, "eta": None, "timelimit": 5, "shadow": [1], "x": {"__type__": "?", "__value__": 1}}),
    "no content type": message([[bulk_job(phones(1, 104))], {}, {}], **{"content-type": None, "content-encoding": None}),
}  # fmt: skip


class Door:
    """A queue, and what became of what was put into it."""

    def __init__(self, env: dict[str, str], services: Services) -> None:
        self._redis = Redis.from_url(env["CAMPAIGNS_REDIS_URL"])
        self._prefix = env["CAMPAIGNS_KEY_PREFIX"] + "celery:"
        self.services = services

    def push(self, *items: Any, queue: str = "submissions") -> None:
        for item in items:
            self._redis.lpush(self._prefix + queue, item if isinstance(item, bytes) else json.dumps(item))

    def waiting(self) -> int:
        return int(self._redis.llen(self._prefix + "submissions")) + int(self._redis.hlen(self._prefix + "unacked"))

    def states(self) -> list[str]:
        return [campaign.state for campaign in self.services.campaigns.newest()]

    def close(self) -> None:
        self._redis.close()
        self.services.store.redis.close()


@pytest.fixture
def door(processes: Processes) -> Iterator[Door]:
    names = {name: value for name, value in processes.env.items() if name.startswith("CAMPAIGNS_")}
    door = Door(processes.env, build_services(Settings.from_env(names)))
    yield door
    door.close()


def test_every_message_ends_where_it_is_seen_and_holds_up_no_other(
    processes: Processes, door: Door, sandbox: Sandbox
) -> None:
    """One worker, every odd message at once, a sound one behind them all."""
    worker = processes.worker()
    beat = processes.beat()
    door.push(*INVALID.values(), *REJECTED.values(), *UNDERSTOOD.values())
    door.push({"task": "campaigns.send_batch"}, b"no JSON", message([[{"a": 1}], {}, {}], headers={}), queue="quick")
    door.push(message([[bulk_job(phones(1))], {}, {}]))
    wait_until(lambda: door.states().count("finished") == len(UNDERSTOOD) + 1)
    wait_until(lambda: door.states().count("invalid") == len(INVALID))
    wait_until(lambda: len(door.services.rejected) == len(REJECTED) + 3)
    wait_until(lambda: door.waiting() == 0)
    rejected = list(door.services.rejected.newest())
    assert len(rejected) == len(REJECTED) + 3
    assert all(letter.reason and letter.remedy for letter in rejected)
    assert {row["phone"] for row in sandbox.ledger()} == {*phones(5, 100), *phones(1)}
    events = list(door.services.events.since())
    for event in events:
        check_event(event)
    assert [event.type for event in events].count("submission.rejected") == len(rejected)
    said = worker.output() + beat.output()
    assert SECRET_PHONE not in said
    assert "her eyes" not in said
    assert "Traceback" not in said
    written = json.dumps([letter.as_dict() for letter in rejected]) + json.dumps([event.as_dict() for event in events])
    assert SECRET_PHONE not in written


def test_the_same_message_twice_is_one_campaign_and_a_number_is_a_key(processes: Processes, door: Door) -> None:
    processes.worker(["submissions"])
    inside, beside = message([[{**JOB, "key": 12345}], {}, {}]), message([[JOB], {"key": "12345"}, {}])
    broken = message([[{"kind": "fax"}], {}, {}])
    door.push(inside, beside, inside, broken, broken, b"?", b"?")
    wait_until(lambda: sorted(door.states()) == ["invalid", "ready"] and len(door.services.rejected) == 1)
    wait_until(lambda: door.waiting() == 0)
    assert sorted(door.states()) == ["invalid", "ready"]


@pytest.fixture
def broker() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as server:
        yield server


@pytest.fixture
def ledger() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as server:
        yield server


@pytest.mark.parametrize("harm", ["full", "away"])
def test_kept_while_the_store_cannot_take_it(
    harm: str, tmp_path: Path, broker: EmbeddedServer, ledger: EmbeddedServer, sandbox: Sandbox, prefix: str
) -> None:
    """The broker is well, the ledger's server is full or away: nothing is acknowledged before it is stored."""
    env = environment(ledger.url, sandbox.url, prefix) | {"CAMPAIGNS_BROKER_URL": broker.url}
    processes = Processes(tmp_path, env)
    names = {name: value for name, value in env.items() if name.startswith("CAMPAIGNS_")}
    door = Door(env | {"CAMPAIGNS_REDIS_URL": broker.url}, build_services(Settings.from_env(names)))
    try:
        worker = processes.worker(["submissions"])
        heal = _harmed(harm, ledger)
        for number in range(15):
            door.push(message([[bulk_job(phones(1, number))], {}, {}]))
        door.push(b"no JSON")
        worker.wait_for("message_held", 60)
        wait_until(lambda: door.waiting() == 16)
        heal()
        wait_until(lambda: door.states() == ["ready"] * 15 and len(door.services.rejected) == 1)
        wait_until(lambda: door.waiting() == 0)
    finally:
        processes.end()
        door.close()


def _harmed(harm: str, ledger: EmbeddedServer) -> Callable[[], object]:
    if harm == "away":
        ledger.kill()
        return ledger.restart
    redis = Redis.from_url(ledger.url)
    redis.config_set("maxmemory", "1")
    return lambda: (redis.config_set("maxmemory", "0"), redis.close())


def test_the_worker_died_while_planning(processes: Processes, door: Door) -> None:
    """Delivered again, the message is planned anew at once: no worker waits for the dead one's plan to lapse."""
    item = message([[JOB], {}, {}])
    open_plan(door.services.store, door.services.plans, f"message:{item['headers']['id']}")
    worker: Process = processes.worker(["submissions"])
    door.push(item)
    wait_until(lambda: "ready" in door.states())
    assert "message_held" not in worker.output()


def test_a_key_that_another_process_is_planning(processes: Processes, door: Door) -> None:
    """The message is held outside of the pool until the other one is done or its lease is over; others go on."""
    other = open_plan(door.services.store, door.services.plans, "k")
    worker = processes.worker(["submissions"], "--concurrency", "1")
    door.push(message([[JOB], {"key": "k"}, {}]), message())
    worker.wait_for("message_held")
    wait_until(lambda: "ready" in door.states())
    assert other.drop()
    wait_until(lambda: door.states() == ["ready", "ready"])
    wait_until(lambda: door.waiting() == 0)


def test_rejected_messages_are_bounded(door: Door) -> None:
    rejected = RejectedMessages(door.services.store, life_ms=60_000)
    facts: dict[str, str | int] = dict.fromkeys(("queue", "task", "id", "origin", "reason", "remedy"), "x") | {
        "size": 1
    }
    for number in range(1003):
        assert rejected.add(f"{number:032x}", facts)
    assert not rejected.add(f"{1002:032x}", facts)
    assert len(rejected) == 1000
    assert next(rejected.newest()).digest == f"{1002:032x}"
    assert rejected.discard(f"{1002:032x}")
    assert not rejected.discard(f"{1002:032x}")
    assert rejected.discard_all() == 999


def test_pushed_as_the_guide_says(processes: Processes, door: Door) -> None:
    """The example for other languages, run as it stands, but for the address and the prefix of this test."""
    (example,) = blocks(read("deploy/guide/how-to/other-languages.md"), "python")
    prefix = processes.env["CAMPAIGNS_KEY_PREFIX"]
    assert "campaigns:celery:submissions" in example
    example = example.replace("redis://127.0.0.1:6379/0", processes.env["CAMPAIGNS_REDIS_URL"])
    processes.worker(["submissions"])
    exec(example.replace("campaigns:celery:", f"{prefix}celery:"), {})
    wait_until(lambda: door.states() == ["ready"])
    assert door.services.campaigns.of_key("order-4711-shipped")
