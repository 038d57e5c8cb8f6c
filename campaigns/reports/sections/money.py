"""The section about money. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from campaigns.reports.markup import Markup, element
from campaigns.reports.sections.parts import NUMBER, TEXT, View
from campaigns.statuses import READ


def cost(view: View) -> Markup | None:
    """What it cost, in all and for each message."""
    status = view.report.status
    if not status.sent and not status.costs:
        return None
    twice = None
    if status.double_sends:
        text = view.language.mixed(
            "{messages} went out twice. Compare with the gateway's bill: the price below may not contain the second "
            "time.",
            messages=view.language.counted(status.double_sends, "message"),
        )
        twice = element("p", element("strong", text), class_="lead bad")
    dearer = (
        view.sentence("A message cost more on average than expected.", "lead warn") if status.cost_drifted else None
    )
    table = view.table((("", TEXT), ("Amount", NUMBER)), list(_rows(view)), stack=False)
    return view.section("cost", "Cost", (twice, dearer, table))


def _rows(view: View) -> Iterator[list[object]]:
    report, language = view.report, view.language
    status, price = report.status, report.price
    yield [
        language.say("As the gateway reports so far"),
        language.moneys(status.costs) or language.say("nothing yet"),
    ]
    if price.per_message is not None:
        yield [language.say("Per message sent"), language.money(price.per_message, price.currency)]
    if (read := status.statuses.get(READ)) and price.total is not None:
        yield [language.say("Per message read"), language.money(price.total / read, price.currency)]
    if price.unpriced:
        counts = language.mixed("{number} of {all}", number=price.unpriced, all=price.mailings)
        yield [language.say("Mailings without a price yet"), counts]
    if price.expected is not None:
        yield [
            language.say("Expected per message (CAMPAIGNS_MESSAGE_COST)"),
            language.money(price.expected, price.currency),
        ]
        messages = language.counted(status.sent, "message")
        yield [
            language.mixed("Expected for {messages}", messages=messages),
            language.money(price.expected * status.sent, price.currency),
        ]
    if price.limit:
        yield [language.say("Limit of the job (max_cost)"), price.limit]
