"""A client of the sandbox's control endpoints, for tests and tools in any process."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from typing import Any, Final

#: Opens the sandbox's address without the proxies of the environment.
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SandboxClient:
    """Orders faults, changes options and reads what was sent. Raises ValueError with the sandbox's words."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ledger(self) -> list[dict[str, Any]]:
        """One row per message that was really sent: `phone`, `text`, `mailing`, `cost`, `status`, ..."""
        return list(self.iter_ledger())

    def iter_ledger(self) -> Iterator[dict[str, Any]]:
        with _DIRECT.open(f"{self.url}/_sandbox/ledger", timeout=60) as answer:
            for line in answer:
                yield json.loads(line)

    def summary(self) -> dict[str, Any]:
        """Money, messages, requests by method, the most requests in one second, the most at once."""
        return dict(self._call("GET", "summary"))

    def fault(self, fault: str, method: str = "any", **more: Any) -> None:
        """Order a fault: see `campaigns.sandbox.faults`."""
        self._call("POST", "faults", {"fault": fault, "method": method, **more})

    def clear_faults(self) -> None:
        self._call("DELETE", "faults")

    def change(self, **options: Any) -> None:
        """Change options: see `campaigns.sandbox.options`."""
        self._call("POST", "settings", options)

    def top_up(self, amount: str, token: str | None = None) -> None:
        """Add euros to the account of one token, or to all accounts."""
        self._call("POST", "balance", {"amount": amount, "token": token})

    def make_list(self, list_id: int, phones: Sequence[str]) -> None:
        self._call("POST", "lists", {"list_id": list_id, "phones": list(phones)})

    def reply(self, phone: str, text: str, message_id: int | None = None) -> str:
        """A recipient answers the newest message. Returns the reply's id."""
        answer = self._call("POST", "reply", {"phone": phone, "text": text, "message_id": message_id})
        return str(answer["id"])

    def read(self, phone: str) -> None:
        self._call("POST", "read", {"phone": phone})

    def block(self, phone: str) -> None:
        self._call("POST", "block", {"phone": phone})

    def reset(self) -> None:
        """Delete everything that was sent, and all faults. Options stay."""
        self._call("POST", "reset", {})

    def _call(self, http_method: str, path: str, document: Any = None) -> Any:
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data, method=http_method)  # noqa: S310
        try:
            with _DIRECT.open(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                words = error.read().decode("utf-8", "replace")
        raise ValueError(words)
