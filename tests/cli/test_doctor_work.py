"""The doctor finds what stands still: no process runs, nobody takes work or events, or nobody decides."""

from __future__ import annotations

import json

import pytest

from campaigns.broker.envelopes import Envelope
from campaigns.events import Groups
from campaigns.flow.scheduling.work import work
from campaigns.health.heartbeats import consuming, ticked
from campaigns.ledger import POLL_VERB, SEND, Entry
from campaigns.ledger.campaigns import CampaignRoute
from campaigns.names import QUEUES
from campaigns.store.client import Store
from campaigns.store.commands import Redis, command
from campaigns.submission import take_in
from tests.cli.conftest import Run, found, only
from tests.conftest import Processes
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage
from tests.support.waiting import wait_until


def test_no_beat(run: Run, stage: Stage) -> None:
    consuming(stage.services.store, QUEUES)
    only(run, "beat", "fail", "no tick for minutes", "start the process `beat`")


def test_a_message_in_which_no_job_was_found(run: Run, alive: Stage) -> None:
    """It is named, with where to see and drop it; dropped, all is well."""
    message_id = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
    take_in(alive.services, Envelope("submissions", {"task": "campaigns.submit", "id": message_id}, body=b"?"))
    words = f"1 could not be read; the newest, message {message_id} in the queue submissions: its body is not JSON"
    only(run, "submissions", "warn", words, "campaigns submissions discard")
    (line,) = run("submissions", "list", "--json").stdout.splitlines()
    assert json.loads(line)["id"] == message_id
    assert message_id in run("submissions", "list").stdout
    assert run("submissions", "discard", "nothing").exit_code == 1
    assert run("submissions", "discard").exit_code == 2
    assert run("submissions", "discard", json.loads(line)["digest"]).exit_code == 0
    assert found(run) == {}


def test_two_beats(run: Run, alive: Stage) -> None:
    at_ms = alive.services.now_ms() - 12_000
    for passed_ms in range(0, 12_000, 500):
        clock = Store(alive.services.store.redis, alive.services.store.keys, now_ms=lambda p=passed_ms: at_ms + p)
        ticked(clock, "here/1" if passed_ms < 3000 else ("here/2", "there/3")[passed_ms // 500 % 2])
    # here/2 took over from here/1, and there/3 ticks beside it.
    only(run, "beat", "warn", "2 run at once: here/2, there/3", "stop all but one")


@pytest.mark.parametrize("queue", [queue for queue in QUEUES if queue != "control"])
def test_no_worker_on_a_queue(run: Run, stage: Stage, queue: str) -> None:
    ticked(stage.services.store)
    consuming(stage.services.store, set(QUEUES) - {queue})
    process = "poll" if queue == "replies" else queue
    only(run, f"queue {queue}", "fail", "no worker consumes it", f"start the process `{process}`")


def test_no_worker_of_a_queue_has_a_token(run: Run, alive: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked only where workers divide the tokens; a worker that serves only other queues does not count."""
    monkeypatch.setenv("CAMPAIGNS_OTHER_ACCOUNTS", "shop")
    consuming(alive.services.store, QUEUES, worker="all", tokens=["default"])
    what, remedy = "workers with the token of shop", "set CAMPAIGNS_TOKEN_SHOP for a worker of each of these queues"
    only(run, what, "warn", "none consumes quick, bulk, poll, replies", remedy)
    consuming(alive.services.store, ["quick", "poll", "replies"], worker="some", tokens=["shop"])
    only(run, what, "warn", "none consumes bulk", remedy)
    consuming(alive.services.store, ["bulk"], worker="other", tokens=["shop"])
    assert found(run) == {}


def test_no_control_worker(run: Run, alive: Stage) -> None:
    """Beat ticks by itself: without a worker of the control queue it does all the same."""
    alive.services.store.ask(Redis.delete, alive.services.store.keys.heartbeat("queue-control"))
    only(run, "queue control", "fail", "no worker consumes it", "start the process `control`")


def test_what_is_due_is_not_done(run: Run, alive: Stage) -> None:
    alive.services.due.put(Entry(SEND, "x-0"), CampaignRoute("bulk", "default", None), alive.services.now_ms() - 90_000)
    only(run, "queue bulk", "warn", "1 due, the oldest for 9", "start more workers for the queue bulk")


def test_polls_that_their_rate_cannot_carry(run: Run, alive: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a thousand single messages, each of which is polled by itself. Nobody is late: the account is at its limit."""
    monkeypatch.setenv("CAMPAIGNS_RATE_LIMIT", "2/1")
    now_ms, of = alive.services.now_ms(), CampaignRoute("quick", "default", None)
    alive.services.due.put_missing([(Entry(POLL_VERB, f"{number:x}-0"), of, now_ms) for number in range(150)])
    only(run, "polls of default", "warn", "150 due, which takes 2 min 30 s", "`follow`, `replies`")


def test_nobody_is_late_for_an_account_that_pauses(alive: Stage) -> None:
    alive.enqueue(bulk_job(phones(1)))
    in_two_minutes_ms = alive.services.now_ms() + 120_000
    number, since_ms = alive.services.due.depth("bulk", in_two_minutes_ms)
    assert number == 1
    assert since_ms is not None
    alive.services.limiter.pause("default", 600, "no money")
    work(alive.services, "bulk", overlap=1, patience_s=0)
    assert alive.services.due.depth("bulk", in_two_minutes_ms) == (1, None)


def test_the_stream_is_filling(run: Run, alive: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPAIGNS_EVENTS_CAP", "100")
    fill(alive)
    assert found(run) == {}  # nobody waits for them: they make room
    Groups(alive.services.store).rewind("crm", "0")
    only(run, "event stream", "warn", "group crm", "events --group crm --delete")
    fill(alive)
    only(run, "event stream", "fail", "120 of 100", "events --group crm --delete")
    alive.services.events.trim(0, 100)
    only(run, "event stream", "fail", "sending has paused for", "then sending continues")


def fill(stage: Stage) -> None:
    store = stage.services.store
    store.ask_many([command(Redis.xadd, store.keys.events(), {"type": "x"}) for _ in range(60)])


def test_a_group_is_behind(run: Run, alive: Stage) -> None:
    store = alive.services.store
    store.redis.xadd(store.keys.events(), {"type": "x"}, id=f"{alive.services.now_ms() - 7_300_000}-0")
    Groups(store).rewind("crm", "0")
    only(run, "groups", "warn", "crm by 2 h", "events --group crm --delete")
    store.redis.xreadgroup("crm", "member", {store.keys.events(): ">"})
    only(run, "groups", "warn", "crm by 2 h", "start its consumers")  # taken, and never done


def test_dead_letters(run: Run, alive: Stage) -> None:
    store = alive.services.store
    Groups(store).rewind("crm", "0")
    store.redis.xadd(store.keys.dead_letters("crm"), {"reason": "x"})
    only(run, "dead letters", "warn", "1 of group crm", "events --group crm --dead-letters")


def test_an_account_is_paused(run: Run, alive: Stage) -> None:
    alive.services.limiter.pause("default", 600, "refused: Insufficient funds")
    only(run, "account default", "warn", "refused: Insufficient funds", "campaigns resume-account default")


def test_somebody_must_decide(run: Run, alive: Stage) -> None:
    alive.sandbox.fault("reset_before", "sendBulkViber")
    campaign = alive.enqueue(bulk_job(phones(2)))
    alive.until(lambda: alive.services.campaigns.read(campaign.id).over)
    only(run, "doubt", "warn", "1 request held", f"campaigns resolve {campaign.id}")


def test_real_workers_and_beats(run: Run, processes: Processes) -> None:
    """A queue without a worker is reported; with everything running all is well; so is a second beat."""
    processes.worker(["quick", "poll", "replies", "control", "submissions"])
    processes.beat()
    wait_until(lambda: list(found(run)) == ["queue bulk"])
    processes.worker(["bulk"])
    wait_until(lambda: found(run) == {})
    processes.beat()
    wait_until(lambda: list(found(run)) == ["beat"])
