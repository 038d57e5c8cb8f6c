"""What must hold after any run, whatever died in it: the sandbox's ledger against ours."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

from redis import Redis

from campaigns.campaign import Campaign
from campaigns.events import Consumer, Event, Events
from campaigns.ledger.states import ACCEPTED, BATCH_STATES, CANCELLED, PLANNED, REJECTED, SETTLED
from campaigns.results import Delivery
from campaigns.sandbox.client import SandboxClient
from campaigns.services import Services
from campaigns.settings import Rate
from tests.support.events import check_event

_AT_THE_GATEWAY = frozenset({ACCEPTED, SETTLED})
_NEVER_SENT = frozenset({PLANNED, REJECTED, CANCELLED})
#: A phone as `tests.support.jobs.phones` makes them, not as a part of a longer number or of an id.
_PHONE = re.compile(r"(?<![0-9a-f])37529\d{7}(?![0-9a-f])")


@dataclass(frozen=True)
class Wanted:
    """What a job asked for: the text to whom. Several may ask for the same."""

    campaign: Campaign
    text: str
    phones: Sequence[str]


@dataclass
class Findings:
    """What a run came to. All lists are empty if the promise was kept."""

    recipients: int = 0
    settled: int = 0
    held: int = 0
    rejected: int = 0
    doubles: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    unknown_phones: list[str] = field(default_factory=list)
    money: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)
    doubted: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)

    def wrong(self) -> dict[str, list[str]]:
        """Every kind of finding, by its name."""
        lists = {one.name: getattr(self, one.name) for one in fields(self)}
        return {kind: found for kind, found in lists.items() if isinstance(found, list)}

    @property
    def kept(self) -> bool:
        return not any(self.wrong().values())


def judge(
    services: Services, wanted: Sequence[Wanted], sandbox: SandboxClient, *, vanished: Sequence[Wanted] = ()
) -> Findings:
    """Compare what the jobs asked for, what the gateway sent and what we say, message by message.

    Of campaigns that `vanished` with a store nothing is said; what they sent must not have been sent twice.
    """
    findings = Findings()
    ledger = Ledger(sandbox.ledger())
    ledger.leave_out(vanished, findings)
    for one in wanted:
        ours = _ours(one, findings)
        for phone, deliveries in ours.items():
            ledger.say(one.text, phone, deliveries)
        _judge_money(one, ours, ledger, findings)
        _judge_events(services, one.campaign, findings)
    ledger.compare(Counter((one.text, phone) for one in wanted for phone in one.phones), findings)
    return findings


def judge_limits(sandbox: SandboxClient, rate: Rate, concurrency: int, findings: Findings) -> None:
    """The limits of the account, as they were felt at the gateway. The rate's window must be one second."""
    figures = sandbox.summary()
    if figures["max_per_second"].get("all", 0) > rate.requests:
        findings.limits.append(f"{figures['max_per_second']['all']} requests in a second, more than {rate.requests}")
    if figures["max_concurrency"] > concurrency:
        findings.limits.append(f"{figures['max_concurrency']} requests at once, more than {concurrency}")


def judge_group(events: Events, consumer: Consumer, findings: Findings) -> None:
    """A group that was there from the beginning and has read nothing so far finds every event that happened."""
    # First what is there: once the group has read it, it may be dropped.
    there = [event.id for event in events.since()]
    read = {event.id.partition("#")[0] for event in consumer.events(idle_s=0.2)}
    findings.gaps += [
        f"a group that reads from the beginning does not get {event_id}" for event_id in there if event_id not in read
    ]
    if not there:
        findings.gaps.append("the stream is empty")


def judge_secrets(redis: Redis, broker_keys: str, logs: str, token: str, texts: list[str], findings: Findings) -> None:
    """No token anywhere in the store; no token, no phone and no text in logs and in the broker's messages."""
    for key in redis.scan_iter():
        text = _text(redis, key)
        found = _private(text, texts) if key.decode().startswith(broker_keys) else []
        findings.leaks += [f"{key.decode()} holds {secret[:6]}..." for secret in found]
        if token in text:
            findings.leaks.append(f"{key.decode()} holds the token")
    findings.leaks += [f"a log holds {secret[:6]}..." for secret in _private(logs, texts)]
    if token in logs:
        findings.leaks.append("a log holds the token")


def _private(text: str, texts: list[str]) -> list[str]:
    return [*set(_PHONE.findall(text)), *(secret for secret in texts if secret in text)]


class Ledger:
    """Every message that the gateway sent, and beside it what we say of each."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._sent: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            self._sent[row["text"], row["phone"]].append(row)
        self._said: defaultdict[tuple[str, str], list[Delivery]] = defaultdict(list)

    def cost(self, text: str, phone: str) -> Decimal:
        """What one message to the phone cost, 0 if there was none."""
        rows = self._sent[text, phone]
        return Decimal(rows[0]["cost"].split()[0]) if rows else Decimal(0)

    def say(self, text: str, phone: str, deliveries: list[Delivery]) -> None:
        self._said[text, phone] += deliveries

    def leave_out(self, vanished: Sequence[Wanted], findings: Findings) -> None:
        """Of these campaigns only this counts: no person got one of them twice. No other campaign has their texts."""
        for one in vanished:
            for phone in one.phones:
                if (times := len(self._sent.pop((one.text, phone), []))) > 1:
                    findings.doubles.append(f"{one.text}, which vanished: {phone} was sent {times} times")

    def compare(self, wanted: Counter[tuple[str, str]], findings: Findings) -> None:
        """No double send, and none without a job; what we call accepted is there, what we call planned or refused is not."""
        for text, phone in {*self._sent, *wanted}:
            rows, said, asked = self._sent[text, phone], self._said[text, phone], wanted[text, phone]
            message = f"{text}: {phone}"
            states = Counter(delivery.state for delivery in said)
            surely = sum(states[state] for state in _AT_THE_GATEWAY)
            possibly = len(said) - sum(states[state] for state in _NEVER_SENT)
            if len(rows) > asked:
                findings.doubles.append(f"{message} asked for {asked} times, sent {len(rows)} times")
            elif len(rows) > possibly:
                findings.doubles.append(f"{message} is {dict(states)} and was sent {len(rows)} times")
            if len(rows) < surely:
                findings.lost.append(f"{message} is {dict(states)} and was sent {len(rows)} times")
            if len(said) != asked:
                findings.lost.append(f"{message} was asked for {asked} times and stands here {len(said)} times")
            findings.unknown_phones += _unknown_phones(message, rows, said)


def _unknown_phones(message: str, rows: list[dict[str, Any]], said: list[Delivery]) -> list[str]:
    """What we say about a message that is not this one, or not what the gateway says."""
    found, at_gateway = [], {row["delivery_id"]: row["status"] for row in rows}
    with_ids = [delivery for delivery in said if delivery.delivery_id is not None]
    if any(delivery.state == SETTLED and not delivery.status for delivery in said):
        found.append(f"{message} is settled, and nothing is known of it")
    if len({delivery.delivery_id for delivery in with_ids}) < len(with_ids):
        found.append(f"{message}: two deliveries of one id")
    for delivery in with_ids:
        status = at_gateway.get(delivery.delivery_id)
        if status is None:
            found.append(f"{message}: no such delivery at the gateway: {delivery.delivery_id}")
        elif delivery.state == SETTLED and delivery.status not in {status, "UNKNOWN_FINAL"}:
            found.append(f"{message} is {delivery.status}, at the gateway {status}")
    return found


def _ours(wanted: Wanted, findings: Findings) -> dict[str, list[Delivery]]:
    """Our state and status of each recipient whom a job named."""
    status = wanted.campaign.status()
    findings.recipients += status.total
    findings.settled += status.recipients["settled"]
    findings.held += status.recipients["held"]
    findings.rejected += status.recipients["rejected"]
    if not status.balanced or status.state != "finished" or status.total != len(wanted.phones):
        findings.unbalanced.append(f"{wanted.campaign.id}: {status.state} {status.total} {status.recipients}")
    ours: defaultdict[str, list[Delivery]] = defaultdict(list)
    for delivery in wanted.campaign.deliveries():
        ours[delivery.phone].append(delivery)
    if status.kind == "list" and not status.recipients["settled"]:
        # No phone is known until the gateway names it; until then all share the state of the one batch.
        state = next((state for state, number in status.recipients.items() if number), PLANNED)
        for phone in wanted.phones:
            ours[phone] = [Delivery(phone, "", f"{wanted.campaign.id}-0", state, "", None, None, 0)]
    return ours


def _judge_money(wanted: Wanted, ours: dict[str, list[Delivery]], ledger: Ledger, findings: Findings) -> None:
    """Our cost is what the gateway took for what we call accepted; what is held may have cost something or not."""
    known = [
        phone for phone, deliveries in ours.items() for delivery in deliveries if delivery.state in _AT_THE_GATEWAY
    ]
    took = sum((ledger.cost(wanted.text, phone) for phone in known), Decimal(0))
    cost = wanted.campaign.status().cost or Decimal(0)
    if cost != took:
        findings.money.append(f"{wanted.campaign.id}: cost {cost}, but the gateway took {took}")


def _judge_events(services: Services, campaign: Campaign, findings: Findings) -> None:
    """No gap in the sequence, each as its schema says, and replaying them rebuilds the state."""
    events = list(services.events.since(source=campaign.id))
    for event in events:
        check_event(event)
    if [event.sequence for event in events] != list(range(1, len(events) + 1)):
        findings.gaps.append(f"{campaign.id}: the sequence has gaps")
    record = services.campaigns.read(campaign.id)
    batches, statuses = replayed(events)
    stored = {state: record.number(f"b:{state}") for state in BATCH_STATES}
    if batches != {state: number for state, number in stored.items() if number}:
        findings.gaps.append(f"{campaign.id}: events say {batches}, the ledger {stored}")
    if statuses != record.statuses:
        findings.gaps.append(f"{campaign.id}: events say {statuses}, the ledger {record.statuses}")


def replayed(events: list[Event]) -> tuple[dict[str, int], dict[str, int]]:
    """What a consumer that only reads the stream knows: batches by state, deliveries by status."""
    states: dict[str, str] = {}
    words: dict[tuple[str, int, str], str] = {}
    for event in events:
        if event.type == "campaign.ready":
            states.update({f"{event.source}-{n}": "planned" for n in range(event.data["batches"])})
        elif event.type == "deliveries.changed":
            for phone, status, *_ in event.data["changes"]:
                words[event.subject, event.data["mailing"], phone] = status
        elif event.type.startswith("batch.") and event.type.removeprefix("batch.") in BATCH_STATES:
            states[event.subject] = event.type.removeprefix("batch.")
    return dict(Counter(states.values())), dict(Counter(words.values()))


def _text(redis: Redis, key: bytes) -> str:
    """Everything that a key holds, as text."""
    kind = redis.type(key)
    if kind == b"none":  # an empty queue, say; by now there may be something in it again
        return ""
    if kind == b"string":
        found: Any = redis.get(key)
    elif kind == b"hash":
        found = redis.hgetall(key)
    elif kind == b"list":
        found = redis.lrange(key, 0, -1)
    elif kind == b"set":
        found = redis.smembers(key)
    elif kind == b"zset":
        found = redis.zrange(key, 0, -1)
    else:
        found = redis.xrange(key)
    return repr(found)
