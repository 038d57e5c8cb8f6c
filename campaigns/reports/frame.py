"""The head of the page, its alerts and its foot. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from campaigns.campaign_filters import state_words
from campaigns.ledger.states import OVER
from campaigns.reports.language import Reason
from campaigns.reports.markup import Markup, element, escaped, foreign, joined
from campaigns.reports.sections.parts import View
from campaigns.text.wording import zone_name

_TONES: Final = {
    "finished": "good",
    "invalid": "bad",
    "abandoned": "bad",
    "paused": "warn",
    "draft": "warn",
    "cancelled": "warn",
}


def top(view: View) -> Markup:
    """The name, the state and the facts of a campaign."""
    status, language, zone = view.report.status, view.language, view.report.zone
    tone = f"state {_tone(view)}".strip()
    facts = [
        element("div", element("dt", language.say(name)), element("dd", value)) for name, value in _facts(view).items()
    ]
    return element(
        "header",
        element("h1", foreign(status.name) if status.name else language.say("Campaign without a name")),
        element("p", element("span", view.state, class_=tone)),
        element("dl", *facts, class_="facts"),
        view.sentence("All times are in {zone}.", "soft", zone=zone_name(view.report.made_ms, zone)),
    )


def _tone(view: View) -> str:
    """Good only if no recipient was refused or is held."""
    status = view.report.status
    if status.state == "finished" and (refused := state_words(status)) != status.state:
        return "warn" if status.sent or "held" in refused else "bad"
    return _TONES.get(status.state, "")


def _facts(view: View) -> dict[str, object]:
    report, language = view.report, view.language
    status, ended = report.status, _ended(view)
    kind = joined(foreign(status.kind or "–", 40), ", ", language.counted(status.batches, "request"))
    return {
        "Campaign": element("code", status.id),
        "Kind": kind,
        "Account": foreign(status.account or "–"),
        "Handed in": _moment(view, status.created_at),
        **_schedule(view),
        **({"Goes out from": language.filled(report.window)} if report.window is not None else {}),
        "Ended": _moment(view, ended) if ended else language.say("not yet"),
        "Report made": language.moment(report.made_ms, report.zone),
    }


def _schedule(view: View) -> dict[str, object]:
    """The first and the last time for which mailings are scheduled, if there are any."""
    times = view.report.status.scheduled_at
    if not times:
        return {}
    first, last = _moment(view, times[0]), _moment(view, times[-1])
    if first == last:
        return {"Scheduled for": first}
    return {"Scheduled for": view.language.mixed("{first} to {last}", first=first, last=last)}


def _moment(view: View, at: datetime) -> Markup:
    return view.language.moment(round(at.timestamp() * 1000), view.report.zone)


def alerts(view: View) -> Iterator[Markup]:
    """What a reader must not overlook."""
    status, language = view.report.status, view.language
    if status.double_sends:
        yield _alert(
            "bad",
            language.mixed("{messages} went out twice", messages=_messages(view, status.double_sends)),
            language.mixed(
                "A request in doubt was sent again, and the first one had arrived after all. What it cost is below."
            ),
        )
    if not status.balanced:
        yield _alert(
            "bad",
            language.mixed("The recipients of this campaign do not add up"),
            language.mixed(
                "Some recipients are in no class, or in two. See the classes below, and report it to your operators."
            ),
        )
    yield from _mistakes(view)
    yield from _waiting(view)


def _mistakes(view: View) -> Iterator[Markup]:
    report, language = view.report, view.language
    if not report.mistakes:
        return
    lines = [element("li", foreign(line)) for line in report.mistakes]
    if report.more_mistakes:
        lines.append(element("li", language.mixed("and {number} more", number=report.more_mistakes)))
    yield _alert("bad", language.mixed("The job breaks rules, and nothing was sent"), joined(*lines), "ul")


def _waiting(view: View) -> Iterator[Markup]:
    status, language = view.report.status, view.language
    if held := status.recipients.get("held"):
        yield _alert(
            "warn",
            language.mixed("{messages} held until a person decides", messages=_messages(view, held)),
            language.mixed("Whether these requests count as sent is open. See below what is known and what to do."),
        )
    if status.out_of_reach and status.out_of_reach_until is not None:
        until = _moment(view, status.out_of_reach_until)
        yield _alert(
            "warn",
            language.mixed(
                "{messages} out of reach until {until}", messages=_messages(view, status.out_of_reach), until=until
            ),
            language.mixed(
                "They are scheduled at the gateway, which takes nothing back: neither pause nor cancel stops them."
            ),
        )
    if status.account_paused_until is not None:
        until = _moment(view, status.account_paused_until)
        reason = Reason(status.account_pause_reason)
        why = language.mixed("Until {until}, because: {reason}", until=until, reason=reason)
        yield _alert("warn", language.mixed("The account is paused"), why)


def _messages(view: View, number: int) -> Markup:
    return view.language.counted(number, "message")


def _alert(tone: str, title: Markup, content: Markup, kind: str = "p") -> Markup:
    return element("div", element("strong", title), element(kind, content), class_=f"alert {tone}", role="note")


def _ended(view: View) -> datetime | None:
    """When it ended; None if a person opened it again since."""
    status = view.report.status
    return status.ended_at if status.state in OVER else None


def foot(view: View) -> Markup:
    """What it was, how long it took and what it cost, in a line."""
    status, language, ended = view.report.status, view.language, _ended(view)
    parts: list[object] = [language.mixed("Campaign {id}, {state}.", id=escaped(status.id), state=escaped(view.state))]
    if seconds := round((ended - status.created_at).total_seconds()) if ended else 0:
        lasted = language.length(seconds if seconds < 120 else seconds - seconds % 60)
        parts += [" ", language.mixed("It took {length}.", length=lasted)]
    if status.costs:
        parts += [" ", language.mixed("Cost so far {amount}.", amount=language.moneys(status.costs))]
    return element("footer", element("p", *parts))
