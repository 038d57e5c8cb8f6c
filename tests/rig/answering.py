"""Recipients who answer while a rig harms the store, and what has become of their answers in the end."""

from __future__ import annotations

import time
from random import Random

from campaigns.campaign import Campaign
from campaigns.ledger.states import ACCEPTED, SETTLED
from campaigns.sandbox.client import SandboxClient
from campaigns.services import Services

STOP = "stop"


class Answers:
    """Of recipients of the messages with `text`; every other one wants no more."""

    def __init__(self, text: str, random: Random, sandbox: SandboxClient) -> None:
        self.given: dict[str, str] = {}
        #: Those to messages that are known to be sent: for others, replies are not fetched.
        self.expected: set[tuple[str, str]] = set()
        self._text = text
        self._random = random
        self._sandbox = sandbox

    def give(self, number: int) -> None:
        """A recipient who has the message answers it."""
        sent = sorted({row["phone"] for row in self._sandbox.ledger() if row["text"] == self._text} - self.given.keys())
        if sent:
            phone = self._random.choice(sent)
            self.given[phone] = STOP if number % 2 else f"thank you {number}"
            self._sandbox.reply(phone, self.given[phone])

    def lost(self, campaign: Campaign, services: Services, patience_s: float) -> list[str]:
        """Replies that are not stored and opt-outs that are not kept, once the gateway has no more of them."""
        known = {delivery.phone for delivery in campaign.deliveries() if delivery.state in {ACCEPTED, SETTLED}}
        self.expected = {(phone, text) for phone, text in self.given.items() if phone in known}
        end_s = time.monotonic() + patience_s
        while (missing := self._missing(campaign)) and self._more_to_come() and time.monotonic() < end_s:
            campaign.poll()
            time.sleep(1.0)
        stopped = sorted(phone for phone, text in self.expected if text == STOP)
        missed = [f"the answer of {phone}, {text}" for phone, text in sorted(missing)]
        return missed + [f"the opt-out of {phone}" for phone in stopped if phone not in services.optouts]

    def _missing(self, campaign: Campaign) -> set[tuple[str, str]]:
        return self.expected - {(reply.phone, reply.message) for reply in campaign.replies()}

    def _more_to_come(self) -> bool:
        """Whether the gateway has replies that are not marked, beside those that are never fetched."""
        return int(self._sandbox.summary()["unmarked_replies"]) > len(self.given) - len(self.expected)
