"""A preview (`campaigns send --dry-run`) in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from campaigns.cli.output.excluded_rows import rows_of
from campaigns.preview import Preview
from campaigns.recipients import RecipientFile
from campaigns.recipients.columns import shown
from campaigns.recipients.exclusions import Excluded, Exclusion
from campaigns.send_test import TrialMessage
from campaigns.text.wording import counted, money, noun_for

_SHOWN: Final = 3
Line = tuple[str, str | None]


def preview_lines(preview: Preview) -> Iterator[Line]:
    """Lines, each with its style: the counts, the money, the limits, and what `request_text` shows."""
    name = preview.name or "this job"
    yield f"{name}: {preview.kind}, account {preview.account}. A dry run: nothing is stored, nothing is sent.", "bold"
    numbers = _numbers(preview)
    width = max(len(number) for number, _ in numbers)
    yield from ((f"{number:>{width}}  {words}", None) for number, words in numbers)
    yield from ((line, "dim") for line in _examples(preview))
    if any("no value for" in why for why in preview.invalid_reasons):
        yield "a default can stand in for a missing value: {name|friend}", "dim"
    yield from _messages(preview)
    yield from _limits(preview)
    if preview.send_window:
        yield f"goes out from {preview.send_window}", None
    if preview.canary:
        yield f"the first {counted(preview.canary, 'recipient')} go out before the others", None
    if preview.same_as is not None:
        yield f"campaign {preview.same_as} has this key already: no second campaign would be made", "yellow"
    if not preview.refused and preview.to_send != 0:
        yield "to send it, repeat the command without --dry-run", "dim"
    yield from _request(preview)


def _numbers(preview: Preview) -> list[tuple[str, str]]:
    """Numbers and what they count."""
    numbers: list[tuple[str, str]] = []
    if preview.to_send is not None:
        numbers.append((f"{preview.total:,}", f"{noun_for(preview.total, 'recipient')} handed in"))
        excluded = {
            Exclusion.INVALID.label: preview.invalid,
            Exclusion.DUPLICATE.label: preview.duplicate,
            Exclusion.OPTED_OUT.label: preview.opted_out,
            Exclusion.SUPPRESSED.label: preview.suppressed,
            Exclusion.CAPPED.label: preview.capped,
        }
        for words, number in excluded.items():
            numbers.append((f"{number:,}", words))
            if words == Exclusion.INVALID.label:
                numbers += [("", f"{part:>{len(str(number))}} {why}") for why, part in preview.invalid_reasons.items()]
        numbers.append((f"{preview.to_send:,}", "to be sent"))
        if preview.repeated:
            further = f"{preview.repeated:,} of them to a phone that gets another text of the same mailing too"
            numbers.append(("", further))
    else:
        numbers.append(("?", "recipients: only the gateway knows its list; limits are checked when it answers"))
    numbers.append((f"{preview.requests:,}", noun_for(preview.requests, "paid request")))
    each = "" if preview.message_cost is None else f", at {money(preview.message_cost)} a message"
    if preview.cost is not None:
        numbers.append((money(preview.cost), f"expected cost{each}"))
    else:
        numbers.append(("?", f"expected cost{each or ': CAMPAIGNS_MESSAGE_COST is unset'}"))
    if preview.budget is not None and preview.budget_left is not None:
        left = f"left today of the account's daily budget of {money(preview.budget)}"
        waits = preview.cost is not None and preview.cost > preview.budget_left and not preview.over_budget
        numbers.append((money(preview.budget_left), left + ("; what does not fit waits for the next day" * waits)))
    if preview.over_budget:
        costs = "costs" if preview.over_budget == 1 else "cost"
        words = f"of these requests {costs} more than that whole budget: the campaign would pause before it"
        numbers.append((f"{preview.over_budget:,}", words))
    return numbers


def _examples(preview: Preview) -> Iterator[str]:
    """The first excluded recipients, and how many there are besides."""
    shown_ones = preview.examples[:_SHOWN]
    yield from map(_excluded, shown_ones)
    if more := sum(getattr(preview, reason) for reason in Exclusion) - len(shown_ones):
        yield f"  and {more:,} more"


def _excluded(one: Excluded) -> str:
    why = f": {one.why}" if one.why else ""
    return f"  {one.reason.replace('_', ' ')}: {one.phone} at {one.place}{why}"


def _messages(preview: Preview) -> Iterator[Line]:
    """The first messages of personal mailings and the longest, as recipients will read them."""
    shown = [("", sample) for sample in preview.samples]
    if preview.longest is not None and preview.longest not in preview.samples:
        shown.append(("the longest: ", preview.longest))
    for words, sample in shown:
        longest = "the longest, " if not words and sample == preview.longest else ""
        yield f"{words}{sample.place}, {sample.phone}: {longest}{counted(sample.length, 'character')}", "bold"
        yield from ((f"  {line}", None) for line in sample.text.splitlines())
        if sample.button_link is not None:
            yield f"  {sample.button_link}", None


def message_lines(message: TrialMessage, *, several: bool) -> Iterator[Line]:
    """A message of a test: its row, its phone, its text, picture and button. With `several` mailings also its own."""
    of = f"{message.mailing}, " if several else ""
    row = f"{message.place}, to " if message.place else "to "
    yield f"{of}{row}{message.phone}: {counted(len(message.text), 'character')}", "bold"
    yield from ((f"  {line}", None) for line in message.text.splitlines())
    if message.image:
        yield f"  picture: {message.image}", None
    if message.button or message.link:
        yield f"  button: {message.button or '?'} -> {message.link}", None


def _limits(preview: Preview) -> Iterator[Line]:
    limits = {"max_recipients": preview.max_recipients, "max_cost": preview.max_cost}
    for name, limit in limits.items():
        if name in preview.refused:
            yield f"{name} {limit}: would stop it", "red"
        elif limit is not None:
            yield f"{name} {limit}: {'would not stop it' if preview.to_send is not None else 'not known yet'}", None


def _request(preview: Preview) -> Iterator[Line]:
    first = preview.first_request
    yield "", None
    if first is None:
        yield "no message would be sent: there are no recipients left, so no request is made", "yellow"
        return
    kind = "form" if first.form else "JSON"
    yield f"the first request: POST {first.url} ({kind})", "bold"


def all_invalid_lines(preview: Preview, recipients: RecipientFile | None) -> Iterator[str]:
    """That no message can be sent, why, and of which column the phones are."""
    yield f"no message can be sent: {_all_of(preview.total)} invalid:"
    width = len(f"{preview.total:,}")
    yield from (f"  {part:>{width},} {why}" for why, part in preview.invalid_reasons.items())
    yield from _columns(recipients)


def _all_of(total: int) -> str:
    return "the only recipient is" if total == 1 else f"all {total:,} recipients are"


def _columns(recipients: RecipientFile | None) -> Iterator[str]:
    """The column that the phones were read from, and the others."""
    table = rows_of(recipients) if recipients is not None else None
    if table is None or not table.names:
        return
    others = [shown(name) for at, name in enumerate(table.names) if at != table.phone_place and name.strip()]
    yield f"  phones were read from the column {shown(table.names[table.phone_place])!r}"
    if others:
        yield f"  the others are {', '.join(others[:12])}{' ...' * (len(others) > 12)}"
        yield f'  to choose another: --column "phone={others[0]}"'


def request_text(preview: Preview) -> str:
    """The body of the first request as indented JSON, cut by `shortened`; empty if there is none."""
    first = preview.first_request
    return orjson.dumps(shortened(first.body), option=orjson.OPT_INDENT_2).decode() if first is not None else ""


def shortened(body: Any) -> Any:
    """The body of a request with only the first few recipients of each mailing, and how many more there are."""
    if isinstance(body, dict):
        return {
            name: _few(value) if name == "delivery_list" and isinstance(value, list) else shortened(value)
            for name, value in body.items()
        }
    return [shortened(value) for value in body] if isinstance(body, list) else body


def _few(rows: list[Any]) -> list[Any]:
    more = len(rows) - _SHOWN
    return [*rows[:_SHOWN], f"... and {more:,} more"] if more > 0 else rows
