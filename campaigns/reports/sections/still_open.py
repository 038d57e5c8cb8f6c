"""The section about what is open, unknown or held. Pure."""

from __future__ import annotations

from campaigns.reports.markup import Markup, element, foreign, joined
from campaigns.reports.pending import Pending
from campaigns.reports.sections.parts import NUMBER, TEXT, TIME, Part, View, command


def still_open(view: View) -> Markup | None:
    """What is open, why, and what to do."""
    report = view.report
    if not report.pending:
        return None
    rows = [
        [view.language.filled(found.what), view.language.counted(found.messages), _why(view, found)]
        for found in report.pending
    ]
    columns = (("What", TEXT), ("Messages", NUMBER), ("Why, and what to do", TEXT))
    return view.section("open", "Open, unknown or held", (view.table(columns, rows),), _held(view))


def _why(view: View, found: Pending) -> Markup:
    sentences: list[object] = []
    for sentence in found.why:
        sentences += [" " if sentences else None, view.language.filled(sentence)]
    return joined(*sentences, element("br") if found.command else None, command(found.command))


def _held(view: View) -> Part:
    report, language = view.report, view.language
    if not report.held:
        return ()
    rows = [
        [
            element("code", batch.id),
            language.counted(batch.recipients),
            language.moment(batch.since_ms, report.zone),
            foreign(batch.text) if batch.text else language.say("no evidence either way"),
        ]
        for batch in report.held
    ]
    columns = (("Request", TEXT), ("Messages", NUMBER), ("Held since", TIME), ("Why", TEXT))
    more = report.held_batches - len(report.held)
    one = f"campaigns resolve {report.status.id} sent|resend|write-off --batch {report.held[0].id} --why REASON"
    return (
        view.heading("Requests that are held"),
        view.table(columns, rows),
        view.sentence("and {requests}", requests=language.counted(more, "further request"))
        if more > 0
        else view.sentence("One of them:"),
        element("p", command(one)),
        view.sentence(
            "sent: the gateway has it. resend: it never arrived; it is sent and paid for again. "
            "write-off: the outcome stays unknown.",
            "soft",
        ),
    )
