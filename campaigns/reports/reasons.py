"""Reasons that the store keeps as English sentences of ours, taken apart so that another language can say them. Pure.

What another program wrote, such as the gateway's text in a refusal, stays as it is.
"""

from __future__ import annotations

import re
from typing import Final

from campaigns.reports.language import Reason, Said, said

_AMOUNT: Final = r"[0-9][0-9.,]*"
#: A reason as it is stored, and the sentence whose places its groups fill.
_FORMS: Final = tuple(
    (re.compile(pattern, re.DOTALL), sentence)
    for pattern, sentence in (
        # Of a canary.
        (
            rf"(?P<failed>{_AMOUNT}) of (?P<all>{_AMOUNT}) recipients? failed, and at most (?P<most>[0-9]+)% may",
            "failed: {failed} of {all}, and at most {most} percent may",
        ),
        (
            rf"(?P<failed>{_AMOUNT}) of (?P<all>{_AMOUNT}) recipients? of (?P<mailing>.+) failed, "
            r"and at most (?P<most>[0-9]+)% may",
            "failed in {mailing}: {failed} of {all}, and at most {most} percent may",
        ),
        (
            rf"(?P<number>{_AMOUNT}) requests? in doubt, about which a person has to decide",
            "a person has to decide about requests in doubt: {number}",
        ),
        (
            rf"no phone had received it (?P<seconds>{_AMOUNT}) seconds after it was sent",
            "no phone had received it {seconds} seconds after it was sent",
        ),
        (
            rf"no phone had received (?P<mailing>.+) (?P<seconds>{_AMOUNT}) seconds after it was sent",
            "no phone had received {mailing} {seconds} seconds after it was sent",
        ),
        # Of a draft.
        ("it was handed in as a draft", "it was handed in as a draft"),
        (
            "large campaigns need approval, and only the gateway knows how many recipients its list has",
            "large campaigns need approval, and only the gateway knows how many recipients its list has",
        ),
        (
            rf"it has (?P<planned>{_AMOUNT}) recipients, and campaigns of (?P<most>{_AMOUNT}) or more need approval",
            "recipients: {planned}, and campaigns of {most} or more need approval",
        ),
        (
            rf"its expected cost is (?P<cost>{_AMOUNT}), and campaigns of (?P<most>{_AMOUNT}) or more need approval",
            "its expected cost is {cost}, and campaigns of {most} or more need approval",
        ),
        # Of a paused account.
        ("too many requests", "too many requests"),
        (r"refused: (?P<text>.*)", "refused: {text}"),
        (r"no token: (?P<text>.*) for a worker", "no token for a worker: {text}"),
        (r"(?P<batch>[0-9a-z]+-[0-9]+) was sent twice", "{batch} was sent twice"),
        (
            r"(?P<number>[0-9]+) failures? in a row; the last: (?P<text>.*)",
            "failures in a row: {number}; the last: {text}",
        ),
        (
            rf"a request costs (?P<cost>{_AMOUNT}), and the whole daily budget is (?P<budget>{_AMOUNT})",
            "a request costs {cost}, and the whole daily budget is {budget}",
        ),
        (
            rf"the daily budget of (?P<budget>{_AMOUNT}) has no room: (?P<used>{_AMOUNT}) is spent or reserved, "
            rf"and the next request costs (?P<cost>{_AMOUNT})",
            "the daily budget of {budget} has no room: {used} is spent or reserved, and the next request costs {cost}",
        ),
        # Of a refusal here. What `reason` stands for is one of these again.
        (r"refused here: (?P<reason>.*)", "refused here: {reason}"),
        (r"not confirmed: (?P<reason>.*)", "not confirmed: {reason}"),
        ("the request body has expired before it was sent", "the request body has expired before it was sent"),
        ("the gateway reports no recipients on this list", "the gateway reports no recipients on this list"),
        (
            rf"the list has (?P<number>{_AMOUNT}) recipients, the job's max_recipients is (?P<most>{_AMOUNT})",
            "recipients on the list: {number}, the job's max_recipients is {most}",
        ),
        (
            "max_cost cannot be checked; set CAMPAIGNS_MESSAGE_COST",
            "max_cost cannot be checked; set CAMPAIGNS_MESSAGE_COST",
        ),
        (
            rf"the expected cost is (?P<cost>{_AMOUNT}), the job's max_cost is (?P<most>{_AMOUNT})",
            "the expected cost is {cost}, the job's max_cost is {most}",
        ),
    )
)


def taken_apart(reason: str) -> Said | None:
    """The sentence of a reason, with its values; None for a reason that is not one of ours."""
    for form, sentence in _FORMS:
        if (match := form.fullmatch(reason)) is not None:
            values = match.groupdict()
            return said(sentence, **{name: Reason(v) if name == "reason" else v for name, v in values.items()})
    return None
