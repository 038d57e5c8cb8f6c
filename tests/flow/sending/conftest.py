"""Stages with a frequency cap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.support.stage import Stage

MakeStage = Callable[..., Stage]


@pytest.fixture
def capped(make_stage: MakeStage) -> Stage:
    """At most one campaign message to a phone in seven days."""
    return make_stage(cap_messages=1)


def sent(stage: Stage) -> Counter[str]:
    return Counter(row["phone"] for row in stage.sandbox.ledger())
