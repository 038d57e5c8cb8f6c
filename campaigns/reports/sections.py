"""The sections of the page, one function each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from campaigns.reports.drawing import meter, timeline
from campaigns.reports.figures import Report
from campaigns.reports.markup import Markup, element, foreign, joined
from campaigns.statuses import MEANINGS
from campaigns.text.wording import counted, masked, moment, money, moneys, share

#: A table cell: its content, and the class of its column.
_NUMBER, _TIME, _TEXT = "number", "time", None
_LONGEST_REPLY = 300
#: From this number of rows on, a table may be divided between pages.
_LONG = 15
#: Rows that a narrow window shows before unfolding. page.css has the same number.
_UNFOLDED = 5
#: Elements that stay together on paper.
Part = tuple[Markup | None, ...]


def _funnel(report: Report) -> Markup | None:
    if not report.status.total:
        return _section("Funnel", (element("p", "No recipients were handed in."),))
    planned, lines = report.funnel[0].number, list[Markup]()
    if not planned:
        return _section("Funnel", (element("p", "Every recipient was excluded."),))
    for number, step in enumerate(report.funnel):
        of_planned = f" {share(step.number, planned)}" if number else ""
        before = report.funnel[number - 1]
        of_before = (
            f" ({share(step.number, before.number)} of {before.name.lower()})" if number > 1 and before.number else ""
        )
        name = element("span", step.name, element("span", f" – {step.about}{of_before}", class_="soft"), class_="name")
        value = element("span", element("b", counted(step.number)), of_planned, class_="value")
        lines.append(element("li", name, " ", value, meter(step.number, planned)))
    return _section("Funnel", (element("ol", *lines, class_="funnel"),))


def _over_time(report: Report) -> Markup | None:
    if not report.words and not report.unreported:
        return None
    sent = report.status.sent
    rows = [
        [
            foreign(word or "(no word)", 40),
            counted(span.number),
            share(span.number, sent),
            moment(span.first_ms or 0, report.zone),
            moment(span.last_ms or 0, report.zone),
        ]
        for word, span in report.words
    ]
    if report.unreported:
        rows.append(["no status yet", counted(report.unreported), share(report.unreported, sent), "", ""])
    meanings = [f"{word}: {MEANINGS[word]}" for word, _ in report.words if word in MEANINGS]
    columns = (("Status", _TEXT), ("Messages", _NUMBER), ("Of sent", _NUMBER), ("First", _TIME), ("Last", _TIME))
    adrift = None
    if report.adrift:
        text = (
            f"Single messages and counters differ by {counted(report.adrift)}: the campaign changed while it was "
            "read, or people were erased."
        )
        adrift = element("p", text, class_="soft")
    about = "Each message at the time at which it reached its present status."
    return _section(
        "Deliveries over time",
        (element("p", about, class_="lead soft"), timeline(report.chart, report.zone) if report.chart else None),
        (
            element("h3", "By status"),
            _table(columns, rows),
            element("p", "; ".join(meanings) + ".", class_="soft") if meanings else None,
            adrift,
        ),
    )


def _failures(report: Report) -> Markup | None:
    parts: list[Part] = []
    sent = report.status.sent
    if report.failures:
        rows = [
            [foreign(word, 40), str(code) if code else "–", counted(number), share(number, sent)]
            for word, code, number in report.failures
        ]
        columns = (("Status", _TEXT), ("Error code", _NUMBER), ("Messages", _NUMBER), ("Of sent", _NUMBER))
        parts.append((element("h3", "Sent, and not delivered"), _table(columns, rows)))
    if report.refusals:
        parts.append(_refusals(report))
    if not parts:
        return _section("Failures by reason", (element("p", "None."),)) if sent else None
    return _section("Failures by reason", *parts)


def _refusals(report: Report) -> Part:
    rows = [
        [
            foreign(refusal.words) if refusal.words else "no reason was given",
            "mailing" if refusal.requests is None else counted(refusal.requests, "request"),
            counted(refusal.messages),
        ]
        for refusal in report.refusals
    ]
    columns = (("Why", _TEXT), ("What", _TEXT), ("Messages", _NUMBER))
    again = None
    if any(refusal.requests for refusal in report.refusals):
        retry = _command(f"campaigns retry {report.status.id} --why REASON")
        again = element("p", "Once the reason is fixed, whole requests can be sent again: ", retry)
    return element("h3", "Refused, and certainly not sent"), _table(columns, rows), again


def _pending(report: Report) -> Markup | None:
    if not report.pending:
        return None
    rows = [
        [
            foreign(found.what, 60),
            counted(found.messages),
            joined(foreign(found.why), element("br") if found.command else None, _command(found.command)),
        ]
        for found in report.pending
    ]
    columns = (("What", _TEXT), ("Messages", _NUMBER), ("Why, and what to do", _TEXT))
    return _section("Open, unknown or held", (_table(columns, rows),), _held(report))


def _held(report: Report) -> Part:
    if not report.held:
        return ()
    rows = [
        [
            element("code", batch.id),
            counted(batch.recipients),
            moment(batch.since_ms, report.zone),
            foreign(batch.text or "no evidence either way"),
        ]
        for batch in report.held
    ]
    columns = (("Request", _TEXT), ("Messages", _NUMBER), ("Held since", _TIME), ("Why", _TEXT))
    more = report.held_batches - len(report.held)
    one = f"campaigns resolve {report.status.id} sent|resend|write-off --batch {report.held[0].id} --why REASON"
    meaning = (
        "sent: the gateway has it. resend: it never arrived; it is sent and paid for again. "
        "write-off: the outcome stays unknown."
    )
    return (
        element("h3", "Requests that are held"),
        _table(columns, rows),
        element("p", f"and {counted(more, 'further request')}") if more > 0 else element("p", "One of them: "),
        element("p", _command(one)),
        element("p", meaning, class_="soft"),
    )


def _cost(report: Report) -> Markup | None:
    price, status = report.price, report.status
    if not status.sent and not status.costs:
        return None
    rows = [("As the gateway reports so far", moneys(status.costs) or "nothing yet")]
    if price.per_message is not None:
        rows.append(("Per message sent", money(price.per_message, price.currency)))
    if price.unpriced:
        rows.append(("Mailings without a price yet", f"{counted(price.unpriced)} of {counted(price.mailings)}"))
    if price.expected is not None:
        rows.append(("Expected per message (CAMPAIGNS_MESSAGE_COST)", money(price.expected, price.currency)))
        rows.append(
            (f"Expected for {counted(status.sent, 'message')}", money(price.expected * status.sent, price.currency))
        )
    if price.limit:
        rows.append(("Limit of the job (max_cost)", price.limit))
    twice = None
    if status.double_sends:
        text = (
            f"{counted(status.double_sends, 'message')} went out twice. Compare with the gateway's bill: the price "
            "below may not contain the second time."
        )
        twice = element("p", element("strong", text), class_="lead bad")
    cells = [[name, value] for name, value in rows]
    return _section("Cost", (twice, _table((("", _TEXT), ("Amount", _NUMBER)), cells, stack=False)))


def _excluded(report: Report) -> Markup | None:
    if not report.excluded:
        return None
    total = report.status.total
    rows = [[reason, counted(number), share(number, total)] for reason, number in report.excluded]
    columns = (("Reason", _TEXT), ("Recipients", _NUMBER), ("Of handed in", _NUMBER))
    listed = element("p", "Each with place and phone: ", _command(f"campaigns excluded {report.status.id}"))
    return _section("Excluded, not messaged", (_table(columns, rows, stack=False), listed))


def _classes(report: Report) -> Markup | None:
    status = report.status
    if not status.total and status.balanced:
        return None
    body = [
        element(
            "tr",
            element("th", words, scope="row"),
            element("td", counted(number), class_=_NUMBER),
            class_="zero" if not number else None,
        )
        for _, words, number in report.classes
    ]
    total = sum(number for _, _, number in report.classes)
    verdict = "as many as were handed in" if total == status.total else f"but {counted(status.total)} were handed in"
    foot = element(
        "tr", element("th", f"Together, {verdict}", scope="row"), element("td", counted(total), class_=_NUMBER)
    )
    head = element("tr", element("th", "Class", scope="col"), element("th", "Recipients", scope="col", class_=_NUMBER))
    tone, words = "bad", "✗ The recipients do not add up."
    if status.balanced:
        tone, words = "good", "✓ The recipients add up."
    awaiting = f"awaiting a final status {counted(status.awaiting)}"
    sent = f"Sent {counted(status.sent)} = final {counted(status.final)} + {awaiting}."
    return _section(
        "Every recipient",
        (
            element("table", element("thead", head), element("tbody", *body), element("tfoot", foot)),
            element("p", element("strong", words, class_=tone), f" {sent}"),
        ),
    )


def _replies(report: Report) -> Markup | None:
    status = report.status
    if not status.replies:
        return None
    rows = [
        [
            moment(reply.received_ms, report.zone) if reply.received_ms is not None else "unknown",
            element("code", masked(reply.phone)),
            foreign(reply.message, _LONGEST_REPLY),
        ]
        for reply in report.replies
    ]
    people = counted(report.funnel[-1].number, "person", "people")
    newest = f"{counted(status.replies, 'reply', 'replies')} from {people}" + (
        f", the newest {len(rows)} of them:" if status.replies > len(rows) else ":"
    )
    columns = (("Received", _TIME), ("Phone", _TEXT), ("Message", _TEXT))
    return _section("Replies", (element("p", newest, class_="lead"), _table(columns, rows)))


SECTIONS: Final[Sequence[Callable[[Report], Markup | None]]] = (
    _funnel,
    _over_time,
    _failures,
    _cost,
    _pending,
    _excluded,
    _classes,
    _replies,
)


def _section(title: str, *parts: Part) -> Markup:
    """A section of parts (a table or a picture with its introduction); a page break on paper never divides a part."""
    first, *others = parts
    whole = [(element("h2", title), *first), *others]
    return element("section", *(element("div", *part, class_="part") for part in whole if part))


def _command(text: str) -> Markup | None:
    return element("code", text, class_="command") if text else None


def _table(
    columns: Sequence[tuple[str, str | None]], rows: Sequence[Sequence[object]], *, stack: bool = True
) -> Markup:
    """A table whose first column names its rows. With `stack` each row becomes a block in narrow windows.

    A long one continues on the next page on paper; a narrow window shows its first rows until the reader unfolds it.
    """
    head = element("tr", *(element("th", name, scope="col", class_=kind) for name, kind in columns))
    body = []
    for first, *others in rows:
        cells = [
            element("td", cell, class_=kind, data_label=name)
            for cell, (name, kind) in zip(others, columns[1:], strict=True)
            if cell != "" or not stack
        ]
        # An empty cell of a row that becomes a block would be a label without a value.
        cells += [element("td")] * (len(others) - len(cells))
        body.append(element("tr", element("th", first, scope="row", class_=columns[0][1]), *cells))
    classes = " ".join(name for name, is_so in (("stack", stack), ("long", len(rows) > _LONG)) if is_so)
    table = element("table", element("thead", head), element("tbody", *body), class_=classes or None)
    if not stack or len(rows) <= _UNFOLDED:
        return table
    more = element("label", element("input", type="checkbox"), f" show all {len(rows)}")
    return element("div", table, more, class_="fold")
