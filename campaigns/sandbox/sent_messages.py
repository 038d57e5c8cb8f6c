"""What the sandbox really sent to which phone, and at what cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from campaigns.sandbox.models import Mailing, money
from campaigns.sandbox.state import SandboxState


class SentMessages:
    """Reads the state, and changes nothing."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state

    def ledger(self) -> Iterator[dict[str, Any]]:
        """One row per message that was really sent, with what it cost."""
        with self.state.lock:
            paid = [mailing for mailing in self.state.mailings.values() if mailing.paid_ms is not None]
        for mailing in paid:
            yield from self._rows(mailing)

    def _rows(self, mailing: Mailing) -> Iterator[dict[str, Any]]:
        for index in range(len(mailing.phones)):
            yield self.row(mailing, index)

    def row(self, mailing: Mailing, index: int) -> dict[str, Any]:
        """One message that was really sent."""
        content, upload = mailing.content, mailing.content.upload
        status, error_code, at_ms = self.state.step(mailing, index)
        return {
            "message_id": mailing.message_id,
            "delivery_id": mailing.first_delivery_id + index,
            "uuid": mailing.uuid,
            "kind": mailing.kind,
            "mailing": mailing.name,
            "sender_id": mailing.sender_id,
            "phone": str(mailing.phones[index]),
            "type": content.type,
            "text": mailing.texts[index] if mailing.texts else content.text,
            "image_url": content.image_url,
            "image": {"bytes": upload.size_bytes, "sha256": upload.sha256} if upload else None,
            "button": content.caption,
            "button_link": mailing.links[index] if mailing.links else content.button_link,
            "cost": money(mailing.unit_cost),
            "accepted_at_ms": mailing.paid_ms,
            "starts_at_ms": mailing.start_ms,
            "status": status,
            "status_at_ms": at_ms,
            "error_code": error_code,
            "sms": self._forwarded(mailing, status, at_ms),
        }

    def _forwarded(self, mailing: Mailing, status: str, at_ms: int) -> bool:
        """Whether the message was forwarded as SMS, because it was not delivered within its minutes."""
        if mailing.forwarding is None or mailing.start_ms is None:
            return False
        life = self.state.clock.life_at
        limit_life = life(mailing.start_ms) + mailing.forwarding.after_minutes * 60_000
        if status in {"DELIVERED", "READ"}:
            delivered_life = life(at_ms) if status == "DELIVERED" else life(mailing.start_ms)
            return delivered_life > limit_life
        return life(self.state.clock.now_ms()) >= limit_life

    def figures(self) -> dict[str, Any]:
        """Money, and how many messages."""
        with self.state.lock:
            paid = [mailing for mailing in self.state.mailings.values() if mailing.paid_ms is not None]
            return {
                "messages": sum(len(mailing.phones) for mailing in paid),
                "mailings": len(paid),
                "spent": money(self.state.spent),
                "spent_units": self.state.spent,
                "paid_requests": self.state.paid_requests,
                "balances": {account: money(left) for account, left in self.state.balances.items()},
                "unmarked_replies": sum(not message.marked for message in self.state.incoming.values()),
            }
