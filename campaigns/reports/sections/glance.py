"""The section that answers the first questions in a line each, with links to the details. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Set
from typing import Final

from campaigns.ledger.states import OVER
from campaigns.reports.language import said
from campaigns.reports.markup import Markup, element, escaped, foreign, joined
from campaigns.reports.sections.failures import refusal_words
from campaigns.reports.sections.mailings import comparison, name_of, per_read_words
from campaigns.reports.sections.parts import View
from campaigns.reports.sections.times import busiest_words
from campaigns.settings.values import OF_ACCOUNT, OF_ALL, OF_TOPIC
from campaigns.statuses import meaning_of

#: Characters of a text that the first section shows.
_EXCERPT: Final = 100
_OPTED_OUT_ALL: Final = said("{people} opted out by a reply, and get no more messages.")
#: Who opted out, by what they opted out of.
_OPTED_OUT: Final = {
    (): _OPTED_OUT_ALL,
    (OF_ALL,): _OPTED_OUT_ALL,
    (OF_ACCOUNT,): said("{people} opted out by a reply, and get no more messages of this account."),
    (OF_TOPIC,): said("{people} opted out by a reply, and get no more messages about this topic."),
}
_OPTED_OUT_MIXED: Final = said("{people} opted out by a reply, not all of them of everything.")
Answer = tuple[str, str, Markup | None]


def glance(view: View, present: Set[str]) -> Markup | None:
    """The answers, if anything was sent or refused, with links to the sections that are `present`."""
    if not view.report.status.sent and not view.report.refusals:
        return None
    rows = [
        element("div", element("dt", _linked(view.language.say(question), name, present)), element("dd", answer))
        for question, name, answer in (_answers(view) if view.report.status.sent else _answers_of_unsent(view))
        if answer
    ]
    return view.section("glance", "At a glance", (element("dl", *rows, class_="answers"),))


def _linked(words: str, name: str, present: Set[str]) -> Markup | str:
    return element("a", words, href=f"#{name}") if name in present else words


def _answers(view: View) -> Iterator[Answer]:
    yield "Which text did better?", "mailings", _winner(view)
    yield "What did it cost?", "cost", _cost(view)
    yield "What did a read message cost?", "mailings", _per_read(view)
    yield "Why did messages fail?", "failures", _failed(view)
    yield "When do people read?", "hours", busiest_words(view)
    yield "Who must not be written to again?", "optouts", _opted_out(view)
    yield "What is still open?", "open", _open(view)
    yield "What was sent?", "sent", _sent(view)


def _answers_of_unsent(view: View) -> Iterator[Answer]:
    yield "What was sent?", "sent", view.language.mixed("Nothing: everything was refused.")
    yield "Why did messages fail?", "failures", _failed(view)
    yield "What is still open?", "open", _open(view)


def _winner(view: View) -> Markup | None:
    results = view.report.results
    if len(results.mailings) < 2:
        return None
    if not results.follows_reads:
        return view.language.mixed("Messages of this campaign are not followed until they are read.")
    if not results.comparisons:
        return view.language.mixed("Too little is delivered to compare.")
    next_best = comparison(view, max(results.comparisons, key=lambda one: one.other_share))
    caution = view.language.say("It is due to the texts only if recipients were divided at random.")
    return joined(next_best, " ", element("span", caution, class_="soft"))


def _cost(view: View) -> Markup | None:
    report, language = view.report, view.language
    if not report.status.costs:
        return language.mixed("The gateway has reported nothing yet.")
    if report.price.per_message is None:
        return language.moneys(report.status.costs)
    each = language.money(report.price.per_message, report.price.currency)
    return language.mixed("{amount}, {each} per message sent.", amount=language.moneys(report.status.costs), each=each)


def _per_read(view: View) -> Markup | None:
    priced = [mailing for mailing in view.report.results.mailings if mailing.costs_per_read]
    lines: list[object] = []
    for mailing in sorted(priced, key=lambda m: min(m.costs_per_read.values()))[:3]:
        lines += [", " if lines else None, name_of(view, mailing), ": ", per_read_words(view, mailing)]
    return joined(*lines) if lines else None


def _failed(view: View) -> Markup:
    report, language = view.report, view.language
    words: Counter[str] = Counter()
    for failure in (failure for mailing in report.results.mailings for failure in mailing.failures):
        words[failure.status] += failure.messages
    parts = [_undelivered(view, words)] if words else []
    if report.refusals:
        parts.append(_refused(view))
    return joined(*(part for one in parts for part in (one, " "))) if parts else language.mixed("No message failed.")


def _refused(view: View) -> Markup:
    """How much was refused; and why most of it was, if nothing was sent."""
    refusals, language = view.report.refusals, view.language
    # Of a list without recipients there are requests only.
    number = sum(refusal.messages for refusal in refusals)
    counted = language.counted(number, "message")
    if not number:
        counted = language.counted(sum(refusal.requests or 0 for refusal in refusals), "request")
    refused = language.mixed("{messages} refused before sending.", messages=counted)
    return refused if view.report.status.sent else joined(refused, " ", _reason(view))


def _reason(view: View) -> Markup:
    """Why most of the refused messages were."""
    refusals, language = view.report.refusals, view.language
    why = escaped(refusal_words(view, max(refusals, key=lambda refusal: refusal.messages), _EXCERPT))
    if len(refusals) > 1:
        return language.mixed("Most often because: {reason}", reason=why)
    return language.mixed("Reason: {reason}", reason=why)


def _undelivered(view: View, words: Counter[str]) -> Markup:
    ((most, _),) = words.most_common(1)
    return view.language.mixed(
        "{messages} ({part}), most of them {status}: {meaning}.",
        messages=view.language.counted(words.total(), "message"),
        part=view.language.share(words.total(), view.report.status.sent),
        status=most,
        meaning=said(meaning_of(most)),
    )


def _opted_out(view: View) -> Markup:
    number = view.report.results.opted_out
    if not number:
        return view.language.mixed("No one has opted out by a reply to this campaign.")
    people = view.language.counted(number, "person", "people")
    words = _OPTED_OUT.get(view.report.results.optout_scopes, _OPTED_OUT_MIXED)
    return view.language.mixed(words.template, people=people)


def _open(view: View) -> Markup:
    results, language = view.report.results, view.language
    number = sum(mailing.open for mailing in results.mailings)
    unread = sum(mailing.delivered - mailing.read for mailing in results.mailings)
    parts = [language.mixed("{messages} without an outcome.", messages=language.counted(number, "message"))]
    never = sum(mailing.never_known for mailing in results.mailings)
    if not number:
        parts = [] if never else [language.mixed("Nothing: every message has an outcome.")]
    if never:
        messages = language.counted(never, "message")
        parts.append(language.mixed("No final status came for {messages}; no longer polled.", messages=messages))
    if unread > 0 and results.follows_reads and view.report.status.state not in OVER:
        parts.append(language.mixed("{number} of the delivered ones may still be read.", number=unread))
    return joined(*(part for one in parts for part in (one, " ")))


def _sent(view: View) -> Markup:
    report, language = view.report, view.language
    mailings = [mailing for mailing in report.results.mailings if mailing.sent]
    sums = language.mixed(
        "{messages} of {mailings}.",
        messages=language.counted(report.status.sent, "message"),
        mailings=language.counted(len(mailings), "mailing"),
    )
    texts = [mailing for mailing in mailings if mailing.content.text][:3]
    lines = [
        joined(element("br"), name_of(view, mailing), ": ", foreign(mailing.content.text, _EXCERPT))
        for mailing in texts
    ]
    return joined(sums, *lines)
