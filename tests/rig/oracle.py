"""What must hold after any run, whatever died in it: the sandbox's ledger against ours."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from redis import Redis

from campaigns.flow.services import Services
from campaigns.handle import Campaign
from campaigns.ledger.states import BATCH_STATES
from campaigns.results import Event
from campaigns.sandbox.client import SandboxClient
from campaigns.settings import Rate
from tests.support.events import check_event


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
    money: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)

    def wrong(self) -> dict[str, list[str]]:
        """Every kind of finding, by its name."""
        kinds = ("doubles", "lost", "unbalanced", "gaps", "money", "limits", "leaks")
        return {kind: getattr(self, kind) for kind in kinds}

    @property
    def kept(self) -> bool:
        return not any(self.wrong().values())


def judge(services: Services, campaigns: list[Campaign], sandbox: SandboxClient) -> Findings:
    """Compare both ledgers, message by message. Every message of a run has a text of its own campaign."""
    findings = Findings()
    ledger = sandbox.ledger()
    sent = Counter((row["text"], row["phone"]) for row in ledger)
    findings.doubles = [f"{text}: {phone} x{number}" for (text, phone), number in sent.items() if number > 1]
    for campaign in campaigns:
        _judge(services, campaign, sent, findings)
        _judge_events(services, campaign, findings)
    _judge_money(campaigns, ledger, findings)
    return findings


def judge_limits(sandbox: SandboxClient, rate: Rate, concurrency: int, findings: Findings) -> None:
    """The limits of the account, as they were felt at the gateway. The rate's window must be one second."""
    figures = sandbox.summary()
    if figures["max_per_second"].get("all", 0) > rate.requests:
        findings.limits.append(f"{figures['max_per_second']['all']} requests in a second, more than {rate.requests}")
    if figures["max_concurrency"] > concurrency:
        findings.limits.append(f"{figures['max_concurrency']} requests at once, more than {concurrency}")


def judge_secrets(
    redis: Redis, broker_keys: str, logs: str, token: str, private: list[str], findings: Findings
) -> None:
    """No token anywhere in the store, no token and nothing private in logs and in the broker's messages."""
    for key in redis.scan_iter():
        text = _text(redis, key)
        told = private if key.decode().startswith(broker_keys) else []
        findings.leaks += [f"{key.decode()} holds {secret[:3]}..." for secret in [token, *told] if secret in text]
    findings.leaks += [f"a log holds {secret[:3]}..." for secret in [token, *private] if secret in logs]


def _judge(services: Services, campaign: Campaign, sent: Counter[tuple[str, str]], findings: Findings) -> None:
    status = campaign.status()
    text = status.name
    findings.recipients += status.total
    findings.settled += status.recipients["settled"]
    findings.held += status.recipients["held"]
    findings.rejected += status.recipients["rejected"]
    if not status.balanced or status.state != "finished":
        findings.unbalanced.append(f"{campaign.id}: {status.state} {status.recipients}")
    known: set[str] = set()
    for delivery in campaign.deliveries():
        known.add(delivery.phone)
        there = sent[(text, delivery.phone)]
        if delivery.state in {"accepted", "settled"} and there != 1:
            findings.lost.append(f"{text}: {delivery.phone} is {delivery.state} and was sent {there} times")
        if delivery.state in {"planned", "rejected", "cancelled"} and there != 0:
            findings.doubles.append(f"{text}: {delivery.phone} is {delivery.state} and was sent {there} times")
    strangers = {phone for of_text, phone in sent if of_text == text} - known
    findings.lost += [f"{text}: {phone} was sent and stands nowhere" for phone in strangers]


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
    """What somebody who only reads the stream knows: batches by state, deliveries by status."""
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


def _judge_money(campaigns: list[Campaign], ledger: list[dict[str, Any]], findings: Findings) -> None:
    """What we say it cost is what the gateway took, but for what is held, which nobody knows."""
    paid: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in ledger:
        paid[row["text"]] += Decimal(row["cost"].split()[0])
    for campaign in campaigns:
        status = campaign.status()
        told, took = status.cost or Decimal(0), paid[status.name]
        if told > took or (told != took and not status.recipients["held"]):
            findings.money.append(f"{campaign.id}: cost {told}, but the gateway took {took}")


def _text(redis: Redis, key: bytes) -> str:
    """Everything that a key holds, as text."""
    kind = redis.type(key)
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
