"""The page over campaigns that really ran."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from time import perf_counter

import pytest

from campaigns.reporting import page, report_on
from tests.reporting.conftest import mailing, read, run_spring
from tests.support.html import Html
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage

SCRIPT = "<script>alert(1)</script>"


class TestNumbers:
    """A campaign that has a bit of everything, at its end."""

    @pytest.fixture
    def html(self, make_stage: Callable[..., Stage]) -> Html:
        stage = make_stage(poll_horizon_s=1.0, message_cost=Decimal("0.05"))
        return read(stage, run_spring(stage, max_cost="3"))

    def test_all(self, html: Html) -> None:
        funnel = html.sections["Funnel"]
        for step in ("Planned", "Sent", "Delivered", "Read", "Replied"):
            print(re.search(rf"{step}.{{60}}", funnel))
        print(funnel)
        print(html.tables)
        print(html.sections)
        assert 0
