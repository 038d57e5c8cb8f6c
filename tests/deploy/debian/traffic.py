"""A campaign, quick messages and submitted jobs, handed in as the documents say, and what became of each."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from tests.support.documents import blocks, read

#: Types lines, with what they read from standard input, and returns what they print.
Typed = Callable[[str, str], str]
#: Small requests and a low rate, so that a campaign is under way while everything is restarted.
SETTINGS: Final = {
    "CAMPAIGNS_RECIPIENTS_PER_REQUEST": "2",
    "CAMPAIGNS_RATE_LIMIT": "8/1",
    "CAMPAIGNS_READ_SHARE": "0.75",
    "CAMPAIGNS_POLL_MIN_S": "15",
}
RECIPIENTS: Final = 400
CAMPAIGN_KEY: Final = "walk"

_LEDGER: Final = """
import json
from campaigns.sandbox.client import SandboxClient
print(json.dumps([row["phone"] for row in SandboxClient("http://SANDBOX").ledger()]))
"""
_SCRAPE: Final = """
from urllib.request import urlopen
print(urlopen("http://METRICS/metrics", timeout=10).read().decode())
"""


class Traffic:
    """Hands in, and remembers each phone that is to be messaged once."""

    def __init__(self, typed: Typed, python: str, *, sandbox: str = "127.0.0.1:8025") -> None:
        self._typed = typed
        self._python = python
        self._sandbox = sandbox
        self.phones: list[str] = []

    def campaign(self) -> str:
        """Hand in a campaign. Returns its id."""
        phones = [self._phone() for _ in range(RECIPIENTS)]
        message = {"alphaname_id": 444, "message_type": "bulk", "content": {"type": "text", "text": "Hello"}}
        job = json.dumps({"messages": [{**message, "delivery_list": phones}]})
        return _id(self._typed(f"campaigns send - --json --key {CAMPAIGN_KEY}", job))

    def quick(self) -> None:
        """Hand in a single message by the command."""
        job = {"kind": "quick", "vibername_id": 7, "phone": self._phone(), "message": "Your code is 7"}
        self._typed("campaigns send - --json", json.dumps(job))

    def submitted(self) -> None:
        """The same from another language: the guide's lines, with another phone and key."""
        phone = self._phone()
        (program,) = blocks(read("deploy/guide/how-to/other-languages.md"), "python")
        program = program.replace("375291111111", phone).replace("order-4711-shipped", f"submitted-{phone}")
        self._typed(f"{self._python} -", program)

    def status(self, campaign: str) -> dict[str, Any]:
        return dict(json.loads(self._typed(f"campaigns status {campaign} --json", "")))

    def sent(self) -> Counter[str]:
        """How often the sandbox really messaged each phone."""
        return Counter(json.loads(self._typed(f"{self._python} -", _LEDGER.replace("SANDBOX", self._sandbox))))

    def _phone(self) -> str:
        """The next. Its last digits choose no fate in the sandbox."""
        phone = f"37529{1_000_000 + len(self.phones)}"
        self.phones.append(phone)
        return phone


def accepted(typed: Typed, python: str, *, metrics: str = "127.0.0.1:9808") -> int:
    """How many recipients the exporter says that the gateway took."""
    page = typed(f"{python} -", _SCRAPE.replace("METRICS", metrics))
    figures = re.findall(r'^campaigns_recipients_total\{.*outcome="accepted".*\} (\S+)$', page, re.MULTILINE)
    return int(sum(map(float, figures)))


def _id(printed: str) -> str:
    return str(json.loads(printed)["id"])
