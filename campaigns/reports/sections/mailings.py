"""The sections about mailings: what was sent, and what became of it, side by side. Pure."""

from __future__ import annotations

from typing import Final

from campaigns.evaluation import Comparison, MailingResults
from campaigns.evaluation.words import ALONE, AT_RANDOM, BEYOND, MAYBE, OPEN_YET, TOGETHER
from campaigns.reports.language import said
from campaigns.reports.markup import Markup, element, foreign, joined
from campaigns.reports.sections.parts import NUMBER, TEXT, View, command

#: Mailings and comparisons that the page shows; the CSV has all.
MOST: Final = 20
_LONGEST_TEXT: Final = 400


def name_of(view: View, mailing: MailingResults) -> Markup:
    """The name of a mailing; of one without a name, that of its campaign or a word for it."""
    return foreign(mailing.name or view.report.status.name or view.language.say("Mailing"), 80)


def mailings(view: View) -> Markup | None:
    """What became of each mailing, and whether the difference means anything."""
    results, language = view.report.results, view.language
    if not view.report.status.sent:
        return None
    shown = results.mailings[:MOST]
    lines = [comparison(view, one) for one in results.comparisons[:MOST]]
    notes: list[Markup | None] = [element("p", line, class_="lead") for line in lines]
    if lines and any(mailing.open for mailing in results.mailings):
        notes.append(view.sentence(OPEN_YET, "soft"))
    notes.append(view.sentence(AT_RANDOM, "soft") if lines else None)
    if more := len(results.mailings) - len(shown):
        all_of_them = command(f"campaigns results {results.campaign} --csv")
        notes.append(element("p", language.mixed("and {number} more, all in: ", number=more), all_of_them))
    about = (
        "Shares: delivered and failed of sent, read of delivered. Replied and opted out: people, each once per mailing."
    )
    table = _table(view, shown), view.sentence(about, "soft")
    # A heading never stands alone at the end of a page of paper.
    return view.section("mailings", "By mailing", *([tuple(notes), table] if any(notes) else [table]))


def _table(view: View, shown: tuple[MailingResults, ...]) -> Markup:
    columns = (
        ("Mailing", TEXT), ("Sent", NUMBER), ("Delivered", NUMBER), ("Read", NUMBER), ("Replied", NUMBER),
        ("Opted out", NUMBER), ("Failed", NUMBER), ("Cost", NUMBER),
    )  # fmt: skip
    return element("div", view.table(columns, [_row(view, mailing) for mailing in shown]), class_="dense")


def _row(view: View, mailing: MailingResults) -> list[object]:
    language = view.language
    is_open = language.mixed("{number} open", number=mailing.open) if mailing.open else None
    per_read = per_read_words(view, mailing)
    return [
        name_of(view, mailing),
        _two_lines(language.counted(mailing.sent), is_open),
        _with_share(view, mailing.delivered, mailing.sent),
        _with_share(view, mailing.read, mailing.delivered),
        language.counted(mailing.replied),
        language.counted(mailing.opted_out),
        _with_share(view, mailing.failed, mailing.sent),
        _two_lines(
            language.moneys(mailing.costs) or "–",
            language.mixed("{amount} per read", amount=per_read) if per_read else None,
        ),
    ]


def per_read_words(view: View, mailing: MailingResults) -> Markup:
    """What a read message cost, to four decimals; empty while that is not known."""
    return view.language.moneys({currency: round(amount, 4) for currency, amount in mailing.costs_per_read.items()})


def _two_lines(first: object, second: Markup | None) -> Markup:
    return joined(first, *([element("br"), element("span", second, class_="soft")] if second else []))


def _with_share(view: View, part: int, whole: int) -> Markup:
    return _two_lines(view.language.counted(part), view.language.share(part, whole) if whole else None)


def comparison(view: View, one: Comparison) -> Markup:
    """One comparison as a sentence."""
    results, language = view.report.results, view.language
    return language.mixed(
        BEYOND if one.beyond_chance else MAYBE,
        best=name_of(view, results.mailings[one.best]),
        other=name_of(view, results.mailings[one.other]),
        best_share=language.percent(one.best_share),
        other_share=language.percent(one.other_share),
        interval=said(ALONE if len(results.comparisons) == 1 else TOGETHER),
        low=language.decimal(100 * one.low),
        high=language.decimal(100 * one.high),
    )


def contents(view: View) -> Markup | None:
    """What was sent."""
    results = view.report.results
    if not view.report.status.total:
        return None
    rows = [
        [_two_lines(name_of(view, mailing), _schedule(view, mailing)), *_content(view, mailing)]
        for mailing in results.mailings[:MOST]
    ]
    columns = (("Mailing", TEXT), ("Text", TEXT), ("Picture", TEXT), ("Button", TEXT))
    return view.section("sent", "What was sent", (view.table(columns, rows),))


def _schedule(view: View, mailing: MailingResults) -> Markup | None:
    """For when a mailing is scheduled, if it is."""
    if not mailing.scheduled_ms:
        return None
    moment = view.language.moment(mailing.scheduled_ms[0], view.report.zone)
    return view.language.mixed("for {moment}", moment=moment)


def _content(view: View, mailing: MailingResults) -> list[object]:
    content, language = mailing.content, view.language
    text: object = foreign(content.text, _LONGEST_TEXT) if content.text else ""
    if not content.text and content.message_type == "personal":
        text = language.say("Each recipient has a text of their own.")
    elif content.text and content.message_type == "personal":
        text = joined(text, element("br"), element("span", language.say("a template"), class_="soft"))
    picture = language.say("a file") if content.image == "file" else foreign(content.image, 120)
    button = joined(foreign(content.button, 120), element("br"), foreign(content.link, 120)) if content.button else ""
    return [text, picture if content.image else "", button]
