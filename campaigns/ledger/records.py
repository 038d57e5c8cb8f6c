"""Campaigns and batches as values, read from their hashes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from campaigns.jobs.values import Canary
from campaigns.ledger.states import ACCEPTED, BATCH_STATES, EXCLUDED, OVER, SETTLED
from campaigns.statuses import TO_READ
from campaigns.times.windows import Opening, Window, read_openings

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class MailingRecord:
    """One mailing inside a batch."""

    name: str
    index: int  # of the mailing in the job
    recipients: int
    starts_at_ms: int | None  # its schedule, if it has one
    fingerprint: str
    message_type: str
    #: What the gateway knows it as, if not by its name.
    alias: str = ""

    @property
    def sent_name(self) -> str:
        """The name that the request carried."""
        return self.alias or self.name

    def packed(self) -> list[Any]:
        return [
            self.name,
            self.index,
            self.recipients,
            self.starts_at_ms,
            self.fingerprint,
            self.message_type,
            *([self.alias] if self.alias else []),
        ]


@dataclass(frozen=True, slots=True)
class Batch:
    """What the ledger knows of one batch. `fields` are all fields as text, for what has no attribute."""

    id: str
    state: str
    kind: str
    account: str
    recipients: int
    attempt: int
    fence: str
    mailings: tuple[MailingRecord, ...]
    fields: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls, batch_id: str, fields: Mapping[str, str]) -> Batch:
        return cls(
            id=batch_id,
            state=fields.get("state", ""),
            kind=fields.get("kind", ""),
            account=fields.get("account", ""),
            recipients=int(fields.get("n", 0)),
            attempt=int(fields.get("attempt", 0)),
            fence=fields.get("fence", ""),
            mailings=tuple(MailingRecord(*row) for row in orjson.loads(fields.get("mailings", "[]"))),
            fields=fields,
        )

    @property
    def campaign_id(self) -> str:
        return campaign_of(self.id)

    @property
    def facts(self) -> dict[str, str | int | None]:
        """The fields that identify the batch in log lines."""
        return {
            "campaign": self.campaign_id,
            "batch": self.id,
            "attempt": self.attempt,
            "account": self.account,
            "correlation_id": self.fields.get("correlation_id"),
        }

    def number(self, name: str) -> int:
        """A field that is a whole number; 0 if it is not there."""
        return int(self.fields.get(name) or 0)

    @property
    def fallback_after_ms(self) -> int:
        """After which time it is announced who was not delivered; 0 if it is not."""
        return self.number("fallback_after_ms")

    @property
    def fallback_due_ms(self) -> int:
        """When that is (unix ms), of a batch that is at the gateway."""
        return self.number("followed_ms") + self.fallback_after_ms

    @property
    def fallback_done(self) -> bool:
        """Whether all of them have been announced. The recipients of a refused mailing are not."""
        numbers = range(len(self.mailings))
        return all(f"fallback:{n}" in self.fields or f"rejected:{n}" in self.fields for n in numbers)

    @property
    def fallback_open(self) -> bool:
        """Whether recipients of a batch that is at the gateway may have to be announced yet."""
        return bool(self.fallback_after_ms) and not self.fallback_done

    @property
    def follow(self) -> str:
        """How far it is followed: `read`, `delivered` or `none`."""
        return self.fields.get("follow") or TO_READ

    @property
    def cap(self) -> str:
        """Its frequency cap, see `campaigns.jobs.caps`; '' without one."""
        return self.fields.get("cap", "")

    @property
    def wants_replies(self) -> bool:
        """Whether its campaign asks for replies."""
        return self.fields.get("wants_replies") != "0"

    @property
    def message_ids(self) -> dict[int, int]:
        """Mailing → the gateway's message id, the first if it has several, as far as they are known."""
        return {number: ids[0] for number, ids in self.all_message_ids.items()}

    @property
    def all_message_ids(self) -> dict[int, tuple[int, ...]]:
        """Mailing → the gateway's message ids. A mailing that the gateway divides has several."""
        stored = orjson.loads(self.fields.get("message_ids") or "{}").items()
        return {int(number): tuple(ids) if isinstance(ids, list) else (int(ids),) for number, ids in stored if ids}

    @property
    def sent_by_ms(self) -> int:
        """Unix ms after which no request of the batch in doubt was sent: its claim, whose lease is short, or the change
        of server by which a claim may have been lost."""
        return max(self.number("claimed_ms"), self.number("doubted_ms"))

    @property
    def claim_lost(self) -> bool:
        """Whether it is in doubt only because the store may have lost a claim of it."""
        return self.number("doubted_ms") >= self.number("claimed_ms") > 0

    def scheduled_ms(self, mailing: MailingRecord) -> int | None:
        """Unix ms for which a mailing was scheduled by the batch's last claim; before that, by its plan."""
        return self.number("schedule_ms") or mailing.starts_at_ms

    @property
    def starts_at_ms(self) -> int:
        """When its mailings start at the gateway: at their schedule, or when it was claimed.

        All mailings of a batch have one time. Should there be two, the later counts, since an age from the earlier
        would end polling too soon.
        """
        claimed = self.number("claimed_ms")
        return max((max(self.scheduled_ms(m) or claimed, claimed) for m in self.mailings), default=claimed)


@dataclass(frozen=True, slots=True)
class Campaign:
    """What the ledger knows of one campaign."""

    id: str
    state: str
    kind: str
    account: str
    name: str
    batches: int
    fields: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls, campaign_id: str, fields: Mapping[str, str]) -> Campaign:
        return cls(
            id=campaign_id,
            state=fields.get("state", ""),
            kind=fields.get("kind", ""),
            account=fields.get("account", ""),
            name=fields.get("name", ""),
            batches=int(fields.get("batches", 0)),
            fields=fields,
        )

    @property
    def facts(self) -> dict[str, str | int | None]:
        """The fields that identify the campaign in log lines."""
        return {"campaign": self.id, "account": self.account, "correlation_id": self.fields.get("correlation_id")}

    def number(self, name: str) -> int:
        """A counter; 0 if it was never counted."""
        return int(self.fields.get(name) or 0)

    @property
    def job(self) -> dict[str, Any]:
        """The job without its recipients."""
        document: dict[str, Any] = orjson.loads(self.fields.get("job") or "{}")
        return document

    @property
    def rescheduled_ms(self) -> int | None:
        """Unix ms to which a person moved the batches that were still here; None if none did."""
        return self.number("schedule_ms") or None

    @property
    def canary(self) -> Canary | None:
        """The part of it that goes out first."""
        canary = self.job.get("canary")
        return Canary(**canary) if canary else None

    @property
    def canary_batches(self) -> int:
        """How many batches may go out before its canary is judged; 0 if all may."""
        return self.number("canary")

    @property
    def handed_out_most(self) -> int:
        """How many batches may be handed out now."""
        return self.canary_batches or self.batches

    @property
    def window(self) -> Window | None:
        """When it may go out; None if at any time."""
        return Window.read(orjson.loads(self.fields["window"])) if "window" in self.fields else None

    @property
    def openings(self) -> dict[str, list[Opening]]:
        """When its window is open, as far as that is written, by zone or country."""
        found = {n.removeprefix("open:"): v for n, v in self.fields.items() if n.startswith("open:")}
        return {zone: read_openings(packed) for zone, packed in sorted(found.items())}

    @property
    def over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in OVER

    @property
    def recipients(self) -> dict[str, int]:
        """Recipients by fate: those whom planning excluded, then the others by the state of their batch."""
        return {name: self.number(f"r:{name}") for name in (*EXCLUDED, *BATCH_STATES)}

    @property
    def requests(self) -> dict[str, int]:
        """Batches by state; those states in which there is none are left out."""
        counts = {state: self.number(f"b:{state}") for state in BATCH_STATES}
        return {state: number for state, number in counts.items() if number}

    @property
    def total(self) -> int:
        return self.number("r:total")

    @property
    def sent(self) -> int:
        return self.number(f"r:{ACCEPTED}") + self.number(f"r:{SETTLED}")

    @property
    def statuses(self) -> dict[str, int]:
        """Deliveries by status word, the gateway's own words included."""
        counts = {n[2:]: int(v) for n, v in self.fields.items() if n.startswith("s:")}
        return {word: number for word, number in counts.items() if number}

    @property
    def costs(self) -> dict[str, Decimal]:
        """The cost so far by the gateway's figures, by currency (empty text where it names none)."""
        found = {n.removeprefix("cost:"): Decimal(v) / MILLION for n, v in self.fields.items() if n.startswith("cost:")}
        return {currency: amount for currency, amount in sorted(found.items()) if amount}

    @property
    def balanced(self) -> bool:
        """Whether every recipient handed in stands in exactly one class."""
        return self.total == sum(self.recipients.values()) and self.number("final") <= self.sent

    def batch_ids(self) -> list[str]:
        return [f"{self.id}-{n}" for n in range(self.batches)]


def number_of(batch_id: str) -> int:
    """The number of a batch within its campaign, from 0."""
    return int(batch_id.rpartition("-")[2])


def campaign_of(batch_id: str) -> str:
    """The campaign that a batch belongs to."""
    return batch_id.rpartition("-")[0]
