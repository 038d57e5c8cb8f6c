"""What is kept of erased people so that the figures of a campaign stay: outcomes, without whose they were. Pure."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import orjson

from campaigns.ledger.records import Batch, Campaign


@dataclass(frozen=True, slots=True)
class ErasedReplies:
    """That an erased person replied to a campaign: to which mailings, by their names.

    `opted_out` is the mailing whose reply opted the person out, and `scopes` are the kinds of what the person was opted
    out of then; None and empty if no reply did, or if the opt-outs were erased too.
    """

    mailings: list[str]
    opted_out: str | None
    scopes: list[str]

    def packed(self) -> str:
        """As it is stored."""
        return orjson.dumps(astuple(self)).decode()


def erased_replies(campaign: Campaign) -> list[ErasedReplies]:
    """One for each erased person who replied to a campaign."""
    return [ErasedReplies(*orjson.loads(line)) for line in campaign.fields.get("erased_replies", "").splitlines()]


def is_emptied(batch: Batch, mailing: int) -> bool:
    """Whether everybody in a mailing of the last request was erased, and the gateway's ids of it with them."""
    return batch.fields.get(f"emptied:{mailing}") == batch.fence


def erased_values(batch: Batch, mailing: int) -> list[bytes]:
    """What became of the messages of a mailing to erased people, as deliveries are stored, without the gateway's id.

    No time is before the request, though it is stored in whole quarters of an hour.
    """
    kept = (value.split("|", 2) for value in orjson.loads(batch.fields.get(f"erased:{mailing}", "[]")))
    sent_ms = batch.number("claimed_ms")
    return [f"{word}|{max(int(at_ms), sent_ms) if at_ms else ''}|{rest}".encode() for word, at_ms, rest in kept]
