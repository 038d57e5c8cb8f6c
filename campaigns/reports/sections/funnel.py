"""The sections that count every recipient. Pure."""

from __future__ import annotations

from campaigns.reports.drawing import meter
from campaigns.reports.markup import Markup, element
from campaigns.reports.sections.parts import NUMBER, View


def funnel(view: View) -> Markup | None:
    """How many messages reached each step."""
    report = view.report
    if not report.status.total:
        return view.section("funnel", "Funnel", (view.sentence("No recipients were handed in."),))
    if not report.funnel[0].number:
        return view.section("funnel", "Funnel", (view.sentence("Every recipient was excluded."),))
    steps = [_step(view, number) for number in range(len(report.funnel))]
    return view.section("funnel", "Funnel", (element("ol", *steps, class_="funnel"),))


def _step(view: View, number: int) -> Markup:
    language, steps = view.language, view.report.funnel
    step, before, planned = steps[number], steps[number - 1], steps[0].number
    about: list[object] = [" – ", language.say(step.about)]
    if number > 1 and before.number:
        share = language.share(step.number, before.number)
        about += [" (", language.mixed(f"{{share}} of {before.name.lower()}", share=share), ")"]
    name = element("span", language.say(step.name), element("span", *about, class_="soft"), class_="name")
    of_planned = [" ", language.share(step.number, planned)] if number else []
    value = element("span", element("b", language.counted(step.number)), *of_planned, class_="value")
    return element("li", name, " ", value, meter(step.number, planned))


def classes(view: View) -> Markup | None:
    """Every class of recipients, and whether they add up."""
    status, language = view.report.status, view.language
    if not status.total and status.balanced:
        return None
    body = [_class(view, *one) for one in view.report.classes]
    total = sum(number for _, number in view.report.classes)
    words = language.mixed("Together, but {number} were handed in", number=status.total)
    if total == status.total:
        words = language.mixed("Together, as many as were handed in")
    row = element("th", words, scope="row"), element("td", language.counted(total), class_=NUMBER)
    foot = element("tr", *row)
    head = element(
        "tr",
        element("th", language.say("Class"), scope="col"),
        element("th", language.say("Recipients"), scope="col", class_=NUMBER),
    )
    table = element("table", element("thead", head), element("tbody", *body), element("tfoot", foot))
    return view.section("everyone", "Every recipient", (table, _verdict(view)))


def _class(view: View, words: str, number: int) -> Markup:
    language = view.language
    cells = element("th", language.say(words), scope="row"), element("td", language.counted(number), class_=NUMBER)
    return element("tr", *cells, class_="zero" if not number else None)


def _verdict(view: View) -> Markup:
    status, language = view.report.status, view.language
    tone, words = "bad", language.say("✗ The recipients do not add up.")
    if status.balanced:
        tone, words = "good", language.say("✓ The recipients add up.")
    sums = language.mixed(
        " Sent {sent} = final {final} + awaiting a final status {awaiting}.",
        sent=status.sent,
        final=status.final,
        awaiting=status.awaiting,
    )
    return element("p", element("strong", words, class_=tone), sums)
