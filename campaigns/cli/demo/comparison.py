"""The end of the demonstration: what the sandbox sent, what is known here, and whether both agree."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Final

from rich.console import Console
from rich.table import Table

from campaigns.campaign import Campaign
from campaigns.sandbox import SandboxClient
from campaigns.text.wording import counted, money

_SHOWN_PHONES: Final = 8
_SHOWN_REPLIES: Final = 12


def compared_with(campaigns: list[Campaign], sandbox: SandboxClient, console: Console) -> dict[str, int | str]:
    """Print what each phone got, the replies, and whether both sides agree. Returns the figures."""
    sent_rows = [(row["mailing"], row["phone"], row["text"]) for row in sandbox.ledger()]
    known = Counter(
        (delivery.mailing, delivery.phone)
        for campaign in campaigns
        for delivery in campaign.deliveries()
        if delivery.state in {"accepted", "settled"}
    )
    _show_phones(sent_rows, console)
    _show_replies(campaigns, console)
    sent = Counter((mailing, phone) for mailing, phone, _ in sent_rows)
    twice = [pair for pair, number in sent.items() if number > 1]
    differing = [pair for pair in sent.keys() | known.keys() if sent[pair] != known[pair]]
    summary = sandbox.summary()
    paid = counted(summary["requests"]["sendBulkViber"], "paid request")
    console.print()
    console.print(agreement(len(sent_rows), sum(known.values()), len(twice), len(differing)))
    console.print(f"cost: {_amount(summary['spent'])} for {paid}")
    return {
        "sent": len(sent_rows),
        "known": sum(known.values()),
        "twice": len(twice),
        "differing": len(differing),
        "spent": summary["spent"],
        "requests": summary["requests"]["sendBulkViber"],
    }


def agreement(sent: int, known: int, twice: int, differing: int) -> str:
    """A sentence: what the sandbox sent, what is known here, and where the two differ."""
    number = counted(sent, "message")
    if sent == known and not twice and not differing:
        return f"the sandbox sent {number}: every one is known here, and none went out twice"
    parts = [f"the sandbox sent {number}", f"the results here know of {known:,}"]
    parts += [f"{counted(twice, 'message')} went out twice"] if twice else []
    parts += [f"{counted(differing, 'message')} known on one side alone"] if differing else []
    return "; ".join(parts)


def _amount(spent: str) -> str:
    """`10.29 EUR`, from an amount with its currency."""
    number, _, currency = spent.partition(" ")
    return money(Decimal(number), currency)


def _show_phones(sent_rows: list[tuple[str, str, str]], console: Console) -> None:
    messages: dict[str, list[str]] = {}
    for mailing, phone, text in sent_rows:
        messages.setdefault(phone, []).append(text or f"({mailing}: a picture)")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("phone")
    table.add_column("got")
    shown = sorted(messages, key=lambda phone: (-len(messages[phone]), phone))[:_SHOWN_PHONES]
    for phone in shown:
        table.add_row(phone, ", ".join(messages[phone]))
    console.print()
    console.print("what each phone got", style="bold")
    console.print(table)
    if more := len(messages) - len(shown):
        console.print(f"... and {counted(more, 'more phone')}", style="dim")


def _show_replies(campaigns: list[Campaign], console: Console) -> None:
    replies = [reply for campaign in campaigns for reply in campaign.replies()]
    console.print()
    console.print("replies", style="bold")
    for reply in replies[:_SHOWN_REPLIES]:
        console.print(f"{reply.phone}  {reply.message}")
    if len(replies) > _SHOWN_REPLIES:
        more = counted(len(replies) - _SHOWN_REPLIES, "more reply", "more replies")
        console.print(f"... and {more}", style="dim")
    if not replies:
        console.print("none", style="dim")
