"""What must hold after any run, whatever died in it: the sandbox's ledger against ours."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from campaigns.flow.services import Services
from campaigns.handle import Campaign
from campaigns.sandbox.client import SandboxClient
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
    leaks: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        return not (self.doubles or self.lost or self.unbalanced or self.gaps or self.leaks)


def judge(
    services: Services, campaigns: list[Campaign], sandbox: SandboxClient, logs: str, secrets: list[str]
) -> Findings:
    """Compare both ledgers, message by message. Every message of a run has a text of its own campaign."""
    findings = Findings()
    sent = Counter((row["text"], row["phone"]) for row in sandbox.ledger())
    findings.doubles = [f"{text}: {phone} x{number}" for (text, phone), number in sent.items() if number > 1]
    for campaign in campaigns:
        _judge(services, campaign, sent, findings)
    findings.leaks = [secret for secret in secrets if secret in logs]
    return findings


def _judge(services: Services, campaign: Campaign, sent: Counter[tuple[str, str]], findings: Findings) -> None:
    status = campaign.status()
    text = status.name
    findings.recipients += status.total
    findings.settled += status.recipients["settled"]
    findings.held += status.recipients["held"]
    findings.rejected += status.recipients["rejected"]
    if not status.balanced or status.state != "finished":
        findings.unbalanced.append(f"{campaign.id}: {status.state} {status.recipients}")
    for delivery in campaign.deliveries():
        there = sent[(text, delivery.phone)]
        if delivery.state in {"accepted", "settled"} and there != 1:
            findings.lost.append(f"{text}: {delivery.phone} is {delivery.state} and was sent {there} times")
        if delivery.state in {"planned", "rejected", "cancelled"} and there != 0:
            findings.doubles.append(f"{text}: {delivery.phone} is {delivery.state} and was sent {there} times")
    events = list(services.events.since(source=campaign.id))
    for event in events:
        check_event(event)
    if [event.sequence for event in events] != list(range(1, len(events) + 1)):
        findings.gaps.append(campaign.id)
