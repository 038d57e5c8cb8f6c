"""For pytest: `pytest_plugins = ["campaigns.testing.plugin"]` in your topmost conftest.py.

    def test_the_customer_is_told(campaigns_here: Here) -> None:
        my_application.ship(order)
        campaigns_here.finish()
        assert campaigns_here.sandbox.ledger()[0]["text"] == "Your parcel is on its way"

For other settings, override the fixture `campaigns_settings` beside your tests: what it returns goes to
`campaigns.testing.running`, as in `return {"optout_words": "STOP", "accounts": ["default", "shop"]}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from campaigns.testing import Here, running


@pytest.fixture
def campaigns_settings() -> dict[str, Any]:
    """The arguments of `running`. Override it for other settings."""
    return {}


@pytest.fixture
def campaigns_here(campaigns_settings: dict[str, Any]) -> Iterator[Here]:
    """A store and a sandbox, for one test."""
    with running(**campaigns_settings) as here:
        yield here
