"""Workers, callers and callbacks that come late, and what others did meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from campaigns.accounts.limiter import Permit
from campaigns.answers.rows import BulkRefusal, DeliveryRows
from campaigns.enqueue import enqueue
from campaigns.errors import (
    OutcomeUnknownError,
    StoreError,
    TooManyRequestsError,
)
from campaigns.flow.operator.resolve import resume_account
from campaigns.flow.outcome import accepted
from campaigns.flow.scheduling.leases import declare_unknown
from campaigns.flow.tracking.callbacks import _signature, callback_url, take_callback
from campaigns.gateway import Gateway
from campaigns.store.client import Store
from campaigns.store.keys import Keys
from campaigns.wiring import build_services, connect
from tests.support import claims
from tests.support.claims import record, send
from tests.support.doubt import double, known, run, through, younger
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.reads import poll_batch
from tests.support.stage import Stage

BASE = "http://127.0.0.1:9/viber"


def path(stage: Stage, bid: str) -> str:
    url = callback_url(stage.services, stage.services.batches.read(bid), None)
    return url.removeprefix("http://127.0.0.1:9")


class Recalled(Store):
    """A store whose client gives up on one script that ran all the same."""

    lost = ""
    before: Any = None

    def run_all_safely(self, calls: Any) -> Any:
        answers = super().run_all_safely(calls)
        if self.lost in {name for name, *_ in calls}:
            lost, type(self).lost = self.lost, ""
            if self.before:
                self.before()
            raise StoreError(f"{lost}: TimeoutError")
        return answers


def three(script: str) -> dict[str, Any]:
    """A job that the script stores: at once, or bit by bit, since its recipients come as a stream."""
    job = bulk_job(phones(3))
    if script == "finish_plan":
        job["messages"][0]["delivery_list"] = iter(phones(3))
    return job


@pytest.mark.parametrize("script", ["store_campaign", "finish_plan"])
@pytest.mark.parametrize("gone_out", [True, False])
def test_storing_ran_but_its_answer_was_lost(stage: Stage, script: str, gone_out: bool) -> None:
    s = stage.services.settings
    store = Recalled(connect(s), Keys(s.key_prefix))
    seen: list[int] = []

    def meanwhile() -> None:
        # beat and workers go on while the client repeats its call for ten seconds
        for _ in range(3):
            stage.step()
        seen.append(len(stage.sandbox.ledger()))

    store.before = meanwhile if gone_out else None
    Recalled.lost = script
    producer = build_services(s, store=store, ring=lambda *_: True)
    enqueue(producer, three(script), key="k")
    assert Recalled.lost == ""
    again = stage.enqueue(bulk_job(phones(3)), key="k")
    stage.finish(again)
    assert seen == ([3] if gone_out else [])
    assert again.status().sent == 3
    assert double(stage) == 1


def frozen_list(stage: Stage) -> tuple[Any, Any, Callable[[], None]]:
    """A worker that froze after it noted the number of subscribers, before it noted the mailing's id."""
    services = stage.services
    campaign = stage.enqueue(list_job(1))
    bid = f"{campaign.id}-0"
    claim = claims.claim(services, bid)
    made = services.gateway("default").send_viber_message_list(__import__("json").loads(claim.body))
    assert services.batches.note(
        claim.batch,
        {"count_subscribers": made.count_subscribers},
        state="sending",
        fence=claim.fence,
        recipients=made.count_subscribers,
    )

    def thaw() -> None:
        services.deliveries.record_message_ids(claim.batch, {0: made.message_id}, 100_000)

    declare_unknown(services, services.batches.read(bid))
    return campaign, bid, thaw


def test_list_frozen_before_learning_then_second_confirm_in_doubt(stage: Stage) -> None:
    campaign, bid, thaw = frozen_list(stage)

    # A second worker creates another mailing, confirms it, and the answer is lost, as is the read-back.
    class Lost(Gateway):
        n = 0

        def confirm_viber_message(self, *a: Any, **k: Any) -> None:
            Lost.n += 1
            super().confirm_viber_message(*a, **k)
            if Lost.n == 1:
                stage.sandbox.fault("error_500_before", "getViberMessageData", times=2)
                raise OutcomeUnknownError("confirmViberMessage", "cut")

    through(stage, Lost)
    stage.until(
        lambda: stage.services.batches.read(bid).attempt == 2 and stage.services.batches.read(bid).state == "unknown"
    )
    thaw()
    run(stage, campaign)
    assert len(stage.sandbox.ledger()) == 4
    assert double(stage) == 1


@pytest.mark.clear_listing
def test_list_frozen_before_learning_then_accepted(stage: Stage) -> None:
    campaign, _bid, thaw = frozen_list(stage)
    stage.until(lambda: campaign.status().sent == 4)
    thaw()
    stage.finish(campaign)
    assert campaign.status().statuses == {"READ": 4}


def resent(stage: Stage) -> tuple[Any, str, str]:
    """First request arrived, nobody knows; a person (or proof) plans it again. Returns its callback's path too."""
    stage.sandbox.change(list_bulk=False)
    stage.sandbox.fault("reset_after", "sendBulkViber")
    campaign = stage.enqueue(bulk_job(phones(3)))
    bid = f"{campaign.id}-0"
    stage.until(lambda: campaign.status().recipients["held"] == 3)
    first = path(stage, bid)
    campaign.resolve("resend", by="ann", why="?")
    return campaign, bid, first


def test_callback_of_the_first_while_planned_after_a_429(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(callback_base_url=BASE, penalty_s=0.3)
    _campaign, bid, first = resent(stage)
    stage.sandbox.fault("too_many", "sendBulkViber")
    send(stage.services, bid)
    b = stage.services.batches.read(bid)
    assert (b.state, b.attempt) == ("planned", 2)
    assert take_callback(stage.services, first, b"")
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        stage.step()
    assert double(stage) == 1


@pytest.mark.clear_listing
def test_callback_of_the_first_while_the_second_is_in_doubt(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(callback_base_url=BASE)
    known(stage)
    stage.sandbox.fault("reset_after", "sendBulkViber")

    class Hiding(Gateway):
        def get_viber_messages(self, **k: Any) -> Any:
            return [m for m in super().get_viber_messages(**k) if m.message != "hello"]

    through(stage, Hiding)
    campaign = stage.enqueue(bulk_job(phones(3), on_unknown="resend"))
    bid = f"{campaign.id}-0"
    first = None
    stage.sandbox.fault("reset_before", "sendBulkViber")
    stage.until(lambda: stage.services.batches.read(bid).state == "unknown")
    first = path(stage, bid)
    stage.sandbox.clear_faults()
    younger(stage)
    stage.sandbox.fault("reset_before", "sendBulkViber")
    stage.until(
        lambda: stage.services.batches.read(bid).attempt == 2 and stage.services.batches.read(bid).state == "unknown"
    )
    assert len([r for r in stage.sandbox.ledger() if r["text"] == "hello"]) == 3
    assert take_callback(stage.services, first, b"")
    run(stage, campaign)
    assert double(stage) == 1


def test_callback_noted_and_the_receiver_killed(make_stage: Callable[..., Stage]) -> None:
    """kill -9 between noting a callback and moving the batch: the claim heeds the sign."""
    stage = make_stage(callback_base_url=BASE)
    _campaign, bid, _first = resent(stage)
    k = stage.services.store.keys
    stage.services.store.run("record_callback", [k.batch(bid), k.due("poll")], [bid, 1, "", 100])
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        stage.step()
    assert double(stage) == 1


def test_two_pollers_at_the_horizon(make_stage: Callable[..., Stage]) -> None:
    """One has an answer in its hands, the other silences and settles."""
    stage = make_stage(poll_horizon_s=1.0, reply_window_s=1.0)
    campaign = stage.enqueue(bulk_job(phones(3)))
    other = stage.enqueue(bulk_job(phones(3, start=30), text="other"))
    real = stage.services

    class Slow(Gateway):
        def status_bulk_viber(self, uuid: str) -> Any:
            polled = super().status_bulk_viber(uuid)
            data = polled.data
            rows = DeliveryRows.of(row._replace(status="DELIVERED") for m in data.mailings for row in m.rows)

            class P:
                digest = "x"

            P.data = data._replace(mailings=tuple(m._replace(rows=rows) for m in data.mailings))

            class Silent(Gateway):
                def status_bulk_viber(self, uuid: str) -> Any:
                    raise OutcomeUnknownError("statusBulkViber", "down")

            down = Silent(self._transport, self._token, read_attempts=1)
            poll_batch(replace(real, gateway=lambda _: down), f"{campaign.id}-0")
            return P

    bid = f"{campaign.id}-0"
    send(real, bid)
    time.sleep(1.1)
    through(stage, Slow)
    poll_batch(stage.services, bid)
    stage.services = real
    st = campaign.status()
    assert st.recipients["settled"] == 3
    assert st.final == 3
    run(stage, other)
    stage.until(lambda: campaign.status().state == "finished", 4)
    assert campaign.status().awaiting == 0


def test_two_pollers_and_the_campaign_never_ends(make_stage: Callable[..., Stage]) -> None:
    """The same, with another batch of the campaign under way."""
    stage = make_stage(poll_horizon_s=1.0, reply_window_s=1.0, recipients_per_request=3)
    campaign = stage.enqueue(bulk_job(phones(6)))
    real = stage.services
    bid = f"{campaign.id}-0"

    class Slow(Gateway):
        def status_bulk_viber(self, uuid: str) -> Any:
            polled = super().status_bulk_viber(uuid)
            data = polled.data
            rows = DeliveryRows.of(row._replace(status="DELIVERED") for m in data.mailings for row in m.rows)

            class P:
                digest = "x"

            P.data = data._replace(mailings=tuple(m._replace(rows=rows) for m in data.mailings))

            class Down(Gateway):
                def status_bulk_viber(self, uuid: str) -> Any:
                    raise OutcomeUnknownError("statusBulkViber", "down")

            down = Down(self._transport, self._token, read_attempts=1)
            poll_batch(replace(real, gateway=lambda _: down), bid)
            return P

    send(real, bid)
    time.sleep(1.1)
    through(stage, Slow)
    poll_batch(stage.services, bid)
    stage.services = real
    stage.until(lambda: campaign.status().state == "finished", 5)
    assert "campaign.unbalanced" not in stage.event_types(campaign)


def test_quick_resolved_sent(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(poll_horizon_s=1.0)
    stage.sandbox.fault("reset_before", "sendQuickViberMessage")
    campaign = stage.enqueue(quick_job(phones(1)[0]))
    stage.until(lambda: campaign.status().recipients["held"] == 1)
    campaign.resolve("sent", by="ann", why="seen")
    stage.until(lambda: campaign.status().state == "finished", 5)


def test_yes_of_the_first_after_the_second_was_refused(stage: Stage) -> None:
    """Refused as a repetition, perhaps: it did go out, and a retry must not send it again."""
    campaign = stage.enqueue(bulk_job(phones(3)))
    bid = f"{campaign.id}-0"
    s = stage.services
    claim = claims.claim(s, bid)
    uuid = s.gateway("default").send_bulk_viber(claim.body)
    verdict = accepted(claim.batch, claim.now_ms, s.settings, uuid=uuid)
    stage.sandbox.change(list_bulk=False)
    declare_unknown(s, claim.batch)
    stage.until(lambda: campaign.status().recipients["held"] == 3)
    campaign.resolve("resend", by="ann", why="?")
    stage.sandbox.fault("refuse", "sendBulkViber")
    stage.until(lambda: campaign.status().recipients["rejected"] == 3)
    record(s, claim, Permit("default", "late"), verdict)
    st = campaign.status()
    assert (st.recipients["rejected"], st.double_sends) == (0, 0)


def test_permit_outlived(settings: Any, sandbox: Any, prefix: str) -> None:
    """A worker freezes between permit and claim; thawed it sends although its permit is another's by now."""
    clock = {"ms": 1_800_000_000_000}
    s = replace(settings, concurrency=1)
    stage = Stage(s, sandbox)
    store = Store(connect(s), Keys(prefix), now_ms=lambda: clock["ms"])
    others: list[Any] = []

    class Frozen:
        boot = 0.0
        once = True

        def __call__(self) -> float:
            if Frozen.once:
                Frozen.once = False
                clock["ms"] += 60_000
                Frozen.boot += 60
                others.append(services.limiter.acquire("default", patience_s=0))
            return Frozen.boot

    services = build_services(s, store=store, ring=stage._ring)
    services = replace(services, boot_s=Frozen())
    stage.services = services
    campaign = stage.enqueue(bulk_job(phones(1)))
    send(services, f"{campaign.id}-0")
    held = isinstance(others[0], Permit)
    sent = len(sandbox.ledger())
    assert not (held and sent), "two paid requests under way with concurrency 1"


def test_yes_of_the_first_while_the_second_is_on_its_way(make_stage: Callable[..., Stage]) -> None:
    """The second is refused for a while, planned again, and goes out later although the first was accepted."""
    stage = make_stage(penalty_s=0.2)
    campaign = stage.enqueue(bulk_job(phones(3)))
    bid = f"{campaign.id}-0"
    s = stage.services
    claim = claims.claim(s, bid)
    uuid = s.gateway("default").send_bulk_viber(claim.body)
    verdict = accepted(claim.batch, claim.now_ms, s.settings, uuid=uuid)
    stage.sandbox.change(list_bulk=False)
    declare_unknown(s, claim.batch)
    stage.until(lambda: campaign.status().recipients["held"] == 3)
    campaign.resolve("resend", by="ann", why="?")

    class Meanwhile(Gateway):
        first = True

        def send_bulk_viber(self, *a: Any, **k: Any) -> Any:
            if Meanwhile.first:
                Meanwhile.first = False
                record(s, claim, Permit("default", "late"), verdict)
                raise TooManyRequestsError("sendBulkViber", "too many", http_status=429, retry_after_s=0.1)
            return super().send_bulk_viber(*a, **k)

    through(stage, Meanwhile)
    stage.until(lambda: not Meanwhile.first)
    time.sleep(0.2)
    resume_account(stage.services, "default", "ann")
    end = time.monotonic() + 2
    while time.monotonic() < end:
        stage.step()
    assert double(stage) == 1


def test_reject_and_rows_at_once(make_stage: Callable[..., Stage]) -> None:
    """One poller holds 'errors', the other's later answer has the rows."""
    stage = make_stage(poll_horizon_s=1.5)
    campaign = stage.enqueue(bulk_job(phones(3)))
    bid = f"{campaign.id}-0"
    real = stage.services
    send(real, bid)
    orig = real.deliveries

    class Del:
        def __getattr__(self, n: str) -> Any:
            return getattr(orig, n)

        def reject_mailing(self, *a: Any) -> Any:
            poll_batch(real, bid)  # frozen here, while another looks
            return orig.reject_mailing(*a)

    class Errors(Gateway):
        def status_bulk_viber(self, uuid: str) -> Any:
            polled = super().status_bulk_viber(uuid)

            class P:
                digest = "x"

            P.data = polled.data._replace(mailings=(), errors=(BulkRefusal("mailing 1: try later"),))
            return P

    time.sleep(0.1)
    through(stage, Errors)
    stage.services = replace(stage.services, deliveries=Del())
    poll_batch(stage.services, bid)
    stage.services = real
    stage.until(lambda: campaign.status().state == "finished", 4)
    assert campaign.status().recipients["settled"] == 3


@pytest.mark.parametrize("script", ["store_campaign", "finish_plan"])
def test_store_error_after_the_plan_is_complete(stage: Stage, script: str) -> None:
    """It is stored whole, so that enqueueing succeeded: dispatch finds it by its due time."""
    s = stage.services.settings

    class Late(Store):
        done = False

        def run_all_safely(self, calls: Any) -> Any:
            answers = super().run_all_safely(calls)
            self.done = True
            return answers

        def ask(self, command: str, *args: Any) -> Any:
            if self.done and command == "hgetall":
                raise StoreError("hgetall: ConnectionError")
            return super().ask(command, *args)

    producer = build_services(s, store=Late(connect(s), Keys(s.key_prefix)), ring=lambda *_: True)
    enqueue(producer, three(script))
    for _ in range(5):
        stage.step()
    assert double(stage) == 1


def test_callback_about_a_claim_that_the_store_lost(make_stage: Callable[..., Stage]) -> None:
    """The store came back without its last second: planned, attempt 0, and the gateway calls back about attempt 1."""
    stage = make_stage(callback_base_url="http://127.0.0.1:9/viber")
    campaign = stage.enqueue(bulk_job(phones(3)))
    bid = f"{campaign.id}-0"
    body = stage.services.batches.body(bid)
    stage.services.gateway("default").send_bulk_viber(body)  # by the claim that was lost
    assert take_callback(stage.services, f"/viber/{bid}.1.{_signature(stage.services, bid, 1)}", b"")
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        stage.step()
    assert double(stage) == 1
