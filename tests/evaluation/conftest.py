"""Campaigns of several mailings that are over soon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from campaigns.sandbox.options import Options
from campaigns.sandbox.server import Sandbox
from tests.support.stage import Stage


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Delivery life a thousand times as fast."""
    with Sandbox(options=Options(speed=1000)) as sandbox:
        yield sandbox


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage(optout_words=frozenset({"STOP"}), recipients_per_request=4, poll_horizon_s=1.0)


def mailing(name: str, recipients: list[str], **content: str) -> dict[str, Any]:
    kind = {"type": "text", "text": f"Text {name}", **content}
    return {
        "name": name,
        "alphaname_id": 444,
        "message_type": "bulk",
        "content": kind,
        "delivery_list": recipients,
    }


def phone(number: int, fate: str = "0000") -> str:
    """A phone whose last four digits choose its fate: see campaigns/sandbox/fates.py."""
    return f"37529{number:03d}{fate}"
