"""A process that works on a stage's campaign and kills itself, with kill -9, at one exact point.

`python -m tests.support.crash_child POINT TASK BATCH_ID REDIS_URL GATEWAY_URL PREFIX [MUTANT|budget|topics]`. The point
`frozen after claim` stops the process instead, as SIGSTOP does, until SIGCONT. With `budget` its account may send a
hundred messages a day, with `topics` a reply opts out of a topic.
"""

from __future__ import annotations

import http.client
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from celery.worker.request import Request

from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue
from campaigns.flow.scheduling.canary import judge_canary
from campaigns.flow.scheduling.stream_room import keep_room
from campaigns.flow.scheduling.sweep import sweep
from campaigns.flow.scheduling.work import work
from campaigns.flow.sending.counting import put_count_right
from campaigns.gateway import connection, exchange
from campaigns.gateway.client import Gateway
from campaigns.ledger import CANARY, COUNT, Entry, campaign_of
from campaigns.services import Services
from campaigns.store.client import Store
from campaigns.wiring import build_services
from tests.support.jobs import bulk_job, phones
from tests.support.reads import announce_batch, fetch_batch, poll_batch
from tests.support.rig import rig_settings
from workers.app import app


def die(*_: Any, **__: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def freeze(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def around_script(name: str, *, before: bool, at: int = 1) -> None:
    """Die at the nth run of a script, before or after Redis carried it out."""
    original, runs = Store.run, [0]
    original_many = Store.run_many

    def run(self: Store, script: str, *args: Any) -> Any:
        runs[0] += script == name
        if script == name and runs[0] == at and before:
            die()
        result = original(self, script, *args)
        if script == name and runs[0] == at:
            die()
        return result

    def run_many(self: Store, script: str, calls: Any) -> Any:
        result = original_many(self, script, calls)
        if script == name:
            die()
        return result

    def run_in_turn(self: Store, calls: Any) -> Any:
        """One after the other, so that there is a moment between them to die in."""
        return [self.run(*call) for call in calls]

    Store.run, Store.run_many = run, run_many  # type: ignore[method-assign]
    Store.run_in_turn = Store.run_all_safely = run_in_turn  # type: ignore[method-assign]
    Store.run_safely = run  # type: ignore[method-assign]


def after_connect() -> None:
    original = connection._PlainConnection.connect

    def connect(self: Any) -> None:
        original(self)
        die()

    connection._PlainConnection.connect = connect  # type: ignore[method-assign]


def after_first_byte() -> None:
    def send_all(self: Any, view: memoryview) -> None:
        self._sock.send(view[:1])
        die()

    exchange.DeadlineSocket._send_all = send_all  # type: ignore[method-assign]


def after_whole_request(number: int = 1) -> None:
    """The nth request of this process has been written, and its answer is not read."""
    runs = [0]

    def counted(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def read(self: Any) -> Any:
            runs[0] += 1
            return die() if runs[0] == number else original(self)

        return read

    # The one reads the answers of requests that are free, the other of those that cost.
    shared, alone = http.client.HTTPConnection, exchange.DeadlineSocket
    shared.getresponse = counted(shared.getresponse)  # type: ignore[method-assign]
    alone.read_plain = counted(alone.read_plain)  # type: ignore[method-assign]


def frozen_after_claim() -> None:
    original = Store.run_in_turn

    def run_in_turn(self: Store, calls: Any) -> Any:
        found = original(self, calls)
        if any(name == "take_sends" for name, *_ in calls):
            Store.run_in_turn = original  # type: ignore[method-assign]
            freeze()
        return found

    Store.run_in_turn = run_in_turn  # type: ignore[method-assign]


def before_ack() -> None:
    Request.acknowledge = die


def before_marking() -> None:
    Gateway.read_response_status = die  # type: ignore[method-assign]


def after_marking() -> None:
    original = Gateway.read_response_status

    def marked(self: Gateway, ids: Any) -> Any:
        original(self, ids)
        die()

    Gateway.read_response_status = marked  # type: ignore[method-assign]


def without_guard() -> None:
    """A mutant: a worker that has claimed a batch sends it, however late."""
    original = exchange.Exchange.__init__

    def init(self: Any, *args: Any, **fields: Any) -> None:
        original(self, *args, **{**fields, "may_write": lambda: True})

    exchange.Exchange.__init__ = init  # type: ignore[method-assign]


BUDGET: dict[str, Any] = {"message_cost": Decimal("0.049"), "daily_budget": Decimal("4.9")}
#: Settings by the word that asks for them.
ASKED: dict[str, dict[str, Any]] = {"budget": BUDGET, "topics": {"optout_scope": "topic"}}
POINTS: dict[str, Callable[[], None]] = {
    "frozen after claim": frozen_after_claim,
    "before ack": before_ack,
    "before a list mailing is recorded": lambda: around_script("record_message_ids", before=True),
    "after a list mailing is recorded": lambda: around_script("record_message_ids", before=False),
    "before confirming": lambda: around_script("begin_confirming", before=False),
    "after confirming": lambda: after_whole_request(3),
    "before announcing": lambda: around_script("announce_fallback", before=True),
    "after announcing": lambda: around_script("announce_fallback", before=False),
    "before the price": lambda: around_script("record_cost", before=True),
    "after the price": lambda: around_script("record_cost", before=False),
    "before trimming": lambda: around_script("trim_events", before=True),
    "after trimming": lambda: around_script("trim_events", before=False),
    "before claim": lambda: around_script("take_sends", before=True),
    "after claim": lambda: around_script("take_sends", before=False),
    "after connect": after_connect,
    "after first byte": after_first_byte,
    "after whole request": after_whole_request,
    "before record": lambda: around_script("move_batch", before=True),
    "after record": lambda: around_script("move_batch", before=False),
    "after beginning to count": lambda: around_script("begin_count", before=False),
    "before counting": lambda: around_script("count_messages", before=True),
    "after counting": lambda: around_script("count_messages", before=False),
    "before excluding": lambda: around_script("exclude_planned", before=True),
    "after excluding": lambda: around_script("exclude_planned", before=False),
    "before the end of a count": lambda: around_script("end_count", before=True),
    "after the end of a count": lambda: around_script("end_count", before=False),
    "before permit": lambda: around_script("take_sends", before=True),
    "before release": lambda: around_script("release_permit", before=True),
    "before intake": lambda: around_script("change_deliveries", before=True),
    "after intake": lambda: around_script("change_deliveries", before=False),
    "before acceptance": lambda: around_script("record_accepted", before=True),
    "after acceptance": lambda: around_script("record_accepted", before=False),
    "after ids are recorded": lambda: around_script("record_message_ids", before=False),
    "before storing replies": lambda: around_script("store_replies", before=True),
    "after storing replies": lambda: around_script("store_replies", before=False),
    "before marking": before_marking,
    "after marking": after_marking,
    "after opening a plan": lambda: around_script("open_plan", before=False),
    "before guarding": lambda: around_script("guard_campaign", before=True),
    "after guarding": lambda: around_script("guard_campaign", before=False),
    "after planning batches": lambda: around_script("add_batch", before=False),
    "before finishing a plan": lambda: around_script("finish_plan", before=True),
    "after finishing a plan": lambda: around_script("finish_plan", before=False),
    "before storing a campaign": lambda: around_script("store_campaigns", before=True),
    "after storing a campaign": lambda: around_script("store_campaigns", before=False),
    "before judging": lambda: around_script("judge_canary", before=True),
    "after judging": lambda: around_script("judge_canary", before=False),
    "before approving": lambda: around_script("set_campaign_state", before=True),
    "after approving": lambda: around_script("set_campaign_state", before=False),
}


def thirty(at_once: bool) -> dict[str, Any]:
    """A job that is stored at once, or bit by bit: its recipients come as a stream."""
    job = bulk_job(phones(30))
    if not at_once:
        job["messages"][0]["delivery_list"] = iter(phones(30))
    return job


def main(arguments: Sequence[str]) -> None:
    point, task, batch_id, redis_url, gateway_url, prefix, *mutants = arguments
    asked = {name: value for word in mutants for name, value in ASKED.get(word, {}).items()}
    services: Services = build_services(rig_settings(redis_url, gateway_url, prefix, **asked), ring=lambda *_: True)
    POINTS[point]()
    if "no guard" in mutants:
        without_guard()
    acts: dict[str, Callable[[], object]] = {
        "send": lambda: work(
            services, services.campaigns.brief(campaign_of(batch_id)).kind.replace("list", "bulk"), overlap=1
        ),
        "poll": lambda: poll_batch(services, batch_id),
        "fallback": lambda: announce_batch(services, batch_id),
        "replies": lambda: fetch_batch(services, batch_id),
        "trim": lambda: keep_room(services),
        "worker": lambda: app.worker_main(
            ["worker", "--pool", "solo", "--queues", "bulk", "--without-mingle", "--without-gossip"]
        ),
        "enqueue": lambda: enqueue(services, thirty("storing" in point), key="crash"),
        "draft": lambda: enqueue(services, thirty("storing" in point), key="crash", start="draft", by="ann"),
        "windowed": lambda: enqueue(
            services, thirty("storing" in point) | {"send_between": ["00:00", "24:00"]}, key="crash"
        ),
        "sweep": lambda: sweep(services),
        "count": lambda: put_count_right(services, Entry(COUNT, batch_id)),
        "judge": lambda: judge_canary(services, Entry(CANARY, campaign_of(batch_id))),
        "approve": lambda: Campaign.of(services, campaign_of(batch_id)).approve(by="bob"),
    }
    acts[task]()


if __name__ == "__main__":
    main(sys.argv[1:])
