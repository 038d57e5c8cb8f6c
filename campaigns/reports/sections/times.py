"""The sections about time: hours of the day, and statuses over time. Pure."""

from __future__ import annotations

from campaigns.evaluation import busiest
from campaigns.reports.drawing import hours, timeline
from campaigns.reports.markup import Markup, element, foreign
from campaigns.reports.sections.parts import NUMBER, TIME, WORD, Part, View
from campaigns.statuses import MEANINGS


def reading_hours(view: View) -> Markup | None:
    """At what time of day people read, if enough did to say so."""
    words = busiest_words(view)
    if words is None:
        return None
    chart = hours(view.report.results.read_hours, view.language)
    return view.section("hours", "When people read", (element("p", words, class_="lead"), chart))


def busiest_words(view: View) -> Markup | None:
    """The hour in which most was read; None if too little was."""
    results, language = view.report.results, view.language
    if (found := busiest(results.read_hours)) is None:
        return None
    hour, number = found
    return language.mixed(
        "The busiest hour is {start} to {end} ({part} of all reads), by the clocks of {zone}.",
        start=f"{hour:02d}:00",
        end=f"{(hour + 1) % 24:02d}:00",
        part=language.share(number, sum(results.read_hours)),
        zone=results.zone,
    )


def over_time(view: View) -> Markup | None:
    """When messages reached their statuses."""
    report, language = view.report, view.language
    if not report.words and not report.unreported:
        return None
    adrift = view.sentence(
        "Single messages and counters differ by {number}: the campaign changed while it was read, or an earlier "
        "version erased people.",
        "soft",
        number=report.adrift,
    )
    about = view.sentence("Each message at the time at which it reached its present status.", "lead soft")
    chart = timeline(report.chart, report.zone, language) if report.chart else None
    return view.section(
        "times", "Deliveries over time", (about, chart), (*_statuses(view), adrift if report.adrift else None)
    )


def _statuses(view: View) -> Part:
    report, language = view.report, view.language
    sent = report.status.sent
    rows: list[list[object]] = [
        [
            foreign(word or language.say("(no word)"), 40),
            language.counted(span.number),
            language.share(span.number, sent),
            language.moment(span.first_ms or 0, report.zone),
            language.moment(span.last_ms or 0, report.zone),
        ]
        for word, span in report.words
    ]
    if report.unreported:
        unreported = report.unreported
        rows.append(
            [language.say("no status yet"), language.counted(unreported), language.share(unreported, sent), "", ""]
        )
    meanings = [f"{word}: {language.say(MEANINGS[word])}" for word, _ in report.words if word in MEANINGS]
    columns = (("Status", WORD), ("Messages", NUMBER), ("Of sent", NUMBER), ("First", TIME), ("Last", TIME))
    explained = element("p", "; ".join(meanings) + ".", class_="soft") if meanings else None
    return view.heading("By status"), view.table(columns, rows), explained
