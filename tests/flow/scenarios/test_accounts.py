"""Accounts that are refused or whose gateway is away: every method pauses them, and pauses end by themselves."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator

import pytest

from campaigns.campaign import Campaign
from campaigns.flow.operator.resolve import resume_account
from campaigns.ledger import FETCH, POLL_VERB, RECONCILE, SEND, Entry, queue_of
from campaigns.ledger.campaigns import CampaignRoute
from campaigns.sandbox.server import Sandbox
from campaigns.store.commands import Redis
from campaigns.store.embedded import EmbeddedServer
from tests.gateway.wire import Wire, answering, serving
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.settings import fast_settings
from tests.support.stage import Stage

UUID = "cc9c8043-8caf-11ef-b035-9e8f47954dec"
#: What each method answers while nothing is wrong.
GOOD = {
    "sendBulkViber": {"uuid": UUID, "success": "OK"},
    "sendQuickViberMessage": {"status": "OK", "result": {"message_id": 8484}},
    "getNewIncomingMessages": {
        "status": "OK",
        "result": [{"id": "1", "phone": "375291000000", "message": "yes", "d_receiver": "2022-09-01 10:39:45"}],
    },
}


class Scripted:
    """A gateway that answers each method as it is set to: a body and a status line."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[bytes, str, str]] = {}
        self.asked: list[str] = []
        for method, body in GOOD.items():
            self.says(method, json.dumps(body).encode())

    def says(self, method: str, body: bytes, status: str = "200 OK", headers: str = "") -> None:
        self.answers[method] = body, status, headers

    def __call__(self, line: socket.socket, request: bytes) -> None:
        method = request.split(b" ", 2)[1].split(b"?")[0].rpartition(b"/")[2].decode()
        self.asked.append(method)
        body, status, headers = self.answers.get(method, (b'{"status": "OK", "result": []}', "200 OK", ""))
        answering(body, status, headers)(line, request)


@pytest.fixture
def gateway() -> Iterator[tuple[Scripted, Wire]]:
    scripted = Scripted()
    with serving(scripted) as wire:
        yield scripted, wire


@pytest.fixture
def scene(
    gateway: tuple[Scripted, Wire], server: EmbeddedServer, prefix: str, sandbox: Sandbox
) -> tuple[Scripted, Stage]:
    scripted, wire = gateway
    return scripted, Stage(fast_settings(server.url, wire.url, prefix), sandbox)


def due_ms(stage: Stage, verb: str, campaign: Campaign, kind: str = "bulk") -> float:
    entry = str(Entry(verb, f"{campaign.id}-0"))
    score = stage.services.store.ask(
        Redis.zscore, stage.services.store.keys.due(queue_of(verb, kind), "default"), entry
    )
    assert score is not None
    return float(score) - stage.services.now_ms()


def make_due(stage: Stage, verb: str, campaign: Campaign, kind: str = "bulk") -> None:
    stage.services.due.put(
        Entry(verb, f"{campaign.id}-0"), CampaignRoute(kind, "default", None), stage.services.now_ms()
    )


def paused(stage: Stage) -> list[dict[str, object]]:
    events = stage.services.events.since(source="accounts/default")
    return [event.data for event in events if event.type == "account.paused"]


REFUSALS = [
    (b"", "429 Too Many Requests", "Retry-After: 999999999\r\n"),
    (b"{}", "401 Unauthorized", ""),
    (b"", "402 Payment Required", ""),
    (b'{"error": "limit exceeded"}', "200 OK", ""),
    ('{"error": "Превышен лимит запросов"}'.encode(), "200 OK", ""),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=[f"{status} {body.decode()}" for body, status, _ in REFUSALS])
@pytest.mark.parametrize(
    ("verb", "method"),
    [
        (POLL_VERB, "getViberDeliveryData"),
        (FETCH, "getNewIncomingMessages"),
        (FETCH, "readResponseStatus"),
    ],
)
def test_a_refused_read_pauses_the_account(
    scene: tuple[Scripted, Stage], verb: str, method: str, refusal: tuple[bytes, str, str]
) -> None:
    """Nothing is asked on and on, and nothing paid goes out meanwhile; a person's resuming makes all of it due."""
    scripted, stage = scene
    campaign = stage.enqueue(quick_job("375291000000"))
    stage.step()
    assert campaign.status().sent == 1
    scripted.says(method, *refusal)
    make_due(stage, verb, campaign, "quick")
    stage.step()
    (event,) = paused(stage)
    assert event["requests"] == "all"
    assert event["method"] == method
    asked = len(scripted.asked)
    for again in (POLL_VERB, FETCH):
        make_due(stage, again, campaign, "quick")
    stage.enqueue(quick_job("375291000001"))
    stage.step()
    assert len(scripted.asked) == asked
    assert due_ms(stage, verb, campaign, "quick") <= stage.services.settings.retry_after_max_s * 1000

    resume_account(stage.services, "default", "tester")
    assert all(due_ms(stage, again, campaign, "quick") <= 0 for again in (POLL_VERB, FETCH))


@pytest.mark.parametrize(
    ("job", "method"),
    [
        (bulk_job(phones(2)), "statusBulkViber"),
        (list_job(), "sendViberMessageList"),
        (list_job(), "getViberMessageData"),
        (list_job(), "confirmViberMessage"),
        (list_job(), "getViberDeliveryList"),
        (bulk_job(phones(2)), "getViberMessages"),
        (bulk_job(phones(2)), "sendBulkViber"),
        (quick_job("375291000000"), "sendQuickViberMessage"),
    ],
)
@pytest.mark.clear_listing
def test_any_methods_429_pauses_the_account(
    make_stage: Callable[..., Stage], job: dict[str, object], method: str
) -> None:
    """And once the pause is over, all of it goes on to its end."""
    stage = make_stage(penalty_s=0.3)
    if method == "getViberMessages":
        stage.sandbox.fault("error_500_after", "sendBulkViber")
    stage.sandbox.fault("too_many", method)
    campaign = stage.enqueue(job)
    stage.until(lambda: bool(paused(stage)))
    assert paused(stage)[0]["requests"] == "all"
    stage.until(lambda: campaign.status().sent > 0)
    assert campaign.status().recipients["rejected"] == 0


def test_a_check_is_due_when_the_account_is_resumed(scene: tuple[Scripted, Stage]) -> None:
    scripted, stage = scene
    scripted.says("sendBulkViber", b"", "500 Server Error")
    scripted.says("getViberMessages", b"", "429 Too Many Requests", "Retry-After: 3000\r\n")
    campaign = stage.enqueue(bulk_job(phones(2)))
    stage.step()
    make_due(stage, RECONCILE, campaign)
    stage.step()
    assert due_ms(stage, RECONCILE, campaign) > 200_000
    resume_account(stage.services, "default", "tester")
    assert due_ms(stage, RECONCILE, campaign) <= 0


def test_payment_required_without_words_plans_the_batch_again(scene: tuple[Scripted, Stage]) -> None:
    scripted, stage = scene
    scripted.says("sendBulkViber", b"", "402 Payment Required")
    campaign = stage.enqueue(bulk_job(phones(2)))
    stage.step()
    assert campaign.status().recipients["planned"] == 2
    assert paused(stage)[0]["requests"] == "paid"


@pytest.mark.parametrize("status", ["404 Not Found", "429 Too Many Requests", "402 Payment Required"])
def test_an_id_beside_a_refusal_is_doubt(scene: tuple[Scripted, Stage], status: str) -> None:
    scripted, stage = scene
    scripted.says("sendBulkViber", json.dumps(GOOD["sendBulkViber"]).encode(), status)
    campaign = stage.enqueue(bulk_job(phones(2)))
    stage.step()
    assert campaign.status().recipients["unknown"] == 2


def test_a_picture_that_is_refused_in_the_accounts_words(scene: tuple[Scripted, Stage]) -> None:
    """While others of the account are accepted it is refused after some tries, and stops no other meanwhile."""
    scripted, stage = scene
    scripted.says("sendQuickViberMessage", b'{"error": "Insufficient image resolution"}')
    bad = stage.enqueue(quick_job("375291000000"))
    stage.step()
    assert len(paused(stage)) == 1
    resume_account(stage.services, "default", "tester")
    good = stage.enqueue(bulk_job(phones(2)))
    stage.services.due.put(
        Entry(SEND, f"{bad.id}-0"), CampaignRoute("quick", "default", None), stage.services.now_ms() + 60_000
    )
    stage.step()
    assert good.status().sent == 2
    for tries in (2, 3):
        make_due(stage, SEND, bad, "quick")
        stage.step()
        assert stage.services.batches.read(f"{bad.id}-0").attempt == tries
        assert stage.services.limiter.pause_of("default") is None
    assert bad.status().recipients["rejected"] == 1
    rejected = next(event for event in stage.events(bad) if event.type == "batch.rejected")
    assert rejected.data["gateway_text"] == "Insufficient image resolution"
    assert len(paused(stage)) == 1


def test_money_is_waited_for_however_long_it_takes(scene: tuple[Scripted, Stage]) -> None:
    scripted, stage = scene
    scripted.says("sendQuickViberMessage", b'{"error": "Insufficient funds"}')
    waiting = stage.enqueue(quick_job("375291000000"))
    stage.step()
    for number in range(4):
        resume_account(stage.services, "default", "tester")
        stage.enqueue(bulk_job(phones(1, start=number)))
        stage.step()
    assert waiting.status().recipients["planned"] == 1


def test_a_gateway_that_is_away_for_a_while(make_stage: Callable[..., Stage]) -> None:
    """A run of failures pauses the account, names the failure, and ends as soon as one request gets through."""
    stage = make_stage(failures_before_pause=3, probe_after_s=0.2, recipients_per_request=1)
    stage.sandbox.fault("error_500_before", "sendBulkViber", times=4)
    campaign = stage.enqueue(bulk_job(phones(8), on_unknown="hold"))
    stage.step()
    assert "3 failures in a row" in str(paused(stage)[0]["reason"])
    assert "HTTP 500" in str(paused(stage)[0]["reason"])
    stage.until(lambda: campaign.status().sent == 4)
    types = [event.type for event in stage.services.events.since(source="accounts/default")]
    assert types == ["account.paused", "account.paused", "account.resumed"]
    assert "4 failures in a row" in str(paused(stage)[1]["reason"])
    assert stage.services.limiter.pause_of("default") is None
