"""What a test orders of the sandbox: each fault as a raw client sees it, and what recipients do."""

from __future__ import annotations

import http.client
import time
from typing import Any

import pytest

from campaigns.sandbox.server import Sandbox
from tests.support.raw_requests import TOKEN, raw


class TestFaults:
    """Each fault as a raw client sees it, and whether the message went out."""

    QUICK = {**TOKEN, "vibername_id": 7, "phone": "375291111111", "message": "hi"}

    def send(self, sandbox: Sandbox) -> tuple[int, Any, dict[str, str]]:
        return raw(sandbox, "/api/v2/sendQuickViberMessage", form=self.QUICK)

    @pytest.mark.parametrize(
        ("fault", "status", "sent"),
        [
            ("refuse", 400, 0),
            ("refuse_account", 401, 0),
            ("no_money", 200, 0),
            ("too_many", 429, 0),
            ("error_500_before", 500, 0),
            ("error_500_after", 500, 1),
        ],
    )
    def test_answers(self, sandbox: Sandbox, fault: str, status: int, sent: int) -> None:
        sandbox.fault(fault, "sendQuickViberMessage")
        found, answer, _ = self.send(sandbox)
        assert found == status
        assert "error" in answer
        assert len(sandbox.ledger()) == sent
        assert self.send(sandbox)[0] == 200

    @pytest.mark.parametrize(
        ("fault", "sent"),
        [
            ("reset_before", 0),
            ("hang_before", 0),
            ("reset_after", 1),
            ("hang_after", 1),
            ("cut_headers", 1),
            ("cut_body", 1),
            ("garbage", 1),
            ("html", 1),
            ("redirect", 1),
        ],
    )
    def test_no_answer(self, sandbox: Sandbox, fault: str, sent: int) -> None:
        sandbox.fault(fault, "sendQuickViberMessage", delay_s=0.2)
        with pytest.raises((OSError, http.client.HTTPException, ValueError)):
            self.send(sandbox)
        assert len(sandbox.ledger()) == sent

    def test_slow(self, sandbox: Sandbox) -> None:
        sandbox.fault("slow", "any", delay_s=0.3)
        started = time.monotonic()
        assert self.send(sandbox)[0] == 200
        assert time.monotonic() - started >= 0.3

    def test_retry_after(self, sandbox: Sandbox) -> None:
        sandbox.fault("too_many", retry_after="7")
        assert self.send(sandbox)[2]["Retry-After"] == "7"

    def test_chance_is_repeatable(self, sandbox: Sandbox) -> None:
        def pattern() -> list[int]:
            sandbox.clear_faults()
            sandbox.fault("refuse", times=None, probability=0.5, seed=7)
            return [self.send(sandbox)[0] for _ in range(12)]

        first = pattern()
        assert {200, 400} == set(first)
        assert pattern() == first

    def test_orders_that_cannot_be_met(self, sandbox: Sandbox) -> None:
        with pytest.raises(ValueError, match="No fault"):
            sandbox.fault("explode")
        with pytest.raises(ValueError, match="No method"):
            sandbox.fault("refuse", "sendFax")


class TestPeople:
    """What recipients do, over the control endpoint."""

    def test_reply_read_block(self, sandbox: Sandbox) -> None:
        sandbox.change(speed=0.001)
        phone = "375291111111"
        raw(sandbox, "/api/v2/sendQuickViberMessage", form=TestFaults.QUICK)
        assert sandbox.ledger()[0]["status"] == "NEW"
        sandbox.read(phone)
        assert sandbox.ledger()[0]["status"] == "READ"
        sandbox.reply(phone, "hello")
        assert sandbox.summary()["unmarked_replies"] == 1
        sandbox.block(phone)
        sandbox.change(speed=1000)
        raw(sandbox, "/api/v2/sendQuickViberMessage", form=TestFaults.QUICK)
        until = time.monotonic() + 5
        while sandbox.ledger()[1]["status"] != "BLOCKED":
            assert time.monotonic() < until
            time.sleep(0.02)
