"""Stages of accounts that have a daily budget."""

from __future__ import annotations

import pytest

from campaigns.sandbox.server import Sandbox
from campaigns.settings import Settings
from tests.support.budgets import Make, maker


@pytest.fixture
def make(settings: Settings, sandbox: Sandbox, prefix: str) -> Make:
    """What makes stages of one store with budgets of their own, whose clock a test moves."""
    return maker(settings, sandbox, prefix)
