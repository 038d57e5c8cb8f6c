"""A report as one self-contained HTML file: no scripts, no content from other places. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from campaigns.ledger.states import OVER
from campaigns.reports.figures import Report
from campaigns.reports.markup import Markup, element, foreign, joined
from campaigns.reports.sections import SECTIONS
from campaigns.text.wording import counted, length, moment, moneys, zone_name

_TONES: Final = {
    "finished": "good",
    "invalid": "bad",
    "abandoned": "bad",
    "paused": "warn",
    "draft": "warn",
    "cancelled": "warn",
}


def page(report: Report) -> str:
    """The whole document."""
    status = report.status
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy()),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="robots", content="noindex"),
        element("title", f"{status.name or status.id}: campaign report"),
        element("style", _style()),
    )
    body = element(
        "body",
        element(
            "main",
            _top(report),
            *_alerts(report),
            *(section(report) for section in SECTIONS),
            _foot(report),
        ),
    )
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


@cache
def _style() -> Markup:
    return Markup(files("campaigns.reports").joinpath("page.css").read_text("utf-8"))


@cache
def _policy() -> str:
    digest = b64encode(sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _top(report: Report) -> Markup:
    status, zone, ended = report.status, report.zone, _ended(report)
    facts = {
        "Campaign": element("code", status.id),
        "Kind": joined(foreign(status.kind or "–", 40), f", {counted(status.batches, 'request')}"),
        "Account": foreign(status.account or "–"),
        "Handed in": moment(round(status.created_at.timestamp() * 1000), zone),
        **_schedule(report),
        **({"Goes out from": report.status.send_window} if report.status.send_window else {}),
        "Ended": moment(round(ended.timestamp() * 1000), zone) if ended else "not yet",
        "Report made": moment(report.made_ms, zone),
    }
    return element(
        "header",
        element("h1", foreign(status.name or "Campaign without a name")),
        element("p", element("span", status.state, class_=f"state {_TONES.get(status.state, '')}".strip())),
        element(
            "dl",
            *(element("div", element("dt", name), element("dd", value)) for name, value in facts.items()),
            class_="facts",
        ),
        element("p", f"All times are in {zone_name(report.made_ms, zone)}.", class_="soft"),
    )


def _schedule(report: Report) -> dict[str, str]:
    """The first and the last time for which mailings are scheduled, if there are any."""
    times = [moment(round(at.timestamp() * 1000), report.zone) for at in report.status.scheduled_at]
    return {"Scheduled for": " to ".join(dict.fromkeys((times[0], times[-1])))} if times else {}


def _alerts(report: Report) -> Iterable[Markup]:
    status = report.status
    if status.double_sends:
        yield _alert(
            "bad",
            f"{counted(status.double_sends, 'message')} went out twice",
            "A request in doubt was sent again, and the first one had arrived after all. What it cost is below.",
        )
    if not status.balanced:
        yield _alert(
            "bad",
            "The recipients of this campaign do not add up",
            "Some recipients are in no class, or in two. See the classes below, and report it to your operators.",
        )
    if report.mistakes:
        lines = [element("li", foreign(line)) for line in report.mistakes]
        if report.more_mistakes:
            lines.append(element("li", f"and {counted(report.more_mistakes)} more"))
        yield _alert("bad", "The job breaks rules, and nothing was sent", joined(*lines), "ul")
    if held := status.recipients.get("held"):
        yield _alert(
            "warn",
            f"{counted(held, 'message')} held until a person decides",
            "Whether these requests count as sent is open. See below what is known and what to do.",
        )
    if status.out_of_reach and status.out_of_reach_until is not None:
        until = moment(round(status.out_of_reach_until.timestamp() * 1000), report.zone)
        yield _alert(
            "warn",
            f"{counted(status.out_of_reach, 'message')} out of reach until {until}",
            "They are scheduled at the gateway, which takes nothing back: neither pause nor cancel stops them.",
        )
    if status.account_paused_until is not None:
        until = moment(round(status.account_paused_until.timestamp() * 1000), report.zone)
        why = joined(f"Until {until}, because: ", foreign(status.account_pause_reason))
        yield _alert("warn", "The account is paused", why)


def _ended(report: Report) -> datetime | None:
    """When it ended; None if a person opened it again since."""
    return report.status.ended_at if report.status.state in OVER else None


def _alert(tone: str, title: str, content: str | Markup, kind: str = "p") -> Markup:
    return element("div", element("strong", title), element(kind, content), class_=f"alert {tone}", role="note")


def _foot(report: Report) -> Markup:
    status, ended, lasted = report.status, _ended(report), ""
    seconds = round((ended - status.created_at).total_seconds()) if ended else 0
    if seconds:
        lasted = f" It took {length(seconds if seconds < 120 else seconds - seconds % 60)}."
    price = f" Cost so far {moneys(status.costs)}." if status.costs else ""
    return element("footer", element("p", f"Campaign {status.id}, {status.state}.{lasted}{price}"))
