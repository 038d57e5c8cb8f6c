"""The section about failures. Pure."""

from __future__ import annotations

from campaigns.reports.figures import Refusal
from campaigns.reports.language import Reason
from campaigns.reports.markup import Markup, element, foreign
from campaigns.reports.sections.parts import NUMBER, TEXT, WORD, Part, View, command
from campaigns.statuses import meaning_of


def failures(view: View) -> Markup | None:
    """What failed, and why."""
    report = view.report
    parts = [part for part in (_undelivered(view), _refusals(view)) if part]
    if parts:
        return view.section("failures", "Failures by reason", *parts)
    if not report.status.sent:
        return None
    return view.section("failures", "Failures by reason", (view.sentence("None."),))


def _undelivered(view: View) -> Part:
    report, language = view.report, view.language
    if not report.failures:
        return ()
    rows = [
        [
            foreign(word, 40),
            str(code) if code else "–",
            language.counted(number),
            language.share(number, report.status.sent),
            language.say(meaning_of(word)),
        ]
        for word, code, number in report.failures
    ]
    columns = (
        ("Status", WORD), ("Error code", NUMBER), ("Messages", NUMBER), ("Of sent", NUMBER), ("What it means", TEXT),
    )  # fmt: skip
    return view.heading("Sent, and not delivered"), view.table(columns, rows)


def refusal_words(view: View, refusal: Refusal, most: int = 500) -> Markup | str:
    """Why messages were refused: our reason in the language of the page, or another's words, at most `most` letters."""
    if isinstance(refusal.words, Reason):
        return view.language.reason(refusal.words)
    return foreign(refusal.words, most) if refusal.words else view.language.say("no reason was given")


def _refusals(view: View) -> Part:
    report, language = view.report, view.language
    if not report.refusals:
        return ()
    rows = [
        [
            refusal_words(view, refusal),
            language.say("mailing") if refusal.requests is None else language.counted(refusal.requests, "request"),
            language.counted(refusal.messages),
        ]
        for refusal in report.refusals
    ]
    columns = (("Why", TEXT), ("What", WORD), ("Messages", NUMBER))
    again = None
    if any(refusal.requests for refusal in report.refusals):
        retry = command(f"campaigns retry {report.status.id} --why REASON")
        fixed = language.say("Once the reason is fixed, whole requests can be sent again:")
        again = element("p", fixed, " ", retry)
    return view.heading("Refused, and certainly not sent"), view.table(columns, rows), again
