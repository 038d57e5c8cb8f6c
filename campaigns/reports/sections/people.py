"""The sections about people: who must not be written to again, who was excluded, who replied. Pure."""

from __future__ import annotations

from typing import Final

from campaigns.reports.language import said
from campaigns.reports.markup import Markup, element, foreign
from campaigns.reports.sections.mailings import MOST, name_of
from campaigns.reports.sections.parts import NUMBER, TEXT, TIME, View, command, commanded
from campaigns.settings.values import OF_ACCOUNT, OF_ALL, OF_TOPIC
from campaigns.text.wording import masked

_LONGEST_REPLY: Final = 300
_FOLLOWS_ALL: Final = said(
    "{people} opted out by a reply to this campaign. They are on the suppression list, and every later campaign "
    "excludes them by itself."
)
#: What follows from opt-outs, by what people opted out of.
_FOLLOWS: Final = {
    (): _FOLLOWS_ALL,
    (OF_ALL,): _FOLLOWS_ALL,
    (OF_ACCOUNT,): said(
        "{people} opted out of this account by a reply to this campaign, and its later campaigns exclude them."
    ),
    (OF_TOPIC,): said(
        "{people} opted out of this topic by a reply to this campaign, and later campaigns about it exclude them."
    ),
}
_FOLLOWS_MIXED: Final = said(
    "{people} opted out by a reply to this campaign, some of them only of this account or topic."
)


def opt_outs(view: View) -> Markup | None:
    """Who must not be written to again."""
    results = view.report.results
    if not view.report.status.sent:
        return None
    if not results.opted_out:
        nobody = view.sentence("No one has opted out by a reply to this campaign.")
        return view.section("optouts", "Not to be written to again", (nobody,))
    rows = [
        [
            name_of(view, mailing),
            view.language.counted(mailing.opted_out),
            view.language.share(mailing.opted_out, mailing.sent),
        ]
        for mailing in results.mailings[:MOST]
        if mailing.opted_out
    ]
    listed = commanded(
        view.language.mixed("Their phones:"), f"campaigns optouts list --campaign {view.report.status.id}"
    )
    columns = (("Mailing", TEXT), ("Opted out", NUMBER), ("Of sent", NUMBER))
    table = view.table(columns, rows, stack=False)
    return view.section("optouts", "Not to be written to again", (opt_out_words(view), table, listed))


def opt_out_words(view: View) -> Markup:
    """How many people opted out, of what, and what follows from it."""
    results = view.report.results
    people = view.language.counted(results.opted_out, "person", "people")
    return view.sentence(_FOLLOWS.get(results.optout_scopes, _FOLLOWS_MIXED).template, "lead", people=people)


def excluded(view: View) -> Markup | None:
    """Who was not messaged, and why."""
    report, language = view.report, view.language
    if not report.excluded:
        return None
    total = report.status.total
    rows = [
        [language.say(reason), language.counted(number), language.share(number, total)]
        for reason, number in report.excluded
    ]
    columns = (("Reason", TEXT), ("Recipients", NUMBER), ("Of handed in", NUMBER))
    listed = element(
        "p", language.say("Each with place and phone:"), " ", command(f"campaigns excluded {report.status.id}")
    )
    return view.section("excluded", "Excluded, not messaged", (view.table(columns, rows, stack=False), listed))


def replies(view: View) -> Markup | None:
    """The newest replies."""
    report, language = view.report, view.language
    status = report.status
    if not status.replies:
        return None
    rows = [
        [
            language.moment(reply.received_ms, report.zone)
            if reply.received_ms is not None
            else language.say("unknown"),
            element("code", masked(reply.phone)),
            foreign(reply.message, _LONGEST_REPLY),
        ]
        for reply in report.replies
    ]
    newest = "{replies} from {people}, the newest {number} of them:" if status.replies > len(rows) else ""
    about = view.sentence(
        newest or "{replies} from {people}:",
        "lead",
        replies=language.counted(status.replies, "reply", "replies"),
        people=language.counted(report.results.replied, "person", "people"),
        number=len(rows),
    )
    columns = (("Received", TIME), ("Phone", TEXT), ("Message", TEXT))
    return view.section("replies", "Replies", (about, view.table(columns, rows)))
