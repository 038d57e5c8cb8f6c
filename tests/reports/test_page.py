"""The page over campaigns that really ran."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from campaigns.campaign import Campaign
from campaigns.reports import page, report_on
from campaigns.submission import submit
from tests.reports.conftest import BLOCKED, UNDELIVERED, mailing, read, run_spring, spring
from tests.support.html import Html
from tests.support.jobs import bulk_job, phones, quick_job
from tests.support.stage import Stage

SCRIPT = "<script>alert(1)</script>"
EXCLUDED = ("excluded: invalid", "excluded: handed in more than once", "excluded: opted out")


def classes(html: Html) -> dict[str, int]:
    """The classes that are not empty. The last row is what they add up to."""
    (_, (total,)), *rows = reversed(html.numbers("Every recipient").items())
    found = {name: int(number) for name, (number,) in rows if number.isdecimal()}
    assert sum(found.values()) == int(total)
    assert "✓ The recipients add up." in html.sections["Every recipient"]
    return {name: number for name, number in found.items() if number}


class TestNumbers:
    """A campaign that has a bit of everything, at its end."""

    @pytest.fixture
    def html(self, make_stage: Callable[..., Stage]) -> Html:
        stage = make_stage(poll_horizon_s=1.0, message_cost=Decimal("0.05"))
        return read(stage, run_spring(stage, max_cost="3"))

    def test_everything_is_told(self, html: Html) -> None:
        """One test, since the campaign takes a second."""
        funnel = html.sections["Funnel"]
        assert "Planned – handed in, without the excluded 9" in funnel
        assert "Sent – the gateway has accepted them 9 100.0%" in funnel
        assert "Delivered – on the phone, read or not (66.7% of sent) 6 66.7%" in funnel
        assert "Read – opened (83.3% of delivered) 5 55.6%" in funnel
        assert "Replied – people who answered (40.0% of read) 2 22.2%" in funnel
        assert classes(html) == {**dict.fromkeys(EXCLUDED, 1), "sent, final": 9}
        assert "Together, as many as were handed in12" in html.sections["Every recipient"]
        statuses = {word: cells[0] for word, cells in html.numbers("Deliveries over time").items()}
        del statuses["Status"]
        assert statuses == {"READ": "5", "DELIVERED": "1", "UNDELIVERED": "1", "BLOCKED": "1", "UNKNOWN_FINAL": "1"}
        failures = {word: cells[1] for word, cells in html.numbers("Failures by reason").items()}
        assert failures == {"Status": "Messages", "UNDELIVERED": "1", "BLOCKED": "1"}
        assert "the person has blocked the sender in Viber" in html.sections["Failures by reason"]
        assert html.numbers("Open, unknown or held")["Outcome never known"][0] == "1"
        cost = html.numbers("Cost")
        assert cost["As the gateway reports so far"] == ["0.441 EUR"]
        assert cost["Per message sent"] == ["0.049 EUR"]
        assert cost["Expected for 9 messages"] == ["0.45 EUR"]
        assert cost["Limit of the job (max_cost)"] == ["3"]
        self.answers(html)
        assert [row[1:] for row in html.tables["Replies"][1:]].count(["37529*****10", "Yes"]) == 1
        assert "3 replies from 2 people" in html.sections["Replies"]
        assert "Весенняя распродажа" in html.texts["h1"]
        assert html.texts["title"] == "Весенняя распродажа: campaign report"
        assert not any(phone in html.text for phone in phones(3))

    def answers(self, html: Html) -> None:
        """The first section answers a manager's questions, and each answer leads to its details."""
        glance = html.sections["At a glance"]
        assert "Which text did better?“Минск” was read by 100.0% of those who got it, “Гомель” by 66.7%." in glance
        assert "What did it cost?0.441 EUR, 0.049 EUR per message sent." in glance
        assert "What did a read message cost?Минск: 0.0817 EUR, Гомель: 0.098 EUR" in glance
        assert "Why did messages fail?2 messages (22.2%), most of them" in glance
        # Five people are too few to say when people read.
        assert "When" not in glance
        assert "Who must not be written to again?No one has opted out by a reply" in glance
        assert "What is still open?No final status came for 1 message; no longer polled." in glance
        assert "What was sent?9 messages of 2 mailings.Минск: СкидкиГомель: Скидки" in glance
        ids = {attributes["id"] for tag, attributes in html.tags if tag == "section"}
        assert {f"#{name}" for name in ids} >= {a["href"] for tag, a in html.tags if tag == "a"} != set()
        assert html.numbers("What was sent")["Минск"] == ["Скидки", "", ""]
        assert html.numbers("By mailing")["Гомель"][:2] == ["4", "375.0%"]

    def test_nothing_is_loaded(self, html: Html) -> None:
        assert html.loads() == []
        assert {"script", "link", "img", "iframe", "object", "base", "form"}.isdisjoint(tag for tag, _ in html.tags)
        style = html.texts["style"]
        assert not any(word in style for word in ("url(", "@import", "@font-face", "http"))
        assert not any(name.startswith("on") for _, attributes in html.tags for name in attributes)
        policy = next(a for _, a in html.tags if a.get("http-equiv") == "Content-Security-Policy")
        assert str(policy["content"]).startswith("default-src 'none'; style-src 'sha256-")


def test_paper_and_darkness(stage: Stage) -> None:
    html = read(stage, stage.enqueue(bulk_job(phones(1))))
    assert "@media print" in html.texts["style"]
    assert "@media screen and (prefers-color-scheme: dark)" in html.texts["style"]
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in html.tags
    assert html.tags[0] == ("html", {"lang": "en"})


class TestTrouble:
    """What is open, and why."""

    def test_held(self, stage: Stage) -> None:
        stage.sandbox.fault("reset_before", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.finish(campaign)
        html = read(stage, campaign)
        assert "3 messages held until a person decides" in html.text
        number, why = html.numbers("Open, unknown or held")["Held"]
        assert number == "3"
        assert f"campaigns resolve {campaign.id} sent|resend|write-off --why REASON" in why
        assert html.numbers("Open, unknown or held")[f"{campaign.id}-0"][0] == "3"
        assert classes(html) == {"held: a person must decide": 3}
        assert "Cost" not in html.sections

    def test_refused_in_words_that_hold_a_phone_and_markup(self, stage: Stage) -> None:
        stage.sandbox.fault("refuse", "sendBulkViber", text=f"375291000000 не зарегистрирован {SCRIPT}")
        campaign = stage.enqueue(bulk_job(phones(3)))
        stage.finish(campaign)
        html = read(stage, campaign)
        words = f"37529*****00 не зарегистрирован {SCRIPT}"
        refused = html.numbers("Failures by reason")
        assert [cells for row, cells in refused.items() if words in row] == [["1 request", "3"]]
        assert f"campaigns retry {campaign.id} --why REASON" in html.sections["Failures by reason"]
        assert classes(html) == {"refused, not sent": 3}
        assert "script" not in {tag for tag, _ in html.tags}

    def test_failures_with_the_gateways_codes(self, stage: Stage) -> None:
        """Single messages are asked for one by one, and come with a code."""
        campaign = stage.enqueue(quick_job(BLOCKED, UNDELIVERED, *phones(1)))
        stage.finish(campaign)
        failures = read(stage, campaign).numbers("Failures by reason")
        assert failures["BLOCKED"][:3] == ["3", "1", "33.3%"]
        assert failures["UNDELIVERED"][:3] == ["1", "1", "33.3%"]

    def test_an_account_at_rest(self, stage: Stage) -> None:
        stage.sandbox.fault("no_money", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(2)))
        stage.step()
        html = read(stage, campaign)
        assert "The account is paused" in html.text
        number, why = html.numbers("Open, unknown or held")["Account paused"]
        assert number == "2"
        assert "Insufficient funds" in why
        assert why.endswith("campaigns resume-account default")
        assert classes(html) == {"waiting to be sent": 2}

    def test_in_doubt(self, stage: Stage) -> None:
        stage.sandbox.fault("reset_before", "sendBulkViber")
        campaign = stage.enqueue(bulk_job(phones(2)))
        stage.step()
        html = read(stage, campaign)
        assert html.numbers("Open, unknown or held")["In doubt"][0] == "2"
        assert classes(html) == {"in doubt: evidence is sought": 2}

    @pytest.mark.parametrize("state", ["paused", "cancelled"])
    def test_not_sent(self, stage: Stage, state: str) -> None:
        campaign = stage.enqueue(bulk_job(phones(2)))
        (campaign.pause if state == "paused" else campaign.cancel)()
        html = read(stage, campaign)
        assert state in html.text
        assert classes(html) == {"waiting to be sent" if state == "paused" else "cancelled before it was sent": 2}


class TestStrangeCampaigns:
    """Every campaign has a page."""

    def test_markup_in_names_stays_text(self, stage: Stage) -> None:
        job = {"name": SCRIPT, "messages": [mailing(f'"><img src=x onerror=alert(1)>{SCRIPT}', phones(1))]}
        campaign = stage.enqueue(job)
        text = page(report_on(stage.services, campaign.id))
        html = Html(text)
        assert html.texts["h1"] == SCRIPT
        assert html.texts["title"] == f"{SCRIPT}: campaign report"
        assert "<script" not in text
        assert "<img" not in text

    def test_nobody_was_left(self, stage: Stage) -> None:
        campaign = stage.enqueue(bulk_job(["nobody"]))
        html = read(stage, campaign)
        assert html.sections["Funnel"] == "Every recipient was excluded."
        assert classes(html) == {"excluded: invalid": 1}

    def test_invalid(self, stage: Stage) -> None:
        """A job that another service submitted, and that breaks rules."""
        html = self.submitted(stage, {"kind": "bulk", "name": "Осень", SCRIPT: 1})
        assert html.texts["h1"] == "Осень"
        assert "The job breaks rules, and nothing was sent" in html.text
        assert f"{SCRIPT}: unknown field." in html.text
        assert html.sections["Funnel"] == "No recipients were handed in."

    @pytest.mark.parametrize("job", [{}, [], "x", {"kind": {"a": 1}, "name": ["x"], "account": 7}])
    def test_no_job_at_all(self, stage: Stage, job: Any) -> None:
        assert "The job breaks rules, and nothing was sent" in self.submitted(stage, job).text

    def test_mistakes_without_end(self, stage: Stage) -> None:
        html = self.submitted(stage, {"messages": [{}] * 150})
        assert len([tag for tag, _ in html.tags if tag == "li"]) == 101
        assert "and 500 more" in html.text

    def submitted(self, stage: Stage, job: Any) -> Html:
        campaign_id = submit(stage.services, job, key="k", strict=False, message_id="m")
        return read(stage, Campaign.of(stage.services, campaign_id))


class TestContents:
    """What was sent."""

    def test_templates_pictures_and_schedules(self, stage: Stage) -> None:
        when = datetime.now(UTC) + timedelta(days=3)
        filled = {**mailing("Filled", [{"phone": phones(1)[0], "values": {"name": "Ann"}}], "Hello {name}")}
        own = {**mailing("Own", [{"phone": phones(1)[0], "text": "Yours"}]), "message_type": "personal"}
        own["content"] = {"type": "text"}
        filled |= {"message_type": "personal", "schedule_time": when.isoformat()}
        html = read(stage, stage.enqueue({"messages": [filled, own]}))
        rows = html.numbers("What was sent")
        (name,) = (name for name in rows if name.startswith("Filledfor "))
        assert rows[name][0] == "Hello {name}a template"
        assert rows["Own"][0] == "Each recipient has a text of their own."

    def test_a_picture_of_the_jobs_own(self, stage: Stage) -> None:
        job = quick_job(*phones(1), type_message="IMAGE", image=b"\x89PNG\r\n\x1a\n" + bytes(30), name="Pictures")
        del job["message"]
        assert read(stage, stage.enqueue(job)).numbers("What was sent")["Pictures"] == ["", "a file", ""]

    def test_the_window_in_the_language_of_the_page(self, stage: Stage) -> None:
        window = {"send_between": ["09:00", "20:00"], "send_on": ["sat"], "send_zone": "Asia/Tokyo"}
        report = report_on(stage.services, stage.enqueue({**spring(), **window}).id)
        assert "Goes out from09:00 to 20:00 on sat in Asia/Tokyo" in Html(page(report)).text
        assert "Время отправкис 09:00 до 20:00, сб, Asia/Tokyo" in Html(page(report, "ru")).text
