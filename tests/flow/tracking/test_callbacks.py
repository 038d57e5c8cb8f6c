"""Callbacks: a hint to poll now, at an address that cannot be guessed, and never a fact by itself."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from campaigns.callbacks import LONGEST, Callbacks
from campaigns.campaign import Campaign
from campaigns.flow.tracking.callbacks import callback_url, uuid_in
from campaigns.store.client import Store
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage

BASE = "http://127.0.0.1:9/viber"
UUID = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage(callback_base_url=BASE)


def call(stage: Stage, url: str, body: bytes = b"", method: str = "POST", **environ: Any) -> int:
    """The status code of a request to the receiver."""
    answered: list[str] = []
    Callbacks(lambda: stage.services)(
        {
            "REQUEST_METHOD": method,
            "PATH_INFO": url.removeprefix("http://127.0.0.1:9").partition("?")[0],
            "QUERY_STRING": url.partition("?")[2],
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **environ,
        },
        lambda status, headers: answered.append(status),
    )
    return int(answered[0].split()[0])


def address(stage: Stage, campaign: Campaign) -> str:
    url = callback_url(stage.services, stage.services.batches.read(f"{campaign.id}-0"), None)
    assert url is not None
    return url


def fields(stage: Stage, campaign: Campaign) -> Any:
    return stage.services.batches.read(f"{campaign.id}-0").fields


class TestAddress:
    """One per attempt, signed."""

    def test_the_gateway_is_given_it(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)))
        stage.until(lambda: campaign.status().sent == 2)
        (request,) = stage.sandbox.service.state.requests.values()
        assert request.callback_url == address(stage, campaign)

    def test_the_jobs_own_goes_before(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(2), callback_url="https://example.com/own"))
        stage.until(lambda: campaign.status().sent == 2)
        (request,) = stage.sandbox.service.state.requests.values()
        assert request.callback_url == "https://example.com/own"

    def test_without_a_base_there_is_none(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage()
        campaign = stage.enqueue(bulk_job(phones(2)))
        assert callback_url(stage.services, stage.services.batches.read(f"{campaign.id}-0"), None) is None

    def test_every_attempt_has_its_own(self, stage: Stage) -> None:
        stage.sandbox.fault("too_many", "sendBulkViber", retry_after="1")
        campaign = stage.enqueue(bulk_job(phones(2)))
        first = address(stage, campaign)
        stage.until(lambda: campaign.status().sent == 2)
        assert address(stage, campaign) != first


class TestReceiver:
    """What it answers."""

    def test_noted(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)))
        assert call(stage, address(stage, campaign), b"{}") == 204
        assert "callback_ms" in fields(stage, campaign)

    def test_get_is_understood(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)))
        assert call(stage, f"{address(stage, campaign)}?uuid={UUID}", method="GET") == 204
        assert fields(stage, campaign)["callback_uuid"] == UUID

    @pytest.mark.parametrize("change", ["sign", "attempt", "batch", "more", "none"])
    def test_no_such_address(self, stage: Stage, change: str) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)))
        good = address(stage, campaign)
        bad = {
            "sign": good[:-1] + ("0" if good[-1] != "0" else "1"),
            "attempt": good.replace(".0.", ".1."),
            "batch": good.replace("-0.", "-1."),
            "more": good + "0",
            "none": BASE + "/",
        }[change]
        assert call(stage, bad) == 404
        assert "callback_ms" not in fields(stage, campaign)

    def test_other_methods(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)))
        assert call(stage, address(stage, campaign), method="DELETE") == 405

    @pytest.mark.parametrize("length", [str(LONGEST + 1), "9" * 5000, "-1", "many", "", "٣"])
    def test_the_address_is_the_sign_whatever_the_length(self, stage: Stage, length: str) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)))
        assert call(stage, address(stage, campaign), b"{}", CONTENT_LENGTH=length) == 204
        assert "callback_ms" in fields(stage, campaign)

    @pytest.mark.parametrize(
        "body",
        [
            json.dumps({"uuid": UUID, "rows": ["375291234567"] * 10_000}).encode(),
            "&".join(["uuid=" + UUID, *(f"f{n}=x" for n in range(200))]).encode(),
            "&".join([*(f"f{n}=x" for n in range(200)), "uuid=" + UUID]).encode(),
            f'[{{"uuid": "{UUID}", "success": [{{"phone": "375'.encode(),
            json.dumps({"uuid": UUID, "rows": ["375291234567"] * 200_000}).encode(),
        ],
        ids=["100 kB", "201 fields", "at the end", "cut", "3 MB"],
    )
    def test_a_large_or_odd_body_is_noted_with_its_uuid(self, stage: Stage, body: bytes) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)))
        assert call(stage, address(stage, campaign), body) == 204
        assert fields(stage, campaign)["callback_uuid"] == UUID

    @pytest.mark.parametrize("body", [b"[" * 100_000, b"\x00\xff" * 5000, b'{"uuid": ' + b"9" * 5000 + b"}"])
    def test_an_unreadable_body_is_noted(self, stage: Stage, body: bytes) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)))
        assert call(stage, address(stage, campaign), body) == 204
        assert "callback_ms" in fields(stage, campaign)

    def test_a_body_that_breaks_off_is_noted(self, stage: Stage) -> None:
        class Broken(io.BytesIO):
            def read(self, *_: Any) -> bytes:
                raise ConnectionResetError

        campaign = stage.enqueue(bulk_job(phones(2)))
        assert call(stage, address(stage, campaign), b"{}", **{"wsgi.input": Broken()}) == 204
        assert "callback_ms" in fields(stage, campaign)

    def test_a_body_in_chunks(self, stage: Stage) -> None:
        """No header gives its length; the server finds its end."""
        campaign = stage.enqueue(bulk_job(phones(2)))
        body = f'{{"uuid": "{UUID}"}}'.encode()
        more = {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}
        assert call(stage, address(stage, campaign), body, **more) == 204
        assert fields(stage, campaign)["callback_uuid"] == UUID

    def test_the_store_is_gone(self, stage: Stage, free_port: int) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)))
        url = address(stage, campaign)
        redis = Redis(port=free_port, retry=Retry(NoBackoff(), 0))
        stage.services = replace(stage.services, store=Store(redis, stage.services.store.keys))
        assert call(stage, url) == 503

    @pytest.mark.parametrize(
        ("body", "uuid"),
        [
            (json.dumps({"uuid": UUID, "success": "OK"}).encode(), UUID),
            (f"uuid={UUID}&success=OK".encode(), UUID),
            (b'{"uuid": 7}', None),
            (b'{"uuid": "x"}', None),
            (b"[1]", None),
            (b"uuid=", None),
            (f'{{"uuid": "{UUID}", "x": {{"uuid": "{UUID[:-1]}6"}}}}'.encode(), None),
            (b"\xff\xfe", None),
            (b"", None),
        ],
    )
    def test_uuid(self, body: bytes, uuid: str | None) -> None:
        assert uuid_in(body) == uuid


class TestConsequences:
    """It can cause a check or a poll, or bring a uuid that is verified."""

    def test_a_poll_now(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(callback_base_url=BASE, poll_min_s=5.0, poll_horizon_s=60.0)
        campaign = stage.enqueue(bulk_job(phones(2)))
        stage.until(lambda: campaign.status().sent == 2)
        assert campaign.status().statuses == {}
        call(stage, address(stage, campaign), b"{}")
        stage.until(lambda: bool(campaign.status().statuses), timeout_s=3)

    def test_many_cost_no_more_than_polling_may(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(callback_base_url=BASE, poll_min_s=5.0, poll_horizon_s=60.0)
        campaign = stage.enqueue(bulk_job(phones(2)))
        stage.until(lambda: campaign.status().sent == 2)
        for _ in range(20):
            call(stage, address(stage, campaign), b"{}")
            stage.step()
        assert stage.sandbox.summary()["requests"]["statusBulkViber"] == 1

    def test_a_uuid_settles_the_doubt(self, stage: Stage) -> None:
        """The listing shows nothing; the callback brings the uuid; its mailings and phones are ours."""
        stage.sandbox.change(list_bulk=False)
        stage.sandbox.fault("reset_after", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.until(lambda: campaign.status().recipients["unknown"] == 3)
        (uuid,) = stage.sandbox.service.state.requests
        call(stage, address(stage, campaign), json.dumps({"uuid": uuid, "success": "OK"}).encode())
        stage.finish(campaign)
        assert campaign.status().statuses == {"READ": 3}
        assert len(stage.sandbox.ledger()) == 3

    @pytest.mark.parametrize("whose", ["nobody's", "another's"])
    def test_a_uuid_that_is_not_ours_proves_nothing(self, stage: Stage, whose: str) -> None:
        """But nothing is sent again either: something did arrive under this address."""
        stage.finish(stage.enqueue(bulk_job(phones(2, start=50), text="known")))
        (known,) = stage.sandbox.service.state.requests
        stage.sandbox.fault("reset_before", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3), on_unknown="resend"))
        stage.until(lambda: campaign.status().recipients["unknown"] == 3)
        uuid = UUID if whose == "nobody's" else known
        call(stage, address(stage, campaign), f"uuid={uuid}".encode())
        stage.finish(campaign)
        assert campaign.status().recipients["held"] == 3
        assert "called back" in fields(stage, campaign)["text"]
        assert len(stage.sandbox.ledger()) == 2

    @pytest.mark.clear_listing
    def test_a_late_one_stops_what_is_planned_again(self, stage: Stage) -> None:
        """Taken for lost and planned again; then the callback: found by the listing, and not sent twice."""
        stage.finish(stage.enqueue(bulk_job(phones(2, start=50), text="known")))
        stage.sandbox.fault("reset_after", "sendBulkViber")
        stage.sandbox.change(list_bulk=False)
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.until(lambda: campaign.status().recipients["held"] == 3)
        url = address(stage, campaign)
        stage.sandbox.change(list_bulk=True)
        campaign.resolve("resend", by="ann", why="?")
        assert call(stage, url, b"{}") == 204
        stage.finish(campaign)
        assert campaign.status().statuses == {"READ": 3}
        assert len(stage.sandbox.ledger()) == 5

    @pytest.mark.clear_listing
    def test_one_of_an_earlier_attempt_brings_the_watch_forward(self, make_stage: Callable[..., Stage]) -> None:
        stage = make_stage(callback_base_url=BASE, settle_window_s=3.0, poll_horizon_s=60.0)
        stage.sandbox.change(list_bulk=False)
        stage.sandbox.fault("reset_after", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.until(lambda: campaign.status().recipients["held"] == 3)
        first = address(stage, campaign)
        campaign.resolve("resend", by="ann", why="?")
        stage.until(lambda: bool(stage.services.batches.read(f"{campaign.id}-0").message_ids))
        stage.sandbox.change(list_bulk=True)
        call(stage, first, b"{}")
        stage.until(lambda: campaign.status().double_sends == 3, timeout_s=1.5)
